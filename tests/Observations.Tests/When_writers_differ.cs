using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>Nobody changes, links to or learns of what they may not see.</summary>
[TestFixture]
public sealed class When_writers_differ
{
    Town town = null!;

    /// <summary>A station whose data is restricted; developers write, but do not see it.</summary>
    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.CloseAsync("geheim", Access.Restricted);
        await town.MakeAsync("Things", Station($$""","@iot.id":"verborgen","properties":{"dataset":"geheim"}""", ",\"@iot.id\":\"verborgen.t\",\"Observations\":[{\"phenomenonTime\":\"2026-11-20T10:00:00Z\",\"result\":1}]"));
    }

    static readonly object?[][] Everybody = [[null, 401], [Roles.Partner, 403], [Roles.Analyst, 403], [Roles.Developer, 0], [Roles.DataSteward, 0], [Roles.DataOwner, 0], [Roles.Admin, 0]];

    [TestCaseSource(nameof(Everybody))]
    public async Task Should_let_write_who_may(string? role, int refused)
    {
        var made = await town.WriteAsync(HttpMethod.Post, "Things", """{"name":"a","description":"b"}""", role);
        Assert.That(made.Status, Is.EqualTo(refused == 0 ? 201 : refused));
        var path = refused == 0 ? PathOf(made.Body!) : PathOf(await town.MakeAsync("Things", """{"name":"a","description":"b"}"""));
        foreach (var (method, body) in new[] { (HttpMethod.Patch, "{}"), (HttpMethod.Put, """{"name":"a","description":"c"}"""), (HttpMethod.Delete, (string?)null) })
            Assert.That((await town.WriteAsync(method, path, body, role)).Status, Is.EqualTo(refused == 0 ? 200 : refused), method.Method);
    }

    [TestCase("PATCH", "Things('verborgen')", """{"name":"x"}""")]
    [TestCase("PUT", "Things('verborgen')", """{"name":"x","description":"y"}""")]
    [TestCase("DELETE", "Things('verborgen')", null)]
    [TestCase("DELETE", "Datastreams('verborgen.t')", null)]
    [TestCase("POST", "Things('verborgen')/Locations", """{"name":"R","description":"D","encodingType":"text/plain","location":"x"}""")]
    [TestCase("POST", "Things('verborgen')/Datastreams", "{}")]
    [TestCase("POST", "Datastreams('verborgen.t')/Observations", """{"result":1}""")]
    [TestCase("POST", "Observations", """{"result":1,"Datastream":{"@iot.id":"verborgen.t"}}""")]
    [TestCase("POST", "HistoricalLocations", """{"time":"2026-01-01T00:00:00Z","Thing":{"@iot.id":"verborgen"}}""")]
    [TestCase("POST", "Locations", """{"name":"R","description":"D","encodingType":"text/plain","location":"x","Things":[{"@iot.id":"verborgen"}]}""")]
    [TestCase("PATCH", "Datastreams('verborgen.t')/Thing", """{"name":"x"}""")]
    [TestCase("POST", "Things('verborgen')/Locations/$ref", """{"@iot.id":1}""")]
    public async Task Should_answer_the_hidden_like_the_missing(string method, string path, string? body)
    {
        string Missing(string text) => text.Replace("verborgen", "nirgends", StringComparison.Ordinal);
        var hidden = await town.WriteAsync(new HttpMethod(method), path, body, Roles.Developer);
        var missing = await town.WriteAsync(new HttpMethod(method), Missing(path), body is null ? null : Missing(body), Roles.Developer);
        Assert.That(hidden.Status, Is.EqualTo(400).Or.EqualTo(404));
        Assert.That((hidden.Status, Missing(hidden.Body!.ToJsonString())), Is.EqualTo((missing.Status, missing.Body!.ToJsonString())));
        Assert.That((string)(await town.GetAsync("Things('verborgen')", Roles.Admin))["name"]!, Is.EqualTo("Wetterstation"));
    }

    [Test]
    public async Task Should_not_put_anything_where_the_writer_cannot_see_it()
    {
        async Task<(int, string)> IntoAsync(string dataset, string role)
        {
            var (status, _, body) = await town.WriteAsync(HttpMethod.Post, "Things", $$"""{"name":"a","description":"b","properties":{"dataset":"{{dataset}}"} }""", role);
            return (status, status == 201 ? "" : body!.ToJsonString().Replace(dataset, "…", StringComparison.Ordinal));
        }
        var hidden = await IntoAsync("geheim", Roles.Developer);
        Assert.That(hidden.Item1, Is.EqualTo(403));
        Assert.That(await IntoAsync("gibt-es-nicht", Roles.Developer), Is.EqualTo(hidden), "whether the dataset is there does not show");
        Assert.That((await IntoAsync("geheim", Roles.DataOwner)).Item1, Is.EqualTo(201));
        Assert.That((await IntoAsync("neu", Roles.DataOwner)).Item1, Is.EqualTo(201));
        Assert.That((await IntoAsync("neu", Roles.Developer)).Item1, Is.EqualTo(201), "it is there now, and seen");
    }

    [Test]
    public async Task Should_not_delete_what_others_cannot_see_along_with_what_they_can()
    {
        var sensor = await town.MakeAsync("Sensors", Sensor());
        await town.MakeAsync("Things('verborgen')/Datastreams", Datastream($$""","@iot.id":"verborgen.u","Sensor":{"@iot.id":{{sensor["@iot.id"]}}},"ObservedProperty":{{Property()}}"""));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(sensor), null, Roles.Developer)).Status, Is.EqualTo(409));
        Assert.That(await town.StatusAsync("Datastreams('verborgen.u')"), Is.EqualTo(200));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(sensor))).Status, Is.EqualTo(200));
        Assert.That(await town.StatusAsync("Datastreams('verborgen.u')"), Is.EqualTo(404));
    }

    [Test]
    public async Task Should_not_take_anything_away_from_what_the_writer_cannot_see()
    {
        // An open Datastream of a Thing that is not, an open Location and an open feature in the service of data that is not.
        await town.MakeAsync("Things('verborgen')/Datastreams", DatastreamWithAll(",\"@iot.id\":\"offen\",\"properties\":{\"dataset\":\"sensorthings\"}"));
        var thing = await town.MakeAsync("Things", """{"name":"a","description":"b"}""");
        var location = await town.MakeAsync("Locations", """{"name":"Raum","description":"b","encodingType":"text/plain","location":"R7"}""");
        Assert.That((await town.WriteAsync(HttpMethod.Post, "Things('verborgen')/Locations/$ref", $$"""{"@iot.id":{{location["@iot.id"]}} }""")).Status, Is.EqualTo(204));
        var feature = await town.MakeAsync("FeaturesOfInterest", Location().Replace("\"location\"", "\"feature\"", StringComparison.Ordinal));
        var observation = await town.MakeAsync("Datastreams('verborgen.t')/Observations", $$"""{"phenomenonTime":"2026-11-22T10:00:00Z","result":1,"FeatureOfInterest":{"@iot.id":{{feature["@iot.id"]}} } }""");
        foreach (var (method, path, body) in new[]
        {
            (HttpMethod.Patch, "Datastreams('offen')", $$"""{"Thing":{"@iot.id":{{thing["@iot.id"]}} } }"""), (HttpMethod.Post, PathOf(thing) + "/Datastreams/$ref", """{"@iot.id":"offen"}"""),
            (HttpMethod.Delete, PathOf(location), null), (HttpMethod.Delete, PathOf(feature), null),
        })
            Assert.That((await town.WriteAsync(method, path, body, Roles.Developer)).Status, Is.EqualTo(409), $"{method} {path}");
        Assert.That(await town.StatusAsync(PathOf(observation)), Is.EqualTo(200));
        Assert.That(await town.NamesAsync("Things('verborgen')/Datastreams?$filter=id%20eq%20'offen'"), Is.EqualTo(new[] { "Temperatur" }));
    }

    [Test]
    public async Task Should_show_what_nothing_uses_yet_to_those_who_see_its_dataset()
    {
        foreach (var (set, body) in new[] { ("Sensors", Sensor()), ("ObservedProperties", Property()), ("Locations", Location()), ("FeaturesOfInterest", Location().Replace("\"location\"", "\"feature\"", StringComparison.Ordinal)) })
        {
            var open = await town.MakeAsync(set, body, Roles.Developer);
            var closed = await town.MakeAsync(set, body[..^1] + ",\"properties\":{\"dataset\":\"geheim\"}}", Roles.DataOwner);
            Assert.Multiple(async () =>
            {
                Assert.That(await town.StatusAsync(PathOf(open), null), Is.EqualTo(200), set);
                Assert.That(await town.StatusAsync(PathOf(closed), Roles.DataOwner), Is.EqualTo(200), set);
                Assert.That(await town.StatusAsync(PathOf(closed), Roles.Developer), Is.EqualTo(404), set);
                Assert.That(await town.StatusAsync(PathOf(closed), null), Is.EqualTo(404), set);
            });
        }
    }

    [Test]
    public async Task Should_take_along_what_belongs_to_a_thing_that_is_closed()
    {
        var thing = await town.MakeAsync("Things", Station(datastream: ",\"Observations\":[{\"phenomenonTime\":\"2026-11-20T10:00:00Z\",\"result\":1}]"));
        var read = await town.GetAsync(PathOf(thing) + "?$expand=Locations,Datastreams($expand=Observations($expand=FeatureOfInterest))");
        var datastream = read["Datastreams"]![0]!;
        string[] paths = [PathOf(thing), PathOf(read["Locations"]![0]!), PathOf(datastream), PathOf(datastream["Observations"]![0]!), PathOf(datastream["Observations"]![0]!["FeatureOfInterest"]!)];
        foreach (var path in paths) Assert.That(await town.StatusAsync(path, null), Is.EqualTo(200), path);
        Assert.That((await town.WriteAsync(HttpMethod.Patch, PathOf(thing), """{"properties":{"dataset":"geheim"}}""")).Status, Is.EqualTo(200));
        foreach (var path in paths) Assert.That(await town.StatusAsync(path, null), Is.EqualTo(404), path);
        // Neither does it come out again because somebody writes properties that do not name it.
        Assert.That((await town.WriteAsync(HttpMethod.Patch, PathOf(thing), """{"properties":{"a":1}}""")).Status, Is.EqualTo(200));
        foreach (var path in paths) Assert.That(await town.StatusAsync(path, null), Is.EqualTo(404), path);
        foreach (var path in paths) Assert.That(await town.StatusAsync(path, Roles.Admin), Is.EqualTo(200), path);
    }

    [Test]
    public async Task Should_close_all_that_a_dataset_has_with_the_dataset()
    {
        var own = await (await Service.SharedAsync()).TownAsync();
        var thing = await own.MakeAsync("Things", Station());
        var read = await own.GetAsync(PathOf(thing) + "?$expand=Locations,Datastreams($expand=Sensor,ObservedProperty)");
        var datastream = read["Datastreams"]![0]!;
        string[] paths = [PathOf(thing), PathOf(read["Locations"]![0]!), PathOf(datastream), PathOf(datastream["Sensor"]!), PathOf(datastream["ObservedProperty"]!)];
        await own.CloseAsync("sensorthings", Access.Internal);
        foreach (var path in paths) Assert.That(await own.StatusAsync(path, null), Is.EqualTo(404), path);
        foreach (var path in paths) Assert.That(await own.StatusAsync(path, Roles.Developer), Is.EqualTo(200), path);
    }

    [Test]
    public async Task Should_tell_the_catalogue_which_datasets_are_needed()
    {
        var own = await (await Service.SharedAsync()).TownAsync();
        await own.MakeAsync("Things", """{"name":"a","description":"b"}""");
        await own.MakeAsync("Things", """{"name":"a","description":"b","properties":{"dataset":"laerm"}}""");
        var log = (await Service.SharedAsync()).Get<ILog>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var needed = new HashSet<DatasetNeeded>();
        var beginning = (await log.EndAsync(own.Id, Topics.Events, limit.Token)).Select(position => LogPosition.BeforeFirst(position.Partition)).ToList();
        await foreach (var batch in log.TailAsync(own.Id, Topics.Events, beginning, limit.Token))
        {
            foreach (var record in batch.Records)
                if (JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.CloudEvent) is { Type: EventTypes.DatasetNeeded } told) needed.Add(told.DataAs(ContractsJson.Default.DatasetNeeded));
            if (needed.Count >= 2) break;
        }
        Assert.That(needed, Is.EquivalentTo(new DatasetNeeded[] { new("sensorthings", "SensorThings"), new("laerm", "laerm") }));
    }
}
