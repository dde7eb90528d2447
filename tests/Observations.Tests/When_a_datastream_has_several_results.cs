using System.Net;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>MultiDatastreams, OGC 18-088 section 13.</summary>
[TestFixture]
public sealed class When_a_datastream_has_several_results
{
    const string Measurement = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement";
    Town town = null!;
    /// <summary>For those that write, so that those that read find what they expect.</summary>
    Town writing = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        writing = await (await Service.SharedAsync()).TownAsync();
        await writing.RegisterAsync("wind-1", "wind", "temperature", "speed", "direction");
        await CreateAsync(writing, "wind-1.vector", "wind-1");
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("wind-1", "wind", "temperature", "speed", "direction");
        await CreateAsync(town, "wind-1.vector", "wind-1");
        await town.AppendAsync("wind-1", At("wind-1.temperature", "2026-11-20T10:00:00Z", 4));
        foreach (var (result, minute) in new[] { ("[3.5,180]", 0), ("[7,90]", 10), ("[null,\"N\"]", 20) })
        {
            using var answer = await town.PostAsync("Observations", $$$"""{"phenomenonTime":"2026-11-20T11:{{{minute:00}}}:00Z","result":{{{result}}},"MultiDatastream":{"@iot.id":"wind-1.vector"}}""");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), await answer.Content.ReadAsStringAsync());
        }
        await town.HasAsync("wind-1.temperature", 1);
    }

    static async Task CreateAsync(Town town, string id, string thing)
    {
        using var answer = await town.PostAsync("MultiDatastreams", Draft(id, thing));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Also used by the fixture of the formats.</summary>
    internal static string Draft(string id, string thing, string name = "Vektor", string first = "speed", string second = "direction") => $$$"""
        {"@iot.id":"{{{id}}}","name":"{{{name}}}","description":"Beides","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation",
         "multiObservationDataTypes":["{{{Measurement}}}","{{{Measurement}}}"],
         "unitOfMeasurements":[{"name":"metre per second","symbol":"m/s","definition":"http://unitsofmeasure.org/ucum.html#m/s"},
           {"name":"degree","symbol":"deg","definition":"http://unitsofmeasure.org/ucum.html#deg"}],
         "Thing":{"@iot.id":"{{{thing}}}"},"Sensor":{"@iot.id":"profil-1"},"ObservedProperties":[{"@iot.id":"{{{first}}}"},{"@iot.id":"{{{second}}}"}]}
        """;

    static IEnumerable<string> Ids(JsonNode answer) => answer["value"]!.AsArray().Select(value => (string)value!["@iot.id"]!);

    [Test]
    public async Task Should_be_read_with_all_that_the_standard_gives_it()
    {
        var multi = await town.GetAsync("MultiDatastreams('wind-1.vector')?$expand=Thing,Sensor,ObservedProperties,Observations($orderby=phenomenonTime desc;$top=1;$count=true)");
        Assert.Multiple(() =>
        {
            Assert.That((string)multi["observationType"]!, Does.EndWith("OM_ComplexObservation"));
            Assert.That(multi["multiObservationDataTypes"]!.AsArray().Select(type => (string)type!), Is.EqualTo(new[] { Measurement, Measurement }));
            Assert.That(multi["unitOfMeasurements"]!.AsArray().Select(unit => (string)unit!["symbol"]!), Is.EqualTo(new[] { "m/s", "deg" }));
            Assert.That((string)multi["observedArea"]!["type"]!, Is.EqualTo("Point"));
            Assert.That((string)multi["phenomenonTime"]!, Is.EqualTo("2026-11-20T11:00:00Z/2026-11-20T11:20:00Z"));
            Assert.That((string)multi["Thing"]!["@iot.id"]!, Is.EqualTo("wind-1"));
            Assert.That((string)multi["Sensor"]!["@iot.id"]!, Is.EqualTo("profil-1"));
            Assert.That(multi["ObservedProperties"]!.AsArray().Select(property => (string)property!["@iot.id"]!), Is.EqualTo(new[] { "speed", "direction" }), "in the order of the results");
            Assert.That((int)multi["Observations@iot.count"]!, Is.EqualTo(3));
            Assert.That(multi["Observations"]![0]!["result"]!.ToJsonString(), Is.EqualTo("""[null,"N"]"""));
        });
    }

    [TestCase("MultiDatastreams", "wind-1.vector")]
    [TestCase("Datastreams", "wind-1.temperature|wind-1.speed|wind-1.direction")]
    [TestCase("Things('wind-1')/MultiDatastreams", "wind-1.vector")]
    [TestCase("Things('wind-1')/Datastreams", "wind-1.temperature|wind-1.speed|wind-1.direction")]
    [TestCase("Sensors('profil-1')/MultiDatastreams", "wind-1.vector")]
    [TestCase("Sensors('profil-1')/Datastreams", "wind-1.temperature|wind-1.speed|wind-1.direction")]
    [TestCase("ObservedProperties('direction')/MultiDatastreams", "wind-1.vector")]
    [TestCase("ObservedProperties('direction')/Datastreams", "wind-1.direction")]
    [TestCase("ObservedProperties('temperature')/MultiDatastreams", "")]
    [TestCase("MultiDatastreams('wind-1.vector')/ObservedProperties", "speed|direction")]
    [TestCase("MultiDatastreams?$filter=ObservedProperties/id eq 'direction' and unitOfMeasurements[1]/symbol eq 'deg'", "wind-1.vector")]
    [TestCase("Things?$filter=MultiDatastreams/Observations/result[0] gt 6", "wind-1")]
    [TestCase("Things?$filter=MultiDatastreams/Observations/result[0] gt 8", "")]
    [TestCase("Things?$filter=Datastreams/Observations/result[0] gt 6", "")]
    [TestCase("Datastreams?$filter=id eq 'wind-1.vector'", "")]
    [TestCase("MultiDatastreams?$filter=id eq 'wind-1.temperature'", "")]
    public async Task Should_keep_to_its_own_kind(string path, string expected)
    {
        var ids = expected.Length == 0 ? [] : expected.Split('|');
        var answer = await town.GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}$count=true".Replace(" ", "%20", StringComparison.Ordinal));
        Assert.That(Ids(answer), Is.EquivalentTo(ids));
        Assert.That((int)answer["@iot.count"]!, Is.EqualTo(ids.Length));
    }

    [TestCase("Datastreams('wind-1.vector')")]
    [TestCase("MultiDatastreams('wind-1.temperature')")]
    [TestCase("Datastreams('wind-1.vector')/Observations")]
    [TestCase("Things('wind-1')/Datastreams('wind-1.vector')")]
    public async Task Should_not_be_found_as_the_other_kind(string path)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path), null, null);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_be_told_apart_by_its_observations()
    {
        var all = (await town.GetAsync("Observations?$expand=Datastream,MultiDatastream&$orderby=phenomenonTime"))["value"]!.AsArray();
        Assert.That(all.Select(one => ((string?)one!["Datastream"]?["@iot.id"], (string?)one["MultiDatastream"]?["@iot.id"])),
            Is.EqualTo(new[] { ("wind-1.temperature", null), (null, "wind-1.vector"), (null, "wind-1.vector"), ((string?)null, "wind-1.vector") }));
        foreach (var path in new[] { "Observations?$orderby=phenomenonTime", "MultiDatastreams('wind-1.vector')/Observations", "FeaturesOfInterest('wind-1')/Observations?$orderby=phenomenonTime desc" })
        {
            foreach (var one in (await town.GetAsync(path.Replace(" ", "%20", StringComparison.Ordinal)))["value"]!.AsArray())
            {
                var isMulti = one!["result"] is JsonArray;
                Assert.That(one.AsObject().ContainsKey("MultiDatastream@iot.navigationLink"), Is.EqualTo(isMulti), path);
                Assert.That(one.AsObject().ContainsKey("Datastream@iot.navigationLink"), Is.EqualTo(!isMulti), path);
                var link = new Uri((string)one["@iot.selfLink"]!).PathAndQuery;
                Assert.That((await town.Client.GetAsync($"{link}/MultiDatastream")).StatusCode, Is.EqualTo(isMulti ? HttpStatusCode.OK : HttpStatusCode.NotFound));
                Assert.That((await town.Client.GetAsync($"{link}/Datastream")).StatusCode, Is.EqualTo(isMulti ? HttpStatusCode.NotFound : HttpStatusCode.OK));
            }
        }
    }

    [TestCase("result[0] gt 5", 1)]
    [TestCase("result[0] ge 3.5 and result[1] le 180", 2)]
    [TestCase("result[1] eq 'N'", 1)]
    [TestCase("result[0] eq null", 1)]
    [TestCase("result[7] ne null", 0)]
    [TestCase("result[0] add result[1] eq 183.5", 1)]
    [TestCase("MultiDatastream/Thing/name eq 'Gerät wind-1'", 3)]
    [TestCase("Datastream/Thing/name eq 'Gerät wind-1'", 0)]
    public async Task Should_be_filtered_place_by_place(string filter, int count)
    {
        var answer = await town.GetAsync($"MultiDatastreams('wind-1.vector')/Observations?$count=true&$filter={Uri.EscapeDataString(filter)}");
        Assert.That((int)answer["@iot.count"]!, Is.EqualTo(count));
    }

    [TestCase("Observations", """{"result":[1],"MultiDatastream":{"@iot.id":"wind-1.vector"}}""", 400)]
    [TestCase("Observations", """{"result":[1,2,3],"MultiDatastream":{"@iot.id":"wind-1.vector"}}""", 400)]
    [TestCase("Observations", """{"result":1,"MultiDatastream":{"@iot.id":"wind-1.vector"}}""", 400)]
    [TestCase("Observations", """{"result":{"a":1,"b":2},"MultiDatastream":{"@iot.id":"wind-1.vector"}}""", 400)]
    [TestCase("Observations", """{"result":[[1,2],{"a":[3]}],"MultiDatastream":{"@iot.id":"wind-1.vector"}}""", 201)]
    [TestCase("Observations", """{"result":1,"Datastream":{"@iot.id":"wind-1.vector"}}""", 404)]
    [TestCase("Observations", """{"result":[1,2],"MultiDatastream":{"@iot.id":"wind-1.temperature"}}""", 404)]
    [TestCase("MultiDatastreams('wind-1.vector')/Observations", """{"result":[1]}""", 400)]
    [TestCase("MultiDatastreams('wind-1.vector')/Observations", """{"result":[1,2]}""", 201)]
    [TestCase("Datastreams('wind-1.vector')/Observations", """{"result":[1,2]}""", 404)]
    [TestCase("CreateObservations", """[{"MultiDatastream":{"@iot.id":"wind-1.vector"},"components":["phenomenonTime","result"],"dataArray":[["2026-11-20T13:00:00Z",[1,2]],["2026-11-20T13:01:00Z",[1]]]}]""", 400)]
    [TestCase("CreateObservations", """[{"MultiDatastream":{"@iot.id":"wind-1.vector"},"components":["phenomenonTime","result"],"dataArray":[["2026-11-20T13:00:00Z",[1,2]]]}]""", 201)]
    public async Task Should_take_results_of_its_length_only(string path, string body, int status)
    {
        var before = (int)(await writing.GetAsync("Observations?$count=true&$top=0"))["@iot.count"]!;
        using var answer = await writing.PostAsync(path, body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
        var after = (int)(await writing.GetAsync("Observations?$count=true&$top=0"))["@iot.count"]!;
        Assert.That(after, Is.EqualTo(status == 201 ? before + 1 : before), "nothing is kept of what is refused");
    }

    [TestCase("""ObservedProperties":[{"@iot.id":"speed"},{"@iot.id":"direction"}]""", """ObservedProperties":[{"@iot.id":"speed"}]""")]
    [TestCase("""{"name":"degree","symbol":"deg","definition":"http://unitsofmeasure.org/ucum.html#deg"}""", """{"name":"a","symbol":"a","definition":"a"},{"name":"b","symbol":"b","definition":"b"}""")]
    [TestCase("\"unitOfMeasurements\"", "\"unitOfMeasurement\"")]
    [TestCase("\"multiObservationDataTypes\":[", "\"multiObservationDataTypes\":[\"a\",")]
    public async Task Should_not_be_made_of_what_does_not_fit_together(string right, string wrong)
    {
        var draft = Draft("wind-1.broken", "wind-1");
        Assert.That(draft, Does.Contain(right));
        using var answer = await town.PostAsync("MultiDatastreams", draft.Replace(right, wrong, StringComparison.Ordinal));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest), await answer.Content.ReadAsStringAsync());
        Assert.That((await town.GetAsync("MultiDatastreams?$count=true&$filter=id%20eq%20%27wind-1.broken%27"))["value"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Should_be_changed_and_deleted_with_its_observations()
    {
        var own = writing;
        await CreateAsync(own, "wind-1.other", "wind-1");
        using (var answer = await own.PostAsync("MultiDatastreams('wind-1.other')/Observations", """{"result":[1,2]}""")) Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        using (var answer = await own.SendAsync(HttpMethod.Patch, own.Url("MultiDatastreams('wind-1.other')"), """{"name":"Neu","properties":{"a":1}}""", Roles.Admin))
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        var changed = await own.GetAsync("MultiDatastreams('wind-1.other')?$expand=ObservedProperties");
        Assert.That((string)changed["name"]!, Is.EqualTo("Neu"));
        Assert.That(changed["ObservedProperties"]!.AsArray(), Has.Count.EqualTo(2));
        using (var answer = await own.SendAsync(HttpMethod.Delete, own.Url("MultiDatastreams('wind-1.other')"), null, Roles.Admin)) Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        foreach (var path in new[] { "MultiDatastreams?$filter=id eq 'wind-1.other'", "Observations?$filter=MultiDatastream/id eq 'wind-1.other'" })
            Assert.That((await own.GetAsync(path.Replace(" ", "%20", StringComparison.Ordinal)))["value"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Should_have_the_rights_of_its_dataset()
    {
        var hidden = await (await Service.SharedAsync()).TownAsync();
        await hidden.RegisterAsync("wind-2", "wind", "speed", "direction");
        await CreateAsync(hidden, "wind-2.vector", "wind-2");
        using (var answer = await hidden.PostAsync("MultiDatastreams('wind-2.vector')/Observations", """{"result":[1,2]}""")) Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        await hidden.PublishAsync(new DatasetChanged("wind", "Wind", Access.Internal, null));
        await Eventually.TrueAsync(async () => Ids(await hidden.GetAsync("MultiDatastreams")).ToList().Count == 0, "the public sees it no longer");
        foreach (var path in new[] { "Observations", "ObservedProperties", "Things?$filter=MultiDatastreams/id ne ''", "Sensors?$expand=MultiDatastreams" })
        {
            Assert.That((await hidden.GetAsync(path))["value"]!.AsArray(), Is.Empty, path);
            Assert.That((await hidden.GetAsync(path, Roles.Analyst))["value"]!.AsArray(), Is.Not.Empty, path);
        }
        using var one = await hidden.SendAsync(HttpMethod.Get, hidden.Url("MultiDatastreams('wind-2.vector')"), null, null);
        Assert.That(one.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }
}
