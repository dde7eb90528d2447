using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using NUnit.Framework;
using static Allmende.Catalog.Tests.CatalogUnderTest;

namespace Allmende.Catalog.Tests;

[TestFixture]
public class When_a_dataset_is_changed
{
    CatalogUnderTest catalog = null!;
    string town = null!;

    [OneTimeSetUp] public async Task Start() => catalog = await StartAsync();

    [OneTimeTearDown] public async Task Stop() => await catalog.DisposeAsync();

    [SetUp]
    public async Task Onboard()
    {
        town = (await catalog.Service.OnboardAsync()).Id;
        await catalog.RegisterAsync(town, Device("pegel-1"));
        await catalog.DatasetAsync(town, "pegel");
    }

    [TestCase(Roles.Admin, 200)]
    [TestCase(Roles.DataOwner, 200)]
    [TestCase(Roles.DataSteward, 200)]
    [TestCase(Roles.Analyst, 403)]
    [TestCase(Roles.Developer, 403)]
    [TestCase(Roles.Partner, 403)]
    public async Task Should_let_those_who_answer_for_data_and_nobody_else(string role, int status)
    {
        using var answer = await catalog.PatchAsync(town, "pegel", """{"title":"Neu"}""", role);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_let_nobody_of_another_municipality_nor_the_public()
    {
        var neighbour = (await catalog.Service.OnboardAsync()).Id;
        using var foreign = catalog.Service.Client(neighbour, Roles.Admin);
        using var nobody = catalog.Service.Client(town);
        var address = new Uri($"/{town}/catalog/datasets/pegel", UriKind.Relative);
        Assert.That((int)(await foreign.PatchAsJsonAsync(address, new { title = "Neu" })).StatusCode, Is.EqualTo(403));
        Assert.That((int)(await nobody.PatchAsJsonAsync(address, new { title = "Neu" })).StatusCode, Is.EqualTo(401));
        Assert.That((string?)(await catalog.DatasetAsync(town, "pegel"))["title"], Is.EqualTo("Pegelstände"));
    }

    [Test]
    public async Task Should_announce_the_new_terms()
    {
        using var answer = await catalog.PatchAsync(town, "pegel", """{"access":"open","licence":"http://dcat-ap.de/def/licenses/dl-zero-de/2.0"}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        var terms = await catalog.AnnouncedAsync(town, "pegel", terms => terms.Access == Access.Open);
        Assert.That(terms.Licence, Is.EqualTo("http://dcat-ap.de/def/licenses/dl-zero-de/2.0"));
    }

    [Test]
    public async Task Should_announce_how_long_data_is_kept()
    {
        using var answer = await catalog.PatchAsync(town, "pegel", """{"retention":{"rawDays":30,"aggregateDays":400}}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That((await catalog.AnnouncedAsync(town, "pegel", terms => terms.Retention is not null)).Retention, Is.EqualTo(new Retention(30, 400)));
        Assert.That((await catalog.DatasetAsync(town, "pegel"))["retention"]!.ToJsonString(), Is.EqualTo("""{"rawDays":30,"aggregateDays":400}"""));
        using var title = await catalog.PatchAsync(town, "pegel", """{"title":"Neu"}""");
        Assert.That((await catalog.DatasetAsync(town, "pegel"))["retention"]!["rawDays"]!.ToString(), Is.EqualTo("30"), "what is absent stays");
        using var raw = await catalog.PatchAsync(town, "pegel", """{"retention":{"rawDays":60}}""");
        Assert.That((await catalog.AnnouncedAsync(town, "pegel", terms => terms.Retention?.RawDays == 60)).Retention, Is.EqualTo(new Retention(60, null)));
        using var ever = await catalog.PatchAsync(town, "pegel", """{"retention":null}""");
        Assert.That((await catalog.AnnouncedAsync(town, "pegel", terms => terms is { Title: "Neu", Retention: null })).Retention, Is.Null);
    }

    [TestCase("""{"retention":7}""", "retention", TestName = "retention that is a number")]
    [TestCase("""{"retention":{"rawDays":0}}""", "retention", TestName = "retention of no day")]
    [TestCase("""{"retention":{"rawDays":1.5}}""", "retention", TestName = "retention of half days")]
    [TestCase("""{"retention":{"days":7}}""", "retention", TestName = "retention of something else")]
    [TestCase("""{"retention":{"rawDays":30,"aggregateDays":7}}""", "retention", TestName = "aggregates that go before their values")]
    [TestCase("""{"retention":{"aggregateDays":7}}""", "retention", TestName = "aggregates that go before values that stay")]
    [TestCase("""{"access":"open"}""", "licence", TestName = "open without a licence")]
    [TestCase("""{"access":"public"}""", "access", TestName = "unknown access class")]
    [TestCase("""{"title":""}""", "title", TestName = "empty title")]
    [TestCase("""{"title":null}""", "title", TestName = "no title")]
    [TestCase("""{"keywords":["a",1]}""", "keywords", TestName = "keyword that is no text")]
    [TestCase("""{"licence":"cc-by"}""", "licence", TestName = "licence that is no address")]
    [TestCase("""{"licence":"http://a.example/> . <http://b.example/"}""", "licence", TestName = "licence that breaks out of an IRI")]
    [TestCase("""{"things":5}""", "things", TestName = "field that is not theirs to change")]
    public async Task Should_say_what_is_wrong_with(string body, string field)
    {
        using var answer = await catalog.PatchAsync(town, "pegel", body);
        var problem = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((string?)problem["type"], Does.StartWith("urn:allmende:error:"));
        Assert.That((string?)problem["field"] == field || problem["errors"]?[field] is not null, problem.ToJsonString());
        Assert.That((string?)(await catalog.DatasetAsync(town, "pegel"))["access"], Is.EqualTo("internal"));
    }

    [TestCase("{", 400)]
    [TestCase("[]", 422)]
    [TestCase("", 400)]
    public async Task Should_refuse_a_body_that_is_none(string body, int status)
    {
        using var answer = await catalog.PatchAsync(town, "pegel", body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
    }

    [Test]
    public async Task Should_not_take_the_licence_from_an_open_dataset()
    {
        (await catalog.PatchAsync(town, "pegel", """{"access":"open","licence":"http://dcat-ap.de/def/licenses/cc-by/4.0"}""")).Dispose();
        using var answer = await catalog.PatchAsync(town, "pegel", """{"licence":null}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
    }

    [Test]
    public async Task Should_not_overwrite_somebody_elses_change()
    {
        using var client = catalog.Service.Client(town, Roles.Admin);
        var tag = (await client.GetAsync(new Uri($"/{town}/catalog/datasets/pegel", UriKind.Relative))).Headers.ETag!.ToString();
        using var first = await catalog.PatchAsync(town, "pegel", """{"title":"Erste"}""", ifMatch: tag);
        using var second = await catalog.PatchAsync(town, "pegel", """{"title":"Zweite"}""", ifMatch: tag);
        Assert.That(((int)first.StatusCode, (int)second.StatusCode), Is.EqualTo((200, 412)));
        Assert.That((string?)(await catalog.DatasetAsync(town, "pegel"))["title"], Is.EqualTo("Erste"));
    }

    [Test]
    public async Task Should_give_back_the_derived_text_when_what_was_written_is_taken_away()
    {
        (await catalog.PatchAsync(town, "pegel", """{"description":"Von Hand.","keywords":[]}""")).Dispose();
        (await catalog.PatchAsync(town, "pegel", """{"description":null,"keywords":null}""")).Dispose();
        var dataset = await catalog.DatasetAsync(town, "pegel");
        Assert.That((string?)dataset["description"], Does.Contain("Abstand"));
        Assert.That(dataset["keywords"]!.AsArray(), Is.Not.Empty);
    }
}
