using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.OpenData.Tests;

/// <summary>OGC API Features, Part 1: Core.</summary>
[TestFixture]
public class When_features_are_asked_for
{
    OpenDataUnderTest openData = null!;
    string town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        openData = await OpenDataUnderTest.StartAsync();
        town = await openData.OnboardAsync();
        openData.Observations.Lines[$"{town}/pegel/things"] = [.. Enumerable.Range(0, 10).Select(i =>
            $$"""{"id":"p-{{i}}","name":"P {{i}}","description":"","location":{"type":"Point","coordinates":[8.{{i}},51.9]},"datastreams":[{"id":"p-{{i}}.d","name":"D","observedProperty":"d","unit":null,"time":"2026-11-2{{i % 2}}T10:00:00Z","value":1,"quality":"good"}]}""")];
        await openData.AnnounceAsync(town, "pegel", Access.Open, "Pegelstände");
        await openData.AnnounceAsync(town, "geheim", Access.Internal, "Geheim");
    }

    [OneTimeTearDown] public async Task Stop() => await openData.DisposeAsync();

    [Test]
    public async Task Should_lead_from_the_landing_page_to_every_feature()
    {
        var landing = await JsonAsync($"/{town}/ogc");
        Assert.That(landing["links"]!.AsArray().Select(link => (string?)link!["rel"]), Is.SupersetOf(new[] { "self", "service-desc", "conformance", "data" }));
        Assert.That((await JsonAsync(Link(landing, "conformance")))["conformsTo"]!.AsArray().Select(uri => (string?)uri),
            Has.Member("http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"));
        var collections = (await JsonAsync(Link(landing, "data")))["collections"]!.AsArray();
        Assert.That(collections.Select(collection => (string?)collection!["title"]), Is.EqualTo(new[] { "Pegelstände" }));
        var (found, next) = (new List<string>(), Link(collections[0]!, "items") + "?limit=4");
        for (var pages = 0; pages < 5 && next.Length > 0; pages++)
        {
            var page = await JsonAsync(next);
            Assert.That((int)page["numberReturned"]!, Is.EqualTo(page["features"]!.AsArray().Count));
            found.AddRange(page["features"]!.AsArray().Select(feature => (string)feature!["id"]!));
            next = page["links"]!.AsArray().Any(link => (string?)link!["rel"] == "next") ? Link(page, "next") : "";
        }
        Assert.That(found, Is.EqualTo(Enumerable.Range(0, 10).Select(i => $"p-{i}")));
        Assert.That((string?)(await JsonAsync($"/{town}/ogc/collections/pegel/items/p-7"))["id"], Is.EqualTo("p-7"));
    }

    [TestCase("bbox=8.2,51,8.4,52", "p-2 p-3 p-4")]
    [TestCase("bbox=8.2,51,0,8.4,52,100", "p-2 p-3 p-4")]
    [TestCase("bbox=8.85,51,8.15,52", "p-0 p-1 p-9")]
    [TestCase("bbox=0,0,1,1", "")]
    [TestCase("bbox=8.2,51,8.4,52&datetime=2026-11-21T00:00:00Z/..", "p-3")]
    [TestCase("bbox=8.2,51,8.4,52&datetime=2026-11-20T10:00:00Z", "p-2 p-4")]
    [TestCase("bbox=8.2,51,8.4,52&datetime=../2026-11-20T10:00:00Z", "p-2 p-4")]
    public async Task Should_find_by_place_and_time(string query, string ids) =>
        Assert.That(string.Join(' ', (await JsonAsync($"/{town}/ogc/collections/pegel/items?{query}"))["features"]!.AsArray().Select(feature => (string?)feature!["id"])), Is.EqualTo(ids));

    [TestCase("bbox=1,2,3")]
    [TestCase("bbox=a,b,c,d")]
    [TestCase("bbox=0,2,1,1")]
    [TestCase("limit=0")]
    [TestCase("datetime=heute")]
    [TestCase("nonsense=1")]
    public async Task Should_refuse(string query)
    {
        using var answer = await openData.GetAsync($"/{town}/ogc/collections/pegel/items?{query}");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("ogc/collections/geheim")]
    [TestCase("ogc/collections/geheim/items")]
    [TestCase("ogc/collections/fehlt/items")]
    [TestCase("ogc/collections/pegel/items/fehlt")]
    public async Task Should_have_nothing_at(string path)
    {
        using var answer = await openData.GetAsync($"/{town}/{path}");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    static string Link(JsonNode node, string rel)
    {
        var href = (string)node["links"]!.AsArray().First(link => (string?)link!["rel"] == rel)!["href"]!;
        return new Uri(href).PathAndQuery;
    }

    async Task<JsonNode> JsonAsync(string path)
    {
        using var client = openData.Service.Client(town);
        return (await client.GetFromJsonAsync<JsonNode>(new Uri(path, UriKind.Relative)))!;
    }
}
