using System.Net;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary><c>$resultFormat</c>: data arrays (OGC 18-088 section 12.1), CSV and GeoJSON; what other programs make of them is asked of those programs.</summary>
[TestFixture]
public sealed class When_another_format_is_asked
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("baum-1", "gruen", "temperature", "humidity");
        await town.RegisterAsync("baum-2", "gruen", "temperature");
        using (var made = await town.PostAsync("MultiDatastreams", When_a_datastream_has_several_results.Draft("baum-1.both", "baum-1", "Beides, \\\"zusammen\\\"", "temperature", "humidity")))
            Assert.That(made.StatusCode, Is.EqualTo(HttpStatusCode.Created), await made.Content.ReadAsStringAsync());
        await town.AppendAsync("baum-1", [.. Enumerable.Range(0, 120).Select(i => At("baum-1.temperature", $"2026-11-{1 + i / 24:00}T{i % 24:00}:00:00Z", i / 10.0, i == 0 ? "2026-11-01T00:00:05Z" : null))]);
        await town.AppendAsync("baum-1",
            new Observation("baum-1.humidity", Observation.Micros(DateTimeOffset.Parse("2026-11-20T00:30:00Z", null)), 0, "\"sehr \\\"feucht\\\", fast\\nnass\"", Extra: """{"parameters":{"a":{"b":1}}}"""));
        using (var posted = await town.PostAsync("MultiDatastreams('baum-1.both')/Observations", """{"phenomenonTime":"2026-11-20T01:00:00Z","result":[1,2]}"""))
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        await town.AppendAsync("baum-2", At("baum-2.temperature", "2026-11-20T02:00:00Z", -3));
        await town.HasAsync("baum-1.temperature", 120);
        await town.HasAsync("baum-1.humidity", 1);
        await town.HasAsync("baum-2.temperature", 1);
    }

    static string Escaped(string path) => path.Replace(" ", "%20", StringComparison.Ordinal);

    async Task<(string Text, HttpResponseMessage Answer)> TextAsync(string path)
    {
        var answer = await town.SendAsync(HttpMethod.Get, town.Url(Escaped(path)), null, null);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"{path}: {text}");
        return (text, answer);
    }

    [Test]
    public async Task Should_group_a_data_array_by_what_its_observations_belong_to()
    {
        var answer = await town.GetAsync("Observations?$resultFormat=dataArray&$count=true&$filter=phenomenonTime%20ge%202026-11-20T00:00:00Z&$orderby=phenomenonTime");
        var groups = answer["value"]!.AsArray();
        Assert.Multiple(() =>
        {
            Assert.That((int)answer["@iot.count"]!, Is.EqualTo(3));
            Assert.That(groups.Select(group => (string?)(group!["Datastream@iot.navigationLink"] ?? group["MultiDatastream@iot.navigationLink"])), Is.EqualTo(new[]
            {
                $"http://localhost/{town.Id}/sta/v1.1/Datastreams('baum-1.humidity')",
                $"http://localhost/{town.Id}/sta/v1.1/MultiDatastreams('baum-1.both')",
                $"http://localhost/{town.Id}/sta/v1.1/Datastreams('baum-2.temperature')",
            }));
            foreach (var group in groups)
            {
                Assert.That(group!["components"]!.AsArray().Select(name => (string)name!), Is.EqualTo(new[] { "id", "phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters" }));
                Assert.That((int)group["dataArray@iot.count"]!, Is.EqualTo(1));
                Assert.That(group["dataArray"]![0]!.AsArray(), Has.Count.EqualTo(7));
            }
            Assert.That(groups[0]!["dataArray"]![0]![6]!.ToJsonString(), Is.EqualTo("""{"a":{"b":1}}"""));
            Assert.That(groups[1]!["dataArray"]![0]![3]!.ToJsonString(), Is.EqualTo("[1,2]"));
        });
    }

    [Test]
    public async Task Should_page_through_a_data_array_with_the_components_that_are_selected()
    {
        var rows = new List<JsonNode>();
        var next = "Datastreams('baum-1.temperature')/Observations?$resultFormat=dataArray&$select=result,phenomenonTime&$top=50";
        while (next is not null)
        {
            var page = await town.GetAsync(next);
            var group = page["value"]!.AsArray().Single()!;
            Assert.That(group["components"]!.ToJsonString(), Is.EqualTo("""["phenomenonTime","result"]"""));
            Assert.That((int)group["dataArray@iot.count"]!, Is.EqualTo(group["dataArray"]!.AsArray().Count));
            rows.AddRange(group["dataArray"]!.AsArray()!);
            next = ((string?)page["@iot.nextLink"])?.Split("/v1.1/")[1];
        }
        Assert.That(rows, Has.Count.EqualTo(120));
        Assert.That(rows[1].ToJsonString(), Is.EqualTo("""["2026-11-01T01:00:00Z",0.1]"""));
    }

    [Test]
    public async Task Should_be_empty_where_there_is_nothing()
    {
        Assert.That((await TextAsync("Observations?$resultFormat=dataArray&$filter=result gt 1000")).Text, Is.EqualTo("""{"value":[]}"""));
        Assert.That((await TextAsync("Observations?$resultFormat=GeoJSON&$filter=result gt 1000")).Text, Is.EqualTo("""{"type":"FeatureCollection","features":[]}"""));
        Assert.That((await TextAsync("Observations?$resultFormat=CSV&$filter=result gt 1000&$select=id,result")).Text, Is.EqualTo("id,result\r\n"));
    }

    [Test]
    public async Task Should_write_tables_as_RFC_4180_has_them()
    {
        var (text, answer) = await TextAsync("Datastreams('baum-1.humidity')/Observations?$resultFormat=csv&$select=result,phenomenonTime,parameters&$expand=Datastream($select=id,unitOfMeasurement;$expand=Thing($select=name,properties/dataset))");
        Assert.That(text, Is.EqualTo(
            "phenomenonTime,result,parameters,Datastream/id,Datastream/unitOfMeasurement/name,Datastream/unitOfMeasurement/symbol,Datastream/unitOfMeasurement/definition,Datastream/Thing/name,Datastream/Thing/properties/dataset\r\n"
            + "2026-11-20T00:30:00Z,\"sehr \"\"feucht\"\", fast\nnass\",\"{\"\"a\"\": {\"\"b\"\": 1}}\",baum-1.humidity,Cel,Cel,http://unitsofmeasure.org/ucum.html#Cel,Gerät baum-1,gruen\r\n"));
        Assert.That(answer.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/csv; charset=utf-8; header=present"));
        Assert.That((await TextAsync("MultiDatastreams?$resultFormat=CSV&$select=id,name,unitOfMeasurements")).Text, Does.Contain("baum-1.both,\"Beides, \"\"zusammen\"\"\","));
        Assert.That((await TextAsync("Things('baum-1')?$resultFormat=CSV&$select=name,properties&$expand=Locations($top=1;$select=name)")).Text.Split("\r\n"), Has.Length.EqualTo(3).And.Some.StartsWith("name,properties,Locations/name"));
    }

    [Test]
    public async Task Should_link_the_next_page_of_a_table_in_the_header()
    {
        var lines = new List<string>();
        var next = "Datastreams('baum-1.temperature')/Observations?$resultFormat=CSV&$select=id,result";
        for (var pages = 0; next is not null; pages++)
        {
            var (text, answer) = await TextAsync(next);
            lines.AddRange(text.TrimEnd().Split("\r\n").Skip(1));
            next = answer.Headers.TryGetValues("Link", out var links) ? links.Single().Split("/v1.1/")[1].Split('>')[0] : null;
            Assert.That(pages, Is.LessThan(3));
        }
        Assert.That(lines, Is.Unique.And.Count.EqualTo(120));
    }

    [TestCase("Observations?$resultFormat=XML", "XML")]
    [TestCase("Things?$resultFormat=dataArray", "collections of Observations")]
    [TestCase("Observations?$resultFormat=dataArray&$expand=Datastream", "$expand")]
    [TestCase("Things?$resultFormat=CSV&$expand=Datastreams", "$top=1")]
    [TestCase("Datastreams?$resultFormat=CSV&$expand=Thing($expand=Locations)", "$top=1")]
    [TestCase("Things?$expand=Datastreams($resultFormat=CSV)", "whole answer")]
    [TestCase("Things?$expand=Datastreams($expand=Observations($resultFormat=dataArray))", "whole answer")]
    [TestCase("Things('baum-1')/name?$resultFormat=CSV", "property")]
    [TestCase("Things/$ref?$resultFormat=GeoJSON", "links")]
    public async Task Should_refuse_what_has_no_room_in_a_format(string path, string told)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path), null, null);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["message"]!, Does.Contain(told));
    }

    [Test]
    public async Task Should_flatten_entities_and_expansions_into_features()
    {
        var (text, answer) = await TextAsync("Things?$resultFormat=GeoJSON&$orderby=id&$select=id,name,properties&$count=true&$expand=Locations($select=id,location),Datastreams($select=name,unitOfMeasurement;$orderby=id desc;$expand=Observations($select=result,phenomenonTime;$orderby=phenomenonTime desc;$top=1))");
        var collection = JsonNode.Parse(text)!;
        var feature = collection["features"]![0]!;
        Assert.Multiple(() =>
        {
            Assert.That(answer.Content.Headers.ContentType!.ToString(), Is.EqualTo("application/geo+json"));
            Assert.That((string)collection["type"]!, Is.EqualTo("FeatureCollection"));
            Assert.That((int)collection["@iot.count"]!, Is.EqualTo(2));
            Assert.That((string)feature["type"]!, Is.EqualTo("Feature"));
            Assert.That(feature["geometry"]!.ToJsonString(), Is.EqualTo("""{"type":"Point","coordinates":[8.38,51.9]}"""));
            Assert.That(feature["properties"]!.AsObject().Select(pair => $"{pair.Key}={pair.Value}"), Is.EqualTo(new[]
            {
                "id=baum-1", "name=Gerät baum-1", "properties/device=baum-1", "properties/dataset=gruen", "properties/profile=profil-1", "Locations/0/id=baum-1",
                "Datastreams/0/name=temperature", "Datastreams/0/unitOfMeasurement/name=Cel", "Datastreams/0/unitOfMeasurement/symbol=Cel",
                "Datastreams/0/unitOfMeasurement/definition=http://unitsofmeasure.org/ucum.html#Cel",
                "Datastreams/0/Observations/0/phenomenonTime=2026-11-05T23:00:00Z", "Datastreams/0/Observations/0/result=11.9",
                "Datastreams/1/name=humidity", "Datastreams/1/unitOfMeasurement/name=Cel", "Datastreams/1/unitOfMeasurement/symbol=Cel",
                "Datastreams/1/unitOfMeasurement/definition=http://unitsofmeasure.org/ucum.html#Cel",
                "Datastreams/1/Observations/0/phenomenonTime=2026-11-20T00:30:00Z", "Datastreams/1/Observations/0/result=sehr \"feucht\", fast\nnass",
            }));
        });
    }

    [TestCase("Locations", 2)]
    [TestCase("FeaturesOfInterest", 2)]
    [TestCase("Datastreams", 3)]
    [TestCase("MultiDatastreams", 1)]
    [TestCase("Things?$expand=Locations", 2)]
    [TestCase("Things('baum-1')?$expand=Locations,Datastreams", 1)]
    [TestCase("Observations?$expand=FeatureOfInterest,Datastream&$top=1000", 123)]
    [TestCase("HistoricalLocations?$expand=Locations", 2)]
    public async Task Should_give_features_that_GDAL_reads(string path, int count)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        var (text, _) = await TextAsync($"{path}{separator}$resultFormat=GeoJSON");
        using var directory = TemporaryDirectory.Create();
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "read.geojson"), text);
        var read = await new NodePackages(directory.Path).RunAsync("ogrinfo", "", "-ro", "-al", "read.geojson");
        Assert.That(read, Does.Contain($"Feature Count: {count}"));
        Assert.That(read, Does.Contain("Geometry: Point"));
        Assert.That(System.Text.RegularExpressions.Regex.Count(read, @"POINT \(8\.38 51\.9\)"), Is.EqualTo(count));
    }

    [Test]
    public async Task Should_give_a_table_that_GDAL_reads()
    {
        var (text, _) = await TextAsync("Observations?$resultFormat=CSV&$top=1000&$expand=Datastream($select=name)");
        using var directory = TemporaryDirectory.Create();
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "read.csv"), text);
        var read = await new NodePackages(directory.Path).RunAsync("ogrinfo", "", "-ro", "-al", "-oo", "AUTODETECT_TYPE=YES", "read.csv");
        Assert.Multiple(() =>
        {
            Assert.That(read, Does.Contain("Feature Count: 123"));
            Assert.That(read, Does.Contain("phenomenonTime: DateTime"));
            Assert.That(read, Does.Contain("sehr \"feucht\", fast\nnass"));
            Assert.That(read, Does.Contain("Datastream/name (String) = temperature"));
        });
    }
}
