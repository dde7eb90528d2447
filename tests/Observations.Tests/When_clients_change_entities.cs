using System.Text.Json.Nodes;
using Allmende.Contracts;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>OGC 18-088 section 10.3.</summary>
[TestFixture]
public sealed class When_clients_change_entities
{
    const string JsonPatch = "application/json-patch+json";

    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("wetter-1", "wetter", "temperature");
    }

    Task<JsonNode> ThingAsync(string properties = """{"a":{"b":1,"c":2}}""") => town.MakeAsync("Things", $$"""{"name":"Mast","description":"b","properties":{{properties}}}""");

    async Task<JsonNode> ChangedAsync(HttpMethod method, JsonNode entity, string body, string contentType = "application/json")
    {
        var (status, _, changed) = await town.WriteAsync(method, PathOf(entity), body, contentType: contentType);
        Assert.That(status, Is.EqualTo(200), changed?.ToJsonString());
        Assert.That(JsonNode.DeepEquals(changed, await town.GetAsync(PathOf(entity), Roles.Admin)), Is.True, "the answer is what is read");
        return changed!;
    }

    async Task RefusedAsync(HttpMethod method, string path, string? body, int expected, string contentType = "application/json", string told = "")
    {
        var (status, _, fault) = await town.WriteAsync(method, path, body, contentType: contentType);
        Assert.That(status, Is.EqualTo(expected), fault?.ToJsonString());
        Assert.That((string)fault!["message"]!, Does.Contain(told));
    }

    [Test]
    public async Task Should_change_the_members_that_are_given()
    {
        var changed = await ChangedAsync(HttpMethod.Patch, await ThingAsync(), """{"@iot.id":77,"name":"Neu","properties":{"x":1}}""");
        Assert.That((changed["name"]!.ToString(), changed["description"]!.ToString(), changed["properties"]!.ToJsonString()), Is.EqualTo(("Neu", "b", """{"x":1}""")));
    }

    [Test]
    public async Task Should_merge_where_the_client_says_so()
    {
        var changed = await ChangedAsync(HttpMethod.Patch, await ThingAsync(), """{"properties":{"a":{"b":null,"d":3}}}""", "application/merge-patch+json");
        Assert.That(changed["properties"]!.ToJsonString(), Is.EqualTo("""{"a":{"c":2,"d":3}}"""));
    }

    [Test]
    public async Task Should_apply_all_operations_of_a_JSON_Patch()
    {
        var changed = await ChangedAsync(HttpMethod.Patch, await ThingAsync("""{"a":1,"b":[1,2],"c":{"d~/e":5}}"""), """
            [{"op":"test","path":"/properties/c/d~0~1e","value":5},{"op":"add","path":"/properties/b/1","value":9},{"op":"add","path":"/properties/b/-","value":3},
             {"op":"remove","path":"/properties/a"},{"op":"replace","path":"/name","value":"Neu"},{"op":"copy","from":"/properties/b","path":"/properties/copy"},
             {"op":"move","from":"/properties/c","path":"/properties/moved"}]
            """, JsonPatch);
        Assert.That((string)changed["name"]!, Is.EqualTo("Neu"));
        Assert.That(JsonNode.DeepEquals(changed["properties"], JsonNode.Parse("""{"b":[1,9,2,3],"copy":[1,9,2,3],"moved":{"d~/e":5}}""")), Is.True, changed["properties"]!.ToJsonString());
    }

    [TestCase("""[{"op":"replace","path":"/name","value":"x"},{"op":"test","path":"/description","value":"falsch"}]""", 409, "operation [1]")]
    [TestCase("""[{"op":"remove","path":"/properties/fehlt"}]""", 409, "/properties/fehlt")]
    [TestCase("""[{"op":"remove","path":"/name"}]""", 400, "'name'")]
    [TestCase("""[{"op":"add","path":"/erfunden","value":1}]""", 400, "'erfunden'")]
    [TestCase("""[{"op":"move","from":"/properties","path":"/properties/a"}]""", 400, "into itself")]
    [TestCase("""[{"op":"merge","path":"/name"}]""", 400, "merge")]
    [TestCase("""[{"op":"add","path":"name","value":1}]""", 400, "pointer")]
    [TestCase("""[{"op":"replace","path":"","value":[]}]""", 400, "object")]
    [TestCase("""{"op":"remove","path":"/name"}""", 400, "array")]
    public async Task Should_change_nothing_by_a_JSON_Patch_that_does_not_fit(string patch, int status, string told)
    {
        var thing = await ThingAsync();
        await RefusedAsync(HttpMethod.Patch, PathOf(thing), patch, status, JsonPatch, told);
        Assert.That(JsonNode.DeepEquals(thing, await town.GetAsync(PathOf(thing))), Is.True);
    }

    [Test]
    public async Task Should_not_let_copies_of_copies_grow()
    {
        var thing = await ThingAsync();
        var doubling = string.Join(',', Enumerable.Range(0, 60).Select(i => $$"""{"op":"copy","from":"/properties","path":"/properties/k{{i}}"}"""));
        await RefusedAsync(HttpMethod.Patch, PathOf(thing), $"[{doubling}]", 413, JsonPatch);
        var deeper = string.Join(',', Enumerable.Range(0, 60).Select(_ => """{"op":"copy","from":"/properties/a","path":"/properties/a/b"}"""));
        await RefusedAsync(HttpMethod.Patch, PathOf(thing), $"[{deeper}]", 400, JsonPatch, "deeper");
    }

    [Test]
    public async Task Should_replace_an_entity_whole()
    {
        var thing = await ThingAsync();
        var changed = await ChangedAsync(HttpMethod.Put, thing, """{"name":"Neu","description":"c"}""");
        Assert.That(changed["properties"]!.ToJsonString(), Is.EqualTo("{}"));
        await RefusedAsync(HttpMethod.Put, PathOf(thing), """{"name":"Neu"}""", 400, told: "'description'");
        await ChangedAsync(HttpMethod.Put, changed, changed.ToJsonString()); // what was read may be put
    }

    [Test]
    public async Task Should_lead_a_link_over_but_make_nothing_on_the_way()
    {
        var thing = await town.MakeAsync("Things", Station());
        var datastream = (await town.GetAsync(PathOf(thing) + "/Datastreams"))["value"]![0]!;
        var sensor = await town.MakeAsync("Sensors", Sensor());
        await ChangedAsync(HttpMethod.Patch, datastream, $$"""{"Sensor":{"@iot.id":{{sensor["@iot.id"]}} } }""");
        Assert.That((await town.GetAsync(PathOf(datastream) + "/Sensor"))["@iot.id"]!.ToJsonString(), Is.EqualTo(sensor["@iot.id"]!.ToJsonString()));
        await RefusedAsync(HttpMethod.Patch, PathOf(datastream), $$"""{"Sensor":{{Sensor()}}}""", 400, told: "'Sensor' must be a link");
        await RefusedAsync(HttpMethod.Patch, PathOf(thing), $$"""{"Datastreams":[{{DatastreamWithAll()}}]}""", 400, told: "'Datastreams[0]/Sensor' must be a link");
        await RefusedAsync(HttpMethod.Patch, PathOf(datastream), """{"Sensor":{"@iot.id":"nirgends"}}""", 400, told: "'Sensor/@iot.id'");
        await RefusedAsync(HttpMethod.Patch, "Things('nirgends')", """{"name":"x"}""", 404);
    }

    [Test]
    public async Task Should_link_and_unlink_things_and_places()
    {
        var thing = await ThingAsync();
        var (first, second) = (await town.MakeAsync("Locations", Location(1)), await town.MakeAsync("Locations", """{"name":"Raum","description":"b","encodingType":"text/plain","location":"R7"}"""));
        Assert.That((await town.WriteAsync(HttpMethod.Post, PathOf(thing) + "/Locations/$ref", $$"""{"@iot.id":{{first["@iot.id"]}}}""")).Status, Is.EqualTo(204));
        Assert.That((await town.WriteAsync(HttpMethod.Post, PathOf(thing) + "/Locations/$ref", $$"""{"@odata.id":"{{second["@iot.selfLink"]}}"}""")).Status, Is.EqualTo(204));
        Assert.That(await town.NamesAsync(PathOf(thing) + "/Locations"), Is.EquivalentTo(new[] { "Rathaus", "Raum" }));
        Assert.That((await town.GetAsync(PathOf(thing) + "/HistoricalLocations"))["value"]!.AsArray(), Has.Count.EqualTo(2));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, $"{PathOf(thing)}/{PathOf(first)}/$ref")).Status, Is.EqualTo(204));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, $"{PathOf(thing)}/Locations/$ref?$id={PathOf(second)}")).Status, Is.EqualTo(204));
        Assert.That(await town.NamesAsync(PathOf(thing) + "/Locations"), Is.Empty);
        Assert.That(await town.StatusAsync(PathOf(first)), Is.EqualTo(200), "only the link is gone");
        Assert.That((await town.WriteAsync(HttpMethod.Delete, $"{PathOf(thing)}/{PathOf(first)}/$ref")).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Should_put_a_single_link()
    {
        var thing = await town.MakeAsync("Things", Station());
        var datastream = (await town.GetAsync(PathOf(thing) + "/Datastreams"))["value"]![0]!;
        var other = await ThingAsync();
        Assert.That((await town.WriteAsync(HttpMethod.Put, PathOf(datastream) + "/Thing/$ref", $$"""{"@id":"{{PathOf(other)}}"}""")).Status, Is.EqualTo(204));
        Assert.That(await town.NamesAsync(PathOf(other) + "/Datastreams"), Is.EqualTo(new[] { "Temperatur" }));
        await RefusedAsync(HttpMethod.Delete, $"{PathOf(other)}/{PathOf(datastream)}/$ref", null, 400);
    }

    [Test]
    public async Task Should_correct_an_observation_under_its_key()
    {
        var thing = await town.MakeAsync("Things", Station());
        var datastream = (await town.GetAsync(PathOf(thing) + "/Datastreams"))["value"]![0]!;
        var observation = await town.MakeAsync(PathOf(datastream) + "/Observations", """{"phenomenonTime":"2026-11-20T10:00:00Z","resultTime":"2026-11-20T10:00:05Z","result":1,"parameters":{"a":1}}""");
        var corrected = await ChangedAsync(HttpMethod.Patch, observation, """{"result":2}""");
        Assert.That(((double)corrected["result"]!, corrected["parameters"]!.ToJsonString(), (string)corrected["@iot.id"]!), Is.EqualTo((2d, """{"a":1}""", (string)observation["@iot.id"]!)));
        Assert.That(DateTimeOffset.Parse((string)corrected["resultTime"]!, null), Is.GreaterThan(DateTimeOffset.Parse("2026-11-20T10:00:05Z", null)));
        corrected = await ChangedAsync(HttpMethod.Patch, observation, """[{"op":"test","path":"/result","value":2},{"op":"add","path":"/parameters/b","value":2}]""", JsonPatch);
        Assert.That(corrected["parameters"]!.ToJsonString(), Is.EqualTo("""{"a":1,"b":2}"""));
        corrected = await ChangedAsync(HttpMethod.Put, observation, """{"phenomenonTime":"2026-11-20T10:00:00Z/2026-11-20T10:10:00Z","result":"drei"}""");
        Assert.That((corrected["parameters"], (string)corrected["result"]!), Is.EqualTo(((JsonNode?)null, "drei")));
        var latest = await town.GetAsync(PathOf(datastream) + "?$expand=Observations($top=1;$orderby=phenomenonTime desc)");
        Assert.That((string)latest["Observations"]![0]!["result"]!, Is.EqualTo("drei"));
        Assert.That((await town.GetAsync(PathOf(datastream) + "/Observations?$count=true"))["@iot.count"]!.GetValue<int>(), Is.EqualTo(1));
        await RefusedAsync(HttpMethod.Patch, PathOf(observation), """{"phenomenonTime":"2026-11-20T11:00:00Z"}""", 400, told: "phenomenonTime");
        await RefusedAsync(HttpMethod.Patch, PathOf(observation), """{"Datastream":{"@iot.id":"wetter-1.temperature"}}""", 400, told: "Datastream");
        await RefusedAsync(HttpMethod.Patch, "Observations('1-1')", """{"result":1}""", 404);
    }

    [Test]
    public async Task Should_leave_to_the_registry_what_is_the_registrys()
    {
        var changed = await ChangedAsync(HttpMethod.Patch, await town.GetAsync("Things('wetter-1')"), """{"name":"Unser Wetter","properties":{"amt":"Umwelt","device":"anderes"}}""");
        Assert.That(((string)changed["name"]!, (string)changed["properties"]!["amt"]!, (string)changed["properties"]!["device"]!, (string)changed["properties"]!["dataset"]!), Is.EqualTo(("Unser Wetter", "Umwelt", "wetter-1", "wetter")));
        var location = await town.MakeAsync("Locations", Location());
        foreach (var (method, path, body) in new[]
        {
            (HttpMethod.Delete, "Things('wetter-1')", null), (HttpMethod.Delete, "Datastreams('wetter-1.temperature')", null), (HttpMethod.Delete, "Sensors('profil-1')", null),
            (HttpMethod.Delete, "Locations('wetter-1')", null), (HttpMethod.Delete, "FeaturesOfInterest('wetter-1')", null), (HttpMethod.Delete, "Things('wetter-1')/Locations('wetter-1')/$ref", null),
            (HttpMethod.Post, "Things('wetter-1')/Locations", Location()), (HttpMethod.Post, "Things('wetter-1')/Locations/$ref", $$"""{"@iot.id":{{location["@iot.id"]}}}"""),
            (HttpMethod.Post, PathOf(location) + "/Things/$ref", """{"@iot.id":"wetter-1"}"""),
            (HttpMethod.Patch, "Locations('wetter-1')", """{"location":{"type":"Point","coordinates":[1,2]}}"""), (HttpMethod.Patch, "Datastreams('wetter-1.temperature')", $$"""{"unitOfMeasurement":{{Unit}}}"""),
            (HttpMethod.Patch, "Datastreams('wetter-1.temperature')", $$"""{"Thing":{"@iot.id":{{(await ThingAsync())["@iot.id"]}} } }"""),
            (HttpMethod.Post, "Things", """{"name":"a","description":"b","Datastreams":[{"@iot.id":"wetter-1.temperature"}]}"""),
        })
            await RefusedAsync(method, path, body, 409, told: "registered device");
        Assert.That(await town.StatusAsync("Datastreams('wetter-1.temperature')"), Is.EqualTo(200));
    }

    [TestCase("PATCH", "Things", "{}")]
    [TestCase("DELETE", "Things", null)]
    [TestCase("POST", "Things('wetter-1')", "{}")]
    [TestCase("PUT", "Things('wetter-1')/name", "\"x\"")]
    [TestCase("POST", "Datastreams('wetter-1.temperature')/Thing", "{}")]
    [TestCase("POST", "Observations('1-1')/$ref", "{}")]
    public async Task Should_say_which_method_is_for_what(string method, string path, string? body) => await RefusedAsync(new HttpMethod(method), path, body, 405, told: method);
}
