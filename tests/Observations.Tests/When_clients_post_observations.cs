using System.Net;
using System.Text.Json.Nodes;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_clients_post_observations
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("wetter-1", "wetter", "temperature", "wind");
    }

    [Test]
    public async Task Should_answer_with_a_link_that_can_be_read_at_once()
    {
        using var answer = await town.PostAsync("Observations", """{"phenomenonTime":"2026-11-20T10:00:00.25+01:00","result":12.5,"parameters":{"a":1},"Datastream":{"@iot.id":"wetter-1.temperature"}}""");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        var link = answer.Headers.Location!;
        var observation = JsonNode.Parse(await town.Client.GetStringAsync(link.PathAndQuery))!;
        Assert.Multiple(() =>
        {
            Assert.That((double)observation["result"]!, Is.EqualTo(12.5));
            Assert.That((string)observation["phenomenonTime"]!, Is.EqualTo("2026-11-20T09:00:00.250Z"));
            Assert.That((int)observation["parameters"]!["a"]!, Is.EqualTo(1));
            Assert.That((string)observation["@iot.selfLink"]!, Is.EqualTo(link.ToString()));
            Assert.That((string)observation["resultQuality"]!["flag"]!, Is.EqualTo("good"));
        });
    }

    [Test]
    public async Task Should_take_every_kind_of_result()
    {
        foreach (var (result, minute) in new[] { ("true", 1), ("\"rot\"", 2), ("{\"a\":[1,2]}", 3), ("[1,2]", 4), ("null", 5), ("-1e-7", 6) })
        {
            using var answer = await town.PostAsync("Datastreams('wetter-1.wind')/Observations", $$"""{"phenomenonTime":"2026-11-20T10:0{{minute}}:00Z","result":{{result}}}""");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), result);
            var read = JsonNode.Parse(await town.Client.GetStringAsync(answer.Headers.Location!.PathAndQuery))!;
            Assert.That(JsonNode.DeepEquals(read["result"], JsonNode.Parse(result)), Is.True, $"{result} came back as {read["result"]}");
        }
    }

    [Test]
    public async Task Should_keep_the_feature_of_interest_of_the_newest()
    {
        await town.RegisterAsync("boot", "boot", "temperature");
        foreach (var (minute, place) in new[] { (1, "Hafen"), (2, "Schleuse") })
        {
            using var answer = await town.PostAsync("Datastreams('boot.temperature')/Observations", $$$"""
                {"phenomenonTime":"2026-11-20T10:0{{{minute}}}:00Z","result":{{{minute}}},"FeatureOfInterest":{"name":"{{{place}}}","description":"","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[8.4,51.9]} } }
                """);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), await answer.Content.ReadAsStringAsync());
        }
        var newest = await town.GetAsync("Datastreams('boot.temperature')?$expand=Observations($top=1;$orderby=phenomenonTime%20desc;$expand=FeatureOfInterest)");
        Assert.That((string)newest["Observations"]![0]!["FeatureOfInterest"]!["name"]!, Is.EqualTo("Schleuse"));
    }

    [Test]
    public async Task Should_leave_out_of_a_data_array_what_names_a_feature_that_is_not_there()
    {
        using var answer = await town.PostAsync("CreateObservations", """
            [{"Datastream":{"@iot.id":"wetter-1.wind"},"components":["phenomenonTime","result","FeatureOfInterest/id"],
              "dataArray":[["2026-11-20T15:00:00Z",1,"wetter-1"],["2026-11-20T15:01:00Z",2,"nirgends"]]}]
            """);
        var links = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsArray();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((string)links[0]!, Does.Contain("/Observations("));
        Assert.That((string)links[1]!, Is.EqualTo("error"));
        using var alone = await town.PostAsync("Observations", """{"result":1,"Datastream":{"@iot.id":"wetter-1.wind"},"FeatureOfInterest":{"@iot.id":"nirgends"}}""");
        Assert.That(alone.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task Should_apply_the_quality_checks_of_every_door()
    {
        using var answer = await town.PostAsync("Observations", """{"phenomenonTime":"2026-11-20T12:00:00Z","result":99,"Datastream":{"@iot.id":"wetter-1.temperature"}}""");
        var observation = JsonNode.Parse(await town.Client.GetStringAsync(answer.Headers.Location!.PathAndQuery))!;
        Assert.That(observation["resultQuality"]!.ToJsonString(), Is.EqualTo("""{"flag":"suspect","reasons":["out_of_range"]}"""));
    }

    [Test]
    public async Task Should_never_lose_one_that_has_no_time_of_its_own()
    {
        await town.RegisterAsync("zaehler", "zaehler", "count");
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => town.PostAsync("Observations", $$$"""{"result":{{{i}}},"Datastream":{"@iot.id":"zaehler.count"}}""")));
        Assert.That(answers.Select(answer => answer.StatusCode), Is.All.EqualTo(HttpStatusCode.Created));
        var read = await town.GetAsync("Datastreams('zaehler.count')/Observations?$top=500&$select=result");
        Assert.That(read["value"]!.AsArray().Select(value => (int)(double)value!["result"]!), Is.EquivalentTo(Enumerable.Range(0, 200)));
    }

    [Test]
    public async Task Should_take_data_arrays_and_name_what_it_did_not_take()
    {
        using var answer = await town.PostAsync("CreateObservations", """
            [{"Datastream":{"@iot.id":"wetter-1.wind"},"components":["phenomenonTime","result","resultTime"],"dataArray@iot.count":2,
              "dataArray":[["2026-11-20T13:00:00Z",1,"2026-11-20T13:00:00Z"],["2026-11-20T13:10:00Z/2026-11-20T13:20:00Z",2,null]]},
             {"Datastream":{"@iot.id":"gibt-es-nicht"},"components":["phenomenonTime","result"],"dataArray":[["2026-11-20T13:00:00Z",1]]}]
            """);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        var links = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsArray().Select(link => (string)link!).ToList();
        Assert.That(links[2], Is.EqualTo("error"));
        var second = JsonNode.Parse(await town.Client.GetStringAsync(new Uri(links[1]).PathAndQuery))!;
        Assert.That((string)second["phenomenonTime"]!, Is.EqualTo("2026-11-20T13:10:00Z/2026-11-20T13:20:00Z"));
    }

    [TestCase("Observations", "", 400)]
    [TestCase("Observations", "{", 400)]
    [TestCase("Observations", "[]", 400)]
    [TestCase("Observations", """{"result":1}""", 400)]
    [TestCase("Observations", """{"Datastream":{"@iot.id":"wetter-1.wind"}}""", 400)]
    [TestCase("Observations", """{"result":1,"Datastream":"wetter-1.wind"}""", 400)]
    [TestCase("Observations", """{"result":1,"Datastream":{"@iot.id":"wetter-1.wind"},"phenomenonTime":"gestern"}""", 400)]
    [TestCase("Observations", """{"result":1,"Datastream":{"@iot.id":"wetter-1.wind"},"phenomenonTime":"2026-11-20T11:00:00Z/2026-11-20T10:00:00Z"}""", 400)]
    [TestCase("Observations", """{"result":"\u0000","Datastream":{"@iot.id":"wetter-1.wind"}}""", 400)]
    [TestCase("Observations", """{"result":1e999,"Datastream":{"@iot.id":"wetter-1.wind"}}""", 400)]
    [TestCase("Observations", """{"result":1,"Datastream":{"@iot.id":"wetter-1.wind"}}{}""", 400)]
    [TestCase("Observations", """{"result":1,"Datastream":{"@iot.id":"gibt-es-nicht"}}""", 404)]
    [TestCase("Observations", """{"result":1,"erfunden":2,"Datastream":{"@iot.id":"wetter-1.wind"}}""", 400)]
    [TestCase("CreateObservations", "[]", 400)]
    [TestCase("CreateObservations", """[{"components":["result"],"dataArray":[[1]]}]""", 400)]
    [TestCase("CreateObservations", """[{"Datastream":{"@iot.id":"wetter-1.wind"},"components":["result","phenomenonTime"],"dataArray":[[1]]}]""", 400)]
    [TestCase("CreateObservations", """[{"Datastream":{"@iot.id":"wetter-1.wind"},"components":["erfunden"],"dataArray":[[1]]}]""", 400)]
    public async Task Should_refuse_what_is_broken_in_the_standards_words(string path, string body, int status)
    {
        using var answer = await town.PostAsync(path, body);
        var fault = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Multiple(() =>
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(status));
            Assert.That((int)fault["code"]!, Is.EqualTo(status));
            Assert.That((string)fault["type"]!, Is.EqualTo("error"));
            Assert.That((string)fault["message"]!, Is.Not.Empty);
        });
    }

    [TestCase(null, HttpStatusCode.Unauthorized)]
    [TestCase("analyst", HttpStatusCode.Forbidden)]
    [TestCase("partner", HttpStatusCode.Forbidden)]
    [TestCase("developer", HttpStatusCode.Created)]
    public async Task Should_let_write_who_may(string? role, HttpStatusCode status)
    {
        using var answer = await town.PostAsync("Observations", """{"result":1,"Datastream":{"@iot.id":"wetter-1.wind"}}""", role);
        Assert.That(answer.StatusCode, Is.EqualTo(status));
    }
}
