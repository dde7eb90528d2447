using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.OpenData.Tests;

[TestFixture]
public class When_a_dataset_is_downloaded
{
    const string Thing = """{"id":"pegel-1","name":"Pegel \"Altstadt\"","description":null,"location":{"type":"Point","coordinates":[8.38,51.9]},"datastreams":[{"id":"pegel-1.distance","name":"Abstand","observedProperty":"water_level","unit":"mm","time":"2026-11-21T10:00:00Z","value":4507,"quality":"good"},{"id":"pegel-1.name","name":"Name","observedProperty":"label","unit":null,"time":null,"value":null,"quality":null}]}""";
    const string Placeless = """{"id":"pegel-2","name":"Pegel 2","description":"ohne Ort","location":null,"datastreams":[]}""";

    OpenDataUnderTest openData = null!;
    string town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        openData = await OpenDataUnderTest.StartAsync();
        town = await openData.OnboardAsync();
        openData.Observations.Lines[$"{town}/pegel/observations"] = [.. Enumerable.Range(0, 10).Select(ObservationsStandIn.Row)];
        openData.Observations.Lines[$"{town}/pegel/things"] = [Thing, Placeless];
    }

    [OneTimeTearDown] public async Task Stop() => await openData.DisposeAsync();

    [Test]
    public async Task Should_give_csv_as_a_file_that_others_may_cache()
    {
        using var answer = await openData.GetAsync($"/{town}/export/pegel.csv");
        var lines = (await answer.Content.ReadAsStringAsync()).Split("\r\n");
        Assert.Multiple(() =>
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Content.Headers.ContentType!.ToString(), Does.StartWith("text/csv; charset=utf-8"));
            Assert.That(answer.Content.Headers.ContentDisposition!.ToString(), Does.StartWith("attachment; filename=pegel.csv"));
            Assert.That(answer.Headers.CacheControl!.ToString(), Is.EqualTo("public, max-age=60"));
            Assert.That(answer.Headers.Vary, Is.EquivalentTo(new[] { "Authorization", "X-Api-Key" }));
            Assert.That(lines, Has.Length.EqualTo(12));
            Assert.That(lines[0], Is.EqualTo("time,thing,thingName,datastream,name,observedProperty,unit,value,quality,longitude,latitude"));
            Assert.That(lines[1], Is.EqualTo("2026-11-21T10:00:00Z,pegel-1,Pegel Altstadt,pegel-1.distance,Abstand,water_level,mm,4000.5,good,8.38,51.9"));
            Assert.That(lines[^1], Is.Empty);
        });
    }

    [Test]
    public async Task Should_ask_in_the_callers_name_and_let_nobody_cache_what_only_they_may_see()
    {
        using var answer = await openData.GetAsync($"/{town}/export/pegel.csv?from=2026-11-20T00:00:00%2B01:00&to=2026-11-21&thing=pegel-1", town, Roles.Analyst);
        var asked = openData.Observations.Asked.Last();
        Assert.That(asked.PathAndQuery, Is.EqualTo($"/internal/{town}/datasets/pegel/observations?from=2026-11-19T23:00:00Z&to=2026-11-21T00:00:00Z&thing=pegel-1"));
        Assert.That(asked.Headers["Authorization"], Does.StartWith("Bearer ey"));
        Assert.That(asked.Headers["X-Internal-Key"], Is.Not.Empty);
        Assert.That(answer.Headers.CacheControl!.ToString(), Is.EqualTo("no-store, private"));
    }

    [Test]
    public async Task Should_stop_at_the_limit()
    {
        using var answer = await openData.GetAsync($"/{town}/export/pegel.csv?limit=3");
        Assert.That((await answer.Content.ReadAsStringAsync()).Split("\r\n"), Has.Length.EqualTo(5));
    }

    [TestCase("from=gestern", "from")]
    [TestCase("from=2026-11-21&to=2026-11-20", "to")]
    [TestCase("limit=0", "limit")]
    [TestCase("limit=-1", "limit")]
    [TestCase("form=2026-11-21", "form")]
    public async Task Should_say_which_parameter_is_wrong(string query, string field)
    {
        foreach (var format in new[] { "csv", "geojson" })
        {
            using var answer = await openData.GetAsync($"/{town}/export/pegel.{format}?{query}");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That((string?)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["field"], Is.EqualTo(field));
        }
    }

    [Test]
    public async Task Should_answer_a_head_request_without_a_body()
    {
        using var client = openData.Service.Client(town);
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri($"/{town}/export/pegel.csv", UriKind.Relative));
        using var answer = await client.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/csv"));
        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.Empty);
    }

    [Test]
    public async Task Should_give_things_with_their_latest_values_as_geojson()
    {
        using var answer = await openData.GetAsync($"/{town}/export/pegel.geojson");
        var collection = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        var features = collection["features"]!.AsArray();
        Assert.Multiple(() =>
        {
            Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/geo+json"));
            Assert.That(features, Has.Count.EqualTo(2));
            Assert.That((string?)features[0]!["geometry"]!["type"], Is.EqualTo("Point"));
            var properties = features[0]!["properties"]!;
            Assert.That((string?)properties["name"], Is.EqualTo("Pegel \"Altstadt\""), "a Datastream called name does not hide the Thing's name");
            Assert.That((int?)properties["distance"], Is.EqualTo(4507));
            Assert.That((string?)properties["distance_unit"], Is.EqualTo("mm"));
            Assert.That((string?)properties["distance_time"], Is.EqualTo("2026-11-21T10:00:00Z"));
            Assert.That(properties.AsObject().ContainsKey("pegel-1.name"));
            Assert.That(features[1]!.AsObject().ContainsKey("geometry") && features[1]!["geometry"] is null, "RFC 7946: geometry is null, not absent");
        });
    }

    [TestCase("thing=pegel-2", "pegel-2")]
    [TestCase("limit=1", "pegel-1")]
    [TestCase("from=2026-11-21T00:00:00Z", "pegel-1")]
    [TestCase("to=2026-11-21T10:00:00Z", "")]
    public async Task Should_give_only_the_things_asked_for(string query, string ids)
    {
        using var answer = await openData.GetAsync($"/{town}/export/pegel.geojson?{query}");
        var features = (await answer.Content.ReadFromJsonAsync<JsonNode>())!["features"]!.AsArray();
        Assert.That(string.Join(' ', features.Select(feature => (string?)feature!["id"])), Is.EqualTo(ids));
    }

    [Test]
    public async Task Should_give_a_file_name_that_is_only_that()
    {
        var id = "a\"; filename=\"boese.exe\r\nX: y";
        openData.Observations.Lines[$"{town}/{id}/observations"] = [];
        using var answer = await openData.GetAsync($"/{town}/export/{Uri.EscapeDataString(id)}.csv");
        Assert.That(answer.Headers.Contains("X"), Is.False);
        if (answer.StatusCode == HttpStatusCode.OK) Assert.That(answer.Content.Headers.ContentDisposition!.FileName, Does.EndWith(".csv\"").Or.EndWith(".csv"));
    }
}
