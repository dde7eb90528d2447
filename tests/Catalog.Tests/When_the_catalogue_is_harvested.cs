using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Testing;
using NUnit.Framework;
using static Allmende.Catalog.Tests.CatalogUnderTest;

namespace Allmende.Catalog.Tests;

/// <summary>Read by the parsers and checked by the shapes of others: n3, rdfxml-streaming-parser, jsonld, rdf-validate-shacl, the EU's SHACL of DCAT-AP 3.0.1.</summary>
[TestFixture]
public class When_the_catalogue_is_harvested
{
    const string Hostile = "\"\"\" . <http://evil.example/s> <http://evil.example/p> \"x\" . ]]></rdf:RDF>&amp;<!-- \\u0041 \\\" 'π𝄞\u2028</script>\nzweite Zeile\ttab";

    static readonly NodePackages Node = new(Path.Combine(Repository.Root, "tests", "Catalog.Tests"));
    CatalogUnderTest catalog = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        await Node.InstallAsync();
        catalog = await StartAsync(new() { ["Catalog:PageSize"] = "3", ["Catalog:Contributor"] = "http://dcat-ap.de/def/contributors/testRegion" });
    }

    [OneTimeTearDown] public async Task Stop() => await catalog.DisposeAsync();

    [Test]
    public async Task Should_be_valid_DCAT_AP()
    {
        var town = await catalog.Service.OnboardAsync(Access.Open);
        await RegisterAsync(town.Id, Device("pegel-1"));
        await RegisterAsync(town.Id, Device("parken-1", "parken", "Parkplätze", null, new DeviceDatastream("parken-1.occupied", "occupied", "Belegt", "parking_occupancy", null, null)));
        var shapes = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "data", "dcat-ap-SHACL.ttl"));
        if (!File.Exists(shapes)) Assert.Ignore("the SHACL shapes of DCAT-AP are not here");

        var read = await ReadAsync(town.Id, "", shapes);
        Assert.That(read["violations"]!.AsArray().Select(violation => (string?)violation), Is.Empty);
        Assert.That(read["statements"]!["turtle"]!.AsArray(), Has.Count.GreaterThan(80));
    }

    [Test]
    public async Task Should_say_what_DCAT_AP_de_requires()
    {
        var town = await catalog.Service.OnboardAsync(Access.Open);
        await RegisterAsync(town.Id, Device("pegel-1"));
        var statements = Statements(await ReadAsync(town.Id), "turtle");
        var home = $"http://localhost:8080/{town.Id}";
        var dataset = $"<{home}/catalog/datasets/pegel>";
        Assert.Multiple(() =>
        {
            Assert.That(statements, Has.Member($"{dataset} <http://dcat-ap.de/def/dcatde/contributorID> <http://dcat-ap.de/def/contributors/testRegion> ."));
            Assert.That(statements, Has.Member($"{dataset} <http://dcat-ap.de/def/dcatde/politicalGeocodingURI> <http://dcat-ap.de/def/politicalGeocoding/regionalKey/059990001001> ."));
            Assert.That(statements, Has.Member($"{dataset} <http://dcat-ap.de/def/dcatde/politicalGeocodingLevelURI> <http://dcat-ap.de/def/politicalGeocoding/Level/municipality> ."));
            Assert.That(statements, Has.Member($"{dataset} <http://purl.org/dc/terms/publisher> <{home}/catalog#publisher> ."));
            Assert.That(statements, Has.Member($"{dataset} <http://www.w3.org/ns/dcat#theme> <http://publications.europa.eu/resource/authority/data-theme/ENVI> ."));
            foreach (var format in new[] { "csv", "geojson", "sensorthings" })
                Assert.That(statements, Has.Member($"<{home}/catalog/datasets/pegel#{format}> <http://purl.org/dc/terms/license> <{Dataset.DefaultLicence}> ."));
            Assert.That(statements, Has.Member($"<{home}/catalog/datasets/pegel#csv> <http://www.w3.org/ns/dcat#downloadURL> <{home}/export/pegel.csv> ."));
            Assert.That(statements, Has.Member($"<{home}/catalog#sensorthings> <http://www.w3.org/ns/dcat#servesDataset> {dataset} ."));
        });
    }

    [Test]
    public async Task Should_carry_hostile_texts_unharmed_in_all_three_formats()
    {
        var town = await catalog.Service.OnboardAsync(Access.Open);
        await RegisterAsync(town.Id, Device("pegel-1", "feind", Hostile + "\0\u0007", null, new DeviceDatastream("pegel-1.a", "a", Hostile, "a<b>&\"c", "\"^^<x>", null)));
        var read = await ReadAsync(town.Id);
        var turtle = Statements(read, "turtle");
        Assert.That(Statements(read, "rdfXml"), Is.EqualTo(turtle), "RDF/XML");
        Assert.That(Statements(read, "jsonLd"), Is.EqualTo(turtle), "JSON-LD");
        Assert.That(turtle, Has.None.StartsWith("<http://evil.example/s>"));
        Assert.That((string?)(await catalog.DatasetAsync(town.Id, "feind"))["title"], Is.EqualTo(Hostile));
        Assert.That(turtle.Count(statement => statement.Contains("dc/terms/title> \"\\\"\\\"\\\" . <http://evil.example/s>", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task Should_lead_a_harvester_through_all_pages()
    {
        var town = await catalog.Service.OnboardAsync(Access.Open);
        for (var i = 1; i <= 7; i++) await RegisterAsync(town.Id, Device($"d-{i}", $"satz-{i}"));
        var (found, query, pages) = (new List<string>(), "", 0);
        while (query is not null)
        {
            var statements = Statements(await ReadAsync(town.Id, query), "turtle");
            found.AddRange(statements.Where(statement => statement.Contains("ns/dcat#dataset> <", StringComparison.Ordinal)).Select(statement => statement[(statement.LastIndexOf('/') + 1)..^3]));
            var next = statements.SingleOrDefault(statement => statement.Contains("hydra/core#next> <", StringComparison.Ordinal));
            query = next is null ? null : new Uri(next.Split("hydra/core#next> <")[1][..^3]).Query;
            pages++;
        }
        Assert.That(pages, Is.EqualTo(3));
        Assert.That(found.Order(StringComparer.Ordinal), Is.EqualTo(Enumerable.Range(1, 7).Select(i => $"satz-{i}")));
    }

    async Task RegisterAsync(string town, DeviceRegistered device)
    {
        await catalog.RegisterAsync(town, device);
        await catalog.DatasetAsync(town, device.Dataset);
    }

    async Task<JsonNode> ReadAsync(string town, string query = "", string? shapes = null)
    {
        using var client = catalog.Service.Client(town);
        var documents = new Dictionary<string, string?> { ["shapes"] = shapes };
        foreach (var (name, extension, mediaType) in new[] { ("turtle", "ttl", "text/turtle"), ("rdfXml", "rdf", "application/rdf+xml"), ("jsonLd", "jsonld", "application/ld+json") })
        {
            using var answer = await client.GetAsync(new Uri($"/{town}/catalog/catalog.{extension}{query}", UriKind.Relative));
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo(mediaType));
            documents[name] = await answer.Content.ReadAsStringAsync();
        }
        return JsonNode.Parse(await Node.RunAsync("node", JsonSerializer.Serialize(documents), "rdf.mjs"))!;
    }

    /// <summary>Pages name themselves by their own format's address; all else must be alike.</summary>
    static string[] Statements(JsonNode read, string format) =>
        [.. read["statements"]![format]!.AsArray().Select(statement => (string)statement!)];
}
