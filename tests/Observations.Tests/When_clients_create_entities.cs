using System.Text.Json.Nodes;
using Allmende.Contracts;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>OGC 18-088 section 10.2.</summary>
[TestFixture]
public sealed class When_clients_create_entities
{
    Town town = null!;

    [OneTimeSetUp] public async Task PrepareAsync() => town = await (await Service.SharedAsync()).TownAsync();

    [Test]
    public async Task Should_make_a_station_with_all_that_belongs_to_it()
    {
        var (status, location, thing) = await town.WriteAsync(HttpMethod.Post, "Things", Station(datastream: """
            ,"Observations":[{"phenomenonTime":"2026-11-20T10:00:00Z","result":12.5},{"phenomenonTime":"2026-11-20T10:10:00Z","result":13,"parameters":{"a":1}}]
            """));
        Assert.That(status, Is.EqualTo(201), thing?.ToJsonString());
        Assert.That(location, Is.EqualTo((string)thing!["@iot.selfLink"]!));
        Assert.That((string)thing["name"]!, Is.EqualTo("Wetterstation"));
        var read = await town.GetAsync(PathOf(thing) + "?$expand=Locations,HistoricalLocations($expand=Locations),Datastreams($expand=Sensor,ObservedProperty,Observations($orderby=phenomenonTime;$expand=FeatureOfInterest))");
        var datastream = read["Datastreams"]![0]!;
        Assert.Multiple(() =>
        {
            Assert.That(thing["@iot.id"]!.GetValueKind(), Is.EqualTo(System.Text.Json.JsonValueKind.Number));
            Assert.That((string)read["Locations"]![0]!["name"]!, Is.EqualTo("Rathaus"));
            Assert.That((string)read["HistoricalLocations"]![0]!["Locations"]![0]!["name"]!, Is.EqualTo("Rathaus"));
            Assert.That((string)datastream["unitOfMeasurement"]!["symbol"]!, Is.EqualTo("°C"));
            Assert.That((string)datastream["Sensor"]!["metadata"]!, Is.EqualTo("http://localhost/dht22.pdf"));
            Assert.That((string)datastream["ObservedProperty"]!["name"]!, Is.EqualTo("Lufttemperatur"));
            Assert.That(datastream["Observations"]!.AsArray().Select(one => (double)one!["result"]!), Is.EqualTo(new[] { 12.5, 13 }));
            Assert.That((double)datastream["Observations"]![1]!["FeatureOfInterest"]!["feature"]!["coordinates"]![0]!, Is.EqualTo(8.4), "the Thing's place");
        });
    }

    [TestCase("42", "42")]
    [TestCase("\"43\"", "'43'")]
    [TestCase("\"st-mark's/ä\"", "'st-mark''s%2Fä'")]
    public async Task Should_keep_the_id_as_the_client_gave_it(string id, string inPath)
    {
        var thing = await town.MakeAsync("Things", $$"""{"@iot.id":{{id}},"name":"a","description":"b"}""");
        Assert.That(thing["@iot.id"]!.ToJsonString(), Is.EqualTo(JsonNode.Parse(id)!.ToJsonString()));
        var read = await town.GetAsync($"Things({inPath})", Roles.Admin);
        Assert.That(read["@iot.id"]!.ToJsonString(), Is.EqualTo(JsonNode.Parse(id)!.ToJsonString()));
        Assert.That((string)read["@iot.selfLink"]!, Is.EqualTo((string)thing["@iot.selfLink"]!));
        var again = await town.WriteAsync(HttpMethod.Post, "Things", $$"""{"@iot.id":{{id}},"name":"a","description":"b"}""");
        Assert.That(again.Status, Is.EqualTo(409));
        if (inPath.Length > 4) return;
        foreach (var path in new[] { $"Things({inPath.Trim('\'')})", $"Things('{inPath.Trim('\'')}')" }) Assert.That(await town.StatusAsync(path), Is.EqualTo(200), path);
    }

    [Test]
    public async Task Should_give_a_number_that_no_client_has_taken()
    {
        var first = (long)(await town.MakeAsync("Sensors", Sensor()))["@iot.id"]!;
        // What the sequence would give next is taken by a client for a good while.
        for (var i = 1; i <= 12; i++) await town.MakeAsync("Sensors", Sensor($$""","@iot.id":{{first + 12 + i}}"""));
        for (var i = 0; i < 3; i++) await town.MakeAsync("Sensors", Sensor());
    }

    [Test]
    public async Task Should_make_entities_in_navigation_collections()
    {
        var thing = await town.MakeAsync("Things", """{"name":"Mast","description":"b"}""");
        var sensor = await town.MakeAsync("Sensors", Sensor());
        var property = await town.MakeAsync("ObservedProperties", Property());
        var datastream = await town.MakeAsync(PathOf(thing) + "/Datastreams", Datastream($$""","Sensor":{"@iot.id":{{sensor["@iot.id"]}}},"ObservedProperty":{"@iot.id":{{property["@iot.id"]}}}"""));
        await town.MakeAsync(PathOf(sensor) + "/Datastreams", Datastream($$""","Thing":{"@iot.id":{{thing["@iot.id"]}}},"ObservedProperty":{{Property()}}"""));
        await town.MakeAsync(PathOf(thing) + "/Locations", Location());
        var location = await town.MakeAsync("Locations", Location(8.5));
        await town.MakeAsync(PathOf(location) + "/Things", """{"name":"Zweiter","description":"b"}""");
        await town.MakeAsync(PathOf(thing) + "/HistoricalLocations", """{"time":"2020-01-01T00:00:00Z"}""");
        var observation = await town.MakeAsync(PathOf(datastream) + "/Observations", """{"result":1,"FeatureOfInterest":{"name":"Kanal","description":"b","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[8,51]}}}""");
        Assert.Multiple(async () =>
        {
            Assert.That((await town.GetAsync(PathOf(thing) + "/Datastreams?$count=true"))["@iot.count"]!.GetValue<int>(), Is.EqualTo(2));
            Assert.That(await town.NamesAsync(PathOf(location) + "/Things"), Is.EqualTo(new[] { "Zweiter" }));
            Assert.That((await town.GetAsync(PathOf(thing) + "/HistoricalLocations"))["value"]!.AsArray(), Has.Count.EqualTo(2));
            Assert.That((string)(await town.GetAsync(PathOf(observation) + "/FeatureOfInterest"))["name"]!, Is.EqualTo("Kanal"));
        });
    }

    [Test]
    public async Task Should_make_an_observation_with_all_around_it()
    {
        var observation = await town.MakeAsync("Observations", $$"""
            {"phenomenonTime":"2026-11-20T10:00:00Z","result":7,"Datastream":{{DatastreamWithAll(""","Thing":{"name":"Boje","description":"b"}""")}}}
            """);
        Assert.That((string)(await town.GetAsync(PathOf(observation) + "/Datastream/Thing"))["name"]!, Is.EqualTo("Boje"));
    }

    [Test]
    public async Task Should_answer_a_posted_observation_as_it_is_read()
    {
        var thing = await town.MakeAsync("Things", Station());
        var datastream = (await town.GetAsync(PathOf(thing) + "/Datastreams"))["value"]![0]!;
        var posted = await town.MakeAsync(PathOf(datastream) + "/Observations", """
            {"phenomenonTime":"2026-11-20T10:00:00Z/2026-11-20T11:00:00Z","resultTime":"2026-11-20T11:00:01Z","result":{"a":1},"parameters":{"b":2},"validTime":"2026-11-20T10:00:00Z/2026-11-21T10:00:00Z"}
            """);
        Assert.That(JsonNode.DeepEquals(posted, await town.GetAsync(PathOf(posted))), Is.True, posted.ToJsonString() + (await town.GetAsync(PathOf(posted))).ToJsonString());
    }

    [Test]
    public async Task Should_replace_a_things_place_and_keep_where_it_was()
    {
        var thing = await town.MakeAsync("Things", Station());
        await town.MakeAsync(PathOf(thing) + "/Locations", Location(9.5));
        await town.MakeAsync(PathOf(thing) + "/Locations", """{"name":"Raum 7","description":"b","encodingType":"text/plain","location":"R7"}""");
        var read = await town.GetAsync(PathOf(thing) + "?$expand=Locations,HistoricalLocations($orderby=time;$expand=Locations)");
        Assert.Multiple(() =>
        {
            Assert.That(read["Locations"]!.AsArray().Select(one => one!["location"]!.ToJsonString()), Is.EquivalentTo(new[] { """{"type":"Point","coordinates":[9.5,51.9]}""", "\"R7\"" }.Select(text => JsonNode.Parse(text)!.ToJsonString())));
            Assert.That(read["HistoricalLocations"]!.AsArray().Select(one => one!["Locations"]!.AsArray().Count), Is.EqualTo(new[] { 1, 1, 2 }));
        });
    }

    [Test]
    public async Task Should_follow_a_history_that_is_newer_than_what_it_knows()
    {
        var thing = await town.MakeAsync("Things", Station());
        var older = await town.MakeAsync("Locations", Location(1));
        var newer = await town.MakeAsync("Locations", Location(2));
        async Task<double> PlaceAsync() => (double)(await town.GetAsync(PathOf(thing) + "/Locations"))["value"]!.AsArray().Single()!["location"]!["coordinates"]![0]!;
        await town.MakeAsync("HistoricalLocations", $$"""{"time":"2001-01-01T00:00:00Z","Thing":{"@iot.id":{{thing["@iot.id"]}}},"Locations":[{"@iot.id":{{older["@iot.id"]}}}]}""");
        Assert.That(await PlaceAsync(), Is.EqualTo(8.4));
        await town.MakeAsync("HistoricalLocations", $$"""{"time":"2101-01-01T00:00:00Z","Thing":{"@iot.id":{{thing["@iot.id"]}}},"Locations":[{"@iot.id":{{newer["@iot.id"]}}}]}""");
        Assert.That(await PlaceAsync(), Is.EqualTo(2));
    }

    [TestCase("Things", """{"description":"b"}""", "'name'")]
    [TestCase("Things", """{"name":7,"description":"b"}""", "'name'")]
    [TestCase("Things", """{"name":"a","description":"b","erfunden":1}""", "'erfunden'")]
    [TestCase("Things", """{"name":"a","description":"b","properties":[]}""", "'properties'")]
    [TestCase("Things", """{"name":"a","description":"b","properties":{"dataset":"Groß"}}""", "'properties/dataset'")]
    [TestCase("Things", """{"name":"a","description":"b","Locations":{}}""", "'Locations'")]
    [TestCase("Things", """{"name":"a","description":"b","Datastreams":[{"name":"d"}]}""", "'Datastreams[0]/Sensor'")]
    [TestCase("Things", """{"name":"a","description":"b","Locations":[{"@iot.id":987654}]}""", "'Locations[0]/@iot.id'")]
    [TestCase("Things", """{"name":"a","description":"b","@iot.id":{}}""", "'@iot.id'")]
    [TestCase("Things", """{"name":"a","name":"b","description":"b"}""", "twice")]
    [TestCase("Things", """{"name":"\ud800","description":"b"}""", "Unicode")]
    [TestCase("Things", """{"name":"a","description":"b","properties":{"a":"\u0000"}}""", "NUL")]
    [TestCase("Locations", """{"name":"a","description":"b","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[8]}}""", "'location'")]
    [TestCase("Locations", """{"name":"a","description":"b","encodingType":"application/vnd.geo+json","location":{"type":"Polygon","coordinates":[[[8,51],[9,51],[9,52],[8,52]]]}}""", "ring")]
    [TestCase("Locations", """{"name":"a","description":"b","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[51.9,181]}}""", "earth")]
    [TestCase("HistoricalLocations", """{"time":"gestern","Thing":{"@iot.id":1}}""", "'time'")]
    [TestCase("Datastreams", """{"name":"a"}""", "'Thing'")]
    public async Task Should_say_what_is_wrong_and_where(string set, string body, string told)
    {
        var (status, _, fault) = await town.WriteAsync(HttpMethod.Post, set, body);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(400));
            Assert.That((string)fault!["message"]!, Does.Contain(told));
            Assert.That((string)fault["type"]!, Is.EqualTo("error"));
        });
    }

    [Test]
    public async Task Should_name_the_place_deep_inside_and_make_nothing_then()
    {
        var before = (int)(await town.GetAsync("Things?$count=true"))["@iot.count"]!;
        var (status, _, fault) = await town.WriteAsync(HttpMethod.Post, "Things", Station().Replace("\"name\":\"DHT22\",", "", StringComparison.Ordinal));
        Assert.Multiple(async () =>
        {
            Assert.That(status, Is.EqualTo(400));
            Assert.That((string)fault!["message"]!, Does.Contain("Datastreams[0]/Sensor/name"));
            Assert.That((int)(await town.GetAsync("Things?$count=true"))["@iot.count"]!, Is.EqualTo(before));
        });
    }

    [Test]
    public async Task Should_tell_those_who_follow_entities()
    {
        var own = await (await Service.SharedAsync()).TownAsync();
        var thing = await own.MakeAsync("Things", Station(more: ",\"@iot.id\":\"station-1\""));
        await own.WriteAsync(HttpMethod.Patch, PathOf(thing), """{"name":"Neu"}""");
        await own.WriteAsync(HttpMethod.Delete, PathOf(thing));
        var changes = await own.ChangesAsync(known => known.Contains(new("Things", "station-1", "deleted")) && known.Count(change => change.Change == "created") >= 6);
        Assert.Multiple(() =>
        {
            Assert.That(changes.Where(change => change.Set == "Things").Select(change => change.Change), Is.EqualTo(new[] { "created", "updated", "deleted" }));
            Assert.That(changes.Where(change => change.Change == "created").Select(change => change.Set),
                Is.EquivalentTo(new[] { "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties" }));
        });
    }
}
