using System.Net;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_clients_query
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("haus-1", "klima", "temperature", "humidity");
        await town.RegisterAsync("haus-2", "klima", "temperature");
        await town.RegisterAsync("o'hara", "klima", "temperature");
        await town.AppendAsync("haus-1", [.. Enumerable.Range(0, 250).Select(i => At("haus-1.temperature", $"2026-11-{1 + i / 24:00}T{i % 24:00}:00:00Z", i / 10.0))]);
        await town.AppendAsync("haus-1", new Observation("haus-1.humidity", Observation.Micros(DateTimeOffset.Parse("2026-11-01T00:30:00Z", null)), 0, "\"feucht\""));
        await town.AppendAsync("haus-2", At("haus-2.temperature", "2026-11-05T00:00:00Z", -3));
        await town.HasAsync("haus-1.temperature", 250);
        await town.HasAsync("haus-2.temperature", 1);
        await town.HasAsync("haus-1.humidity", 1);
    }

    static IEnumerable<string> Ids(JsonNode answer) => answer["value"]!.AsArray().Select(value => (string)value!["@iot.id"]!);

    [TestCase("Things", "name eq 'Gerät haus-1'", "haus-1")]
    [TestCase("Things", "id eq 'o''hara'", "o'hara")]
    [TestCase("Things", "startswith(name,'Gerät haus') and not (id eq 'haus-1')", "haus-2")]
    [TestCase("Things", "substringof('hara', name) or endswith(id,'2')", "haus-2|o'hara")]
    [TestCase("Things", "properties/dataset eq 'klima' and length(id) eq 6 and indexof(id,'1') eq 5", "haus-1")]
    [TestCase("Things", "properties/nothing eq null and toupper(id) eq 'HAUS-2'", "haus-2")]
    [TestCase("Things", "Datastreams/Observations/result lt 0", "haus-2")]
    [TestCase("Things", "Datastreams/unitOfMeasurement/symbol eq 'Cel' and Datastreams/ObservedProperty/id eq 'humidity'", "haus-1")]
    [TestCase("Things", "geo.distance(Locations/location, geography'POINT (8.38 51.9)') lt 0.001 and id ne 'haus-1'", "haus-2|o'hara")]
    [TestCase("Things", "st_within(Locations/location, geography'POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))')", "")]
    [TestCase("Datastreams", "Thing/id eq 'haus-1'", "haus-1.temperature|haus-1.humidity")]
    [TestCase("Datastreams", "Observations/result eq 'feucht'", "haus-1.humidity")]
    [TestCase("Datastreams", "phenomenonTime ge 2026-11-05T00:00:00Z", "haus-2.temperature")]
    [TestCase("Locations", "st_intersects(location, geography'POLYGON ((8 51, 9 51, 9 52, 8 52, 8 51))') and Things/name eq 'Gerät haus-2'", "haus-2")]
    [TestCase("Things", "id eq 'haus-1' or id eq 'haus-2' and name eq 'x'", "haus-1")]
    [TestCase("Things", "substring(id, 5) eq '1' or substring(id, 0, 2) eq 'o'''", "haus-1|o'hara")]
    [TestCase("Things", "trim(concat(' ', id)) eq 'haus-1' and tolower('HAUS-1') eq id and contains(id, 'us')", "haus-1")]
    [TestCase("Things", "properties/a-b eq null and properties/x:y/z eq null and properties/device eq id", "haus-1|haus-2|o'hara")]
    [TestCase("Things", "Datastreams/Sensor/id eq 'profil-1' and Locations/Things/Datastreams/Observations/result lt 0", "haus-2")]
    [TestCase("Things", "not (Datastreams/ObservedProperty/id eq 'humidity')", "haus-2|o'hara")]
    [TestCase("Datastreams", "unitOfMeasurement/symbol eq 'Cel' and Thing/properties/dataset eq 'klima' and st_intersects(observedArea, geography'POLYGON ((8 51, 9 51, 9 52, 8 52, 8 51))')", "haus-1.temperature|haus-1.humidity|haus-2.temperature|o'hara.temperature")]
    [TestCase("HistoricalLocations", "Thing/id eq 'haus-2' and Locations/id eq 'haus-2' and time gt 2020-01-01", "?")]
    [TestCase("ObservedProperties", "Datastreams/Thing/id eq 'haus-2'", "temperature")]
    public async Task Should_filter(string set, string filter, string expected)
    {
        var answer = await town.GetAsync($"{set}?$filter={Uri.EscapeDataString(filter)}&$count=true");
        var ids = expected.Length == 0 ? [] : expected.Split('|');
        Assert.That(ids is ["?"] ? ids : Ids(answer), Is.EquivalentTo(ids));
        Assert.That((int)answer["@iot.count"]!, Is.EqualTo(ids.Length));
    }

    [TestCase("not result lt 24", 10)]
    [TestCase("not (result lt 24 or result gt 24.5)", 6)]
    [TestCase("result sub 1 mul 2 eq 22.9", 1)]
    [TestCase("result add 1 mul 2 sub -1 eq 3", 1)]
    [TestCase("1 lt 2 eq true", 250)]
    [TestCase("result lt 1 eq (result ge 0)", 10)]
    [TestCase("result div 0 eq 1 or result mod 0 eq 1", 0)]
    [TestCase("result[0] gt 1", 0)]
    [TestCase("ceiling(result) eq 3", 10)]
    [TestCase("time(phenomenonTime) lt 01:00", 11)]
    [TestCase("fractionalseconds(phenomenonTime) eq 0 and second(phenomenonTime) eq 0 and minute(phenomenonTime) eq 0 and totaloffsetminutes(phenomenonTime) eq 0", 250)]
    [TestCase("phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() and now() gt 2020-01-01T00:00:00Z", 250)]
    [TestCase("year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 11", 250)]
    [TestCase("resultQuality/flag eq 'good'", 250)]
    [TestCase("before(phenomenonTime, 2026-11-01T01:00:00Z)", 1)]
    [TestCase("after(phenomenonTime, 2026-11-11T08:00:00Z)", 1)]
    [TestCase("phenomenonTime lt 2026-11-01T01:00:00Z/2026-11-01T02:00:00Z", 1)]
    [TestCase("overlaps(phenomenonTime, 2026-11-01T01:00:00Z/2026-11-01T02:00:00Z)", 2)]
    [TestCase("meets(phenomenonTime, 2026-11-01T01:00:00Z/2026-11-01T02:00:00Z)", 2)]
    [TestCase("starts(phenomenonTime, 2026-11-01T01:00:00Z/2026-11-01T02:00:00Z) or finishes(phenomenonTime, 2026-11-01T01:00:00Z/2026-11-01T02:00:00Z)", 2)]
    [TestCase("Datastream/Thing/Locations/name eq 'Gerät haus-1'", 250)]
    [TestCase("Datastream/Thing/Datastreams/ObservedProperty/name eq 'humidity'", 250)]
    [TestCase("geo.distance(FeatureOfInterest/feature, geography'POINT (8.38 51.9)') lt 0.001", 250)]
    [TestCase("geo.distance(geography'POINT (0 0)', geography'POINT (3 4)') eq 5 and geo.length(geography'LINESTRING (0 0, 0 3)') eq 3", 250)]
    [TestCase("st_relate(FeatureOfInterest/feature, geography'POINT (8.38 51.9)', 'T********')", 250)]
    [TestCase("geo.intersects(FeatureOfInterest/feature, geography'POINT (0 0)') or st_touches(FeatureOfInterest/feature, geography'POINT (0 0)')", 0)]
    [TestCase("result gt 24.8", 1)]
    [TestCase("result ge 24.8 and result lt 24.95", 2)]
    [TestCase("result add 1 eq 25.9", 1)]
    [TestCase("result mul 10 mod 50 eq 0", 5)]
    [TestCase("(result div 2) gt 12.4", 1)]
    [TestCase("-result lt -24.8", 1)]
    [TestCase("floor(result) eq 3 and round(result) eq 4", 5)]
    [TestCase("phenomenonTime lt 2026-11-01T03:00:00Z", 3)]
    [TestCase("phenomenonTime ge 2026-11-01T03:00:00%2B01:00 and phenomenonTime le 2026-11-01T03:00:00Z", 2)]
    [TestCase("during(phenomenonTime, 2026-11-02T00:00:00Z/2026-11-02T05:00:00Z)", 6)]
    [TestCase("hour(phenomenonTime) eq 3 and day(phenomenonTime) eq 4", 1)]
    [TestCase("date(phenomenonTime) eq 2026-11-02", 24)]
    [TestCase("phenomenonTime sub duration'PT1H' lt 2026-11-01T01:00:00Z", 2)]
    [TestCase("resultTime eq null", 250)]
    [TestCase("result eq 'feucht'", 0)]
    [TestCase("Datastream/Thing/id eq 'haus-1'", 250)]
    [TestCase("resultQuality/flag eq 'x'", 0)]
    public async Task Should_filter_observations(string filter, int count)
    {
        var answer = await town.GetAsync($"Datastreams('haus-1.temperature')/Observations?$filter={filter.Replace(" ", "%20", StringComparison.Ordinal)}&$count=true&$top=1");
        Assert.That((int)answer["@iot.count"]!, Is.EqualTo(count));
    }

    [TestCase("Things?$filter=Datastreams eq 1", "say which property")]
    [TestCase("Things?$filter=properties[x] eq 1", "a place in an array")]
    [TestCase("Things?$filter=name eq 25:61", "character 9")]
    [TestCase("Things?$filter=name eq 'x' )", "character 13")]
    [TestCase("Things?$orderby=Datastreams/name", "collection")]
    [TestCase("Things?$select=name/x", "no parts")]
    [TestCase("Things?$skiptoken=1-1", "for Observations")]
    [TestCase("Observations?$skiptoken=x", "no $skiptoken")]
    [TestCase("Observations?$skiptoken=1-1&$orderby=result", "$orderby")]
    [TestCase("Things?$filter=name eq", "character 8")]
    [TestCase("Things?$filter=nothing eq 1", "nothing")]
    [TestCase("Things?$filter=name eq 'x", "closing quote")]
    [TestCase("Things?$filter=foo(name)", "function 'foo'")]
    [TestCase("Things?$filter=length(name, 2) eq 1", "does not take 2")]
    [TestCase("Things?$filter=name", "condition")]
    [TestCase("Things?$filter=st_within(Locations/location, geography'POLYGON((')", "cannot be evaluated")]
    [TestCase("Things?$top=-1", "$top")]
    [TestCase("Things?$skip=a", "$skip")]
    [TestCase("Things?$count=perhaps", "$count")]
    [TestCase("Things?$orderby=nothing", "nothing")]
    [TestCase("Things?$orderby=null", "constant")]
    [TestCase("Things?$expand=Nothing", "Nothing")]
    [TestCase("Things?$expand=Datastreams($top=x)", "$top")]
    [TestCase("Things?$select=nothing", "nothing")]
    [TestCase("Things?$frobnicate=1", "$frobnicate")]
    [TestCase("Things('haus-1", "quote")]
    [TestCase("Things(haus-1)", "haus-1")]
    public async Task Should_say_what_is_wrong_and_where(string path, string told)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path.Replace(" ", "%20", StringComparison.Ordinal)), null, null);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["message"]!, Does.Contain(told));
    }

    [TestCase("Nothing")]
    [TestCase("Things('no')")]
    [TestCase("Things('no')/Datastreams")]
    [TestCase("Things('haus-1')/Nothing")]
    [TestCase("Things/Datastreams")]
    [TestCase("Observations('1-x')")]
    [TestCase("Things('haus-1')/name/more")]
    [TestCase("Things('haus-1')/properties/nothing")]
    [TestCase("Things('haus-1')/properties/dataset/more/$value")]
    [TestCase("Things('haus-1')/properties/$ref/$value")]
    [TestCase("Things/$value")]
    public async Task Should_find_nothing_where_nothing_is(string path)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path), null, null);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_page_through_all_without_a_top_that_nobody_sent()
    {
        var seen = new List<string>();
        var next = "Datastreams('haus-1.temperature')/Observations?$filter=result%20ge%200";
        for (var pages = 0; ; pages++)
        {
            var page = await town.GetAsync(next);
            seen.AddRange(Ids(page));
            if ((string?)page["@iot.nextLink"] is not { } link) break;
            Assert.That(link, Does.Not.Contain("$top"));
            next = link[(link.IndexOf("/v1.1/", StringComparison.Ordinal) + 6)..];
            Assert.That(pages, Is.LessThan(5));
        }
        Assert.That(seen, Is.Unique.And.Count.EqualTo(250));
    }

    [Test]
    public async Task Should_expand_with_options_on_every_level()
    {
        var answer = await town.GetAsync("Things?$orderby=name desc&$select=name,Locations&$expand=Locations($select=location),Datastreams($orderby=id;$count=true;$expand=Sensor,ObservedProperty($select=name),Observations($orderby=result desc;$top=2;$select=result;$count=true))&$top=2&$skip=1");
        var things = answer["value"]!.AsArray();
        Assert.Multiple(() =>
        {
            Assert.That(things.Select(thing => (string)thing!["name"]!), Is.EqualTo(new[] { "Gerät haus-2", "Gerät haus-1" }));
            var datastreams = things[1]!["Datastreams"]!.AsArray();
            Assert.That((int)things[1]!["Datastreams@iot.count"]!, Is.EqualTo(2));
            Assert.That((string)datastreams[1]!["@iot.id"]!, Is.EqualTo("haus-1.temperature"));
            Assert.That((int)datastreams[1]!["Observations@iot.count"]!, Is.EqualTo(250));
            Assert.That(datastreams[1]!["Observations"]!.ToJsonString(), Is.EqualTo("""[{"result":24.9},{"result":24.8}]"""));
            Assert.That((string)datastreams[1]!["Observations@iot.nextLink"]!, Does.StartWith($"http://localhost/{town.Id}/sta/v1.1/Datastreams('haus-1.temperature')/Observations?"));
            Assert.That((string)datastreams[0]!["Sensor"]!["@iot.id"]!, Is.EqualTo("profil-1"));
            Assert.That(datastreams[0]!["ObservedProperty"]!.ToJsonString(), Is.EqualTo("""{"name":"humidity"}"""));
            Assert.That(things[0]!["Locations"]![0]!["location"]!["type"]!.ToString(), Is.EqualTo("Point"));
            Assert.That(things[0]!.AsObject().ContainsKey("@iot.id"), Is.False);
        });
    }

    [Test]
    public async Task Should_follow_every_navigation_link_that_it_gives()
    {
        var open = new Queue<string>(["Things('haus-1')", "Observations?$top=1"]);
        var seen = new HashSet<string>();
        while (open.TryDequeue(out var path) && seen.Count < 80)
        {
            if (!seen.Add(path)) continue;
            var answer = await town.GetAsync(path);
            foreach (var entity in answer["value"] is JsonArray many ? many.Take(2).ToList() : [answer])
                foreach (var (name, value) in entity!.AsObject().Where(pair => pair.Key.EndsWith("navigationLink", StringComparison.Ordinal) || pair.Key.EndsWith("selfLink", StringComparison.Ordinal)))
                    open.Enqueue(((string)value!).Split("/v1.1/")[1]);
        }
        Assert.That(seen.Select(path => path.Split('/')[^1].Split('(')[0]), Is.SupersetOf(new[] { "Locations", "HistoricalLocations", "Sensor", "ObservedProperty", "FeatureOfInterest", "Observations", "Thing", "Things" }));
    }

    [Test]
    public async Task Should_give_a_property_and_its_bare_value()
    {
        Assert.That((await town.GetAsync("Things('haus-1')/name")).ToJsonString(), Is.EqualTo("""{"name":"Ger\u00E4t haus-1"}"""));
        Assert.That(await town.Client.GetStringAsync(town.Url("Things('haus-1')/name/$value")), Is.EqualTo("Gerät haus-1"));
        Assert.That(await town.Client.GetStringAsync(town.Url("Datastreams('haus-1.temperature')/Thing/properties/$value")), Does.Contain("\"klima\""));
    }

    [TestCase("Things('haus-1')/properties/dataset", """{"dataset":"klima"}""")]
    [TestCase("Things('haus-1')/properties/dataset/$value", "klima")]
    [TestCase("Datastreams('haus-1.temperature')/unitOfMeasurement/symbol/$value", "Cel")]
    [TestCase("Locations('haus-1')/location/coordinates/1/$value", "51.9")]
    [TestCase("Things('haus-1')/id", """{"@iot.id":"haus-1"}""")]
    [TestCase("Things('haus-1')/Datastreams('haus-1.temperature')/ObservedProperty/name", """{"name":"temperature"}""")]
    [TestCase("Datastreams('haus-1.temperature')/Thing/$ref", """{"@iot.selfLink":"ROOT/Things('haus-1')"}""")]
    [TestCase("Things('haus-1')/Datastreams/$ref?$orderby=id", """{"value":[{"@iot.selfLink":"ROOT/Datastreams('haus-1.humidity')"},{"@iot.selfLink":"ROOT/Datastreams('haus-1.temperature')"}]}""")]
    [TestCase("Things/$ref?$top=1&$orderby=id&$count=true", """{"@iot.count":3,"@iot.nextLink":"ROOT/Things/$ref?$top=1&$orderby=id&$count=true&$skip=1","value":[{"@iot.selfLink":"ROOT/Things('haus-1')"}]}""")]
    [TestCase("Things('haus-1')?$select=id,properties/dataset", """{"@iot.id":"haus-1","properties":{"dataset": "klima"}}""")]
    [TestCase("Things('haus-1')?$select=properties/dataset,properties/nothing/at/all,id", """{"@iot.id":"haus-1","properties":{"dataset": "klima", "nothing": {"at": {}}}}""")]
    [TestCase("Datastreams('haus-1.temperature')?$select=unitOfMeasurement/symbol&$expand=Thing/Locations($select=location/type)", """{"unitOfMeasurement":{"symbol": "Cel"},"Thing":THING,"Locations":[{"location":{"type": "Point"}}]}}""")]
    [TestCase("Observations?$top=0&$count=true", """{"@iot.count":252,"value":[]}""")]
    [TestCase("Observations?$skip=100000", """{"value":[]}""")]
    [TestCase("Things?$select=id&$orderby=properties/dataset,id desc", """{"value":[{"@iot.id":"o'hara"},{"@iot.id":"haus-2"},{"@iot.id":"haus-1"}]}""")]
    [TestCase("Datastreams?$select=id&$orderby=Thing/name desc,ObservedProperty/name,id", """{"value":[{"@iot.id":"o'hara.temperature"},{"@iot.id":"haus-2.temperature"},{"@iot.id":"haus-1.humidity"},{"@iot.id":"haus-1.temperature"}]}""")]
    public async Task Should_answer_as_the_standard_shows(string path, string expected)
    {
        var root = $"http://localhost/{town.Id}/sta/v1.1";
        var thing = await town.Client.GetStringAsync(town.Url("Things('haus-1')"));
        thing = thing.Replace($",\"Locations@iot.navigationLink\":\"{root}/Things('haus-1')/Locations\"", "", StringComparison.Ordinal)[..^1];
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path.Replace(" ", "%20", StringComparison.Ordinal)), null, null);
        Assert.That(Uri.UnescapeDataString(await answer.Content.ReadAsStringAsync()), Is.EqualTo(expected.Replace("ROOT", root, StringComparison.Ordinal).Replace("THING", thing, StringComparison.Ordinal)));
    }

    [Test]
    public async Task Should_write_all_properties_for_a_star() =>
        Assert.That((await town.GetAsync("Things('haus-1')?$select=*")).ToJsonString(), Is.EqualTo((await town.GetAsync("Things('haus-1')")).ToJsonString()));

    [Test]
    public async Task Should_list_only_conformance_that_it_has()
    {
        var root = JsonNode.Parse(await town.Client.GetStringAsync($"/{town.Id}/sta/v1.1"))!;
        Assert.That(root["value"]!.AsArray().Select(set => (string)set!["name"]!), Has.Member("Things").And.Member("FeaturesOfInterest"));
        foreach (var set in root["value"]!.AsArray())
            Assert.That((await town.Client.GetAsync(new Uri((string)set!["url"]!).PathAndQuery)).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    static int Asked(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out var asked) ? asked : otherwise;

    /// <summary>Pieces of filters thrown together: answered, or refused in words, never a 500. FUZZ_SEED and FUZZ_COUNT look further than CI does.</summary>
    [Test]
    public async Task Should_survive_any_filter()
    {
        string[] pieces =
        [
            "name", "result", "phenomenonTime", "location", "Datastreams", "Thing", "/", "(", ")", ",", " eq ", " and ", " or ", " not ", " add ", " div ", " gt ", "1", "-1e309", "0",
            "'x'", "''", "null", "true", "2026-11-01T00:00:00Z", "geography'POINT(1 1)'", "duration'P1D'", "substringof(", "geo.distance(", "st_relate(", "length(", "now()",
            "properties/a/b", "\u0000", "ä", "%", "$it", "@iot.id", "unitOfMeasurement/symbol", "resultQuality", "- ", "mod", "hour(", "concat(", "substring('abc',",
        ];
        var random = new Random(Asked("FUZZ_SEED", 1));
        for (var i = 0; i < Asked("FUZZ_COUNT", 1_000); i++)
        {
            var filter = string.Concat(random.GetItems(pieces, random.Next(1, 10)));
            var set = new[] { "Things", "Observations", "Datastreams", "Locations" }[i % 4];
            using var answer = await town.SendAsync(HttpMethod.Get, town.Url($"{set}?$top=1&${(i % 5 == 0 ? "orderby" : "filter")}={Uri.EscapeDataString(filter)}"), null, null);
            Assert.That((int)answer.StatusCode, Is.LessThan(500), $"{set} {filter}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    /// <summary>Paths and options thrown together, on every set and in every format. FUZZ_SEED and FUZZ_COUNT look further than CI does.</summary>
    [Test]
    public async Task Should_survive_any_question()
    {
        string[] steps =
        [
            "Things", "Datastreams", "MultiDatastreams", "Observations", "Sensors", "ObservedProperties", "FeaturesOfInterest", "Locations", "HistoricalLocations", "Thing", "Sensor", "Datastream",
            "MultiDatastream", "ObservedProperty", "FeatureOfInterest", "Things('haus-1')", "Datastreams('haus-1.temperature')", "Observations('1-1')", "Observations('')", "Things(1)", "$ref", "$value",
            "name", "properties", "resultTime", "result", "unitOfMeasurement", "symbol", "@iot.id", "%00", "..", "%2F", "('x')", "0",
        ];
        string[] options =
        [
            "$top=1", "$top=0", "$top=99999999", "$skip=1", "$skip=9223372036854775807", "$count=true", "$select=id", "$select=*", "$select=name,properties/a/b", "$select=result", "$select=resultTime",
            "$expand=Datastreams", "$expand=Datastreams/Observations($top=1)", "$expand=Observations($count=true;$filter=result gt 1),Thing", "$expand=Thing/Locations,Sensor", "$expand=MultiDatastreams/ObservedProperties",
            "$orderby=id desc", "$orderby=result", "$orderby=phenomenonTime desc", "$orderby=Thing/name,location", "$filter=result[0] gt 1 or result", "$filter=Datastreams/phenomenonTime lt now()",
            "$filter=validTime gt 2026-01-01T00:00:00Z", "$filter=properties/x eq resultQuality", "$filter=time(phenomenonTime) eq 12:00", "$filter=phenomenonTime/x eq 1", "$filter=Observations/id eq 1",
            "$skiptoken=1-1", "$skiptoken=9-99999999999999999", "$resultFormat=CSV", "$resultFormat=GeoJSON", "$resultFormat=dataArray", "$resultFormat=", "$filter=", "$expand=", "$select=", "$orderby=", "=&&=", "%",
        ];
        var random = new Random(Asked("FUZZ_SEED", 1));
        for (var i = 0; i < Asked("FUZZ_COUNT", 1_000); i++)
        {
            var path = string.Join('/', random.GetItems(steps, random.Next(1, 4))) + "?" + string.Join('&', random.GetItems(options, random.Next(0, 4)));
            using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path.Replace(" ", "%20", StringComparison.Ordinal)), null, null);
            Assert.That((int)answer.StatusCode, Is.LessThan(500), $"{path}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    [Test]
    public async Task Should_refuse_nesting_that_would_exhaust_it()
    {
        foreach (var filter in new[] { new string('(', 2000), string.Concat(Enumerable.Repeat("not ", 1000)), string.Concat(Enumerable.Repeat("- ", 1500)), string.Concat(Enumerable.Repeat("length(", 700)) })
        {
            using var answer = await town.SendAsync(HttpMethod.Get, town.Url($"Things?$filter={Uri.EscapeDataString(filter)}"), null, null);
            Assert.That((int)answer.StatusCode, Is.EqualTo(400));
        }
    }
}
