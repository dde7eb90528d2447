using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using NUnit.Framework;
using static Allmende.Catalog.Tests.CatalogUnderTest;

namespace Allmende.Catalog.Tests;

[TestFixture]
public class When_datasets_are_read
{
    CatalogUnderTest catalog = null!;
    string town = null!, neighbour = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        catalog = await StartAsync();
        town = (await catalog.Service.OnboardAsync()).Id;
        neighbour = (await catalog.Service.OnboardAsync(Access.Open)).Id;
        foreach (var access in Access.All)
        {
            await catalog.RegisterAsync(town, Device("d-" + access, access));
            await catalog.DatasetAsync(town, access);
            using var answer = await catalog.PatchAsync(town, access, $$"""{"access":"{{access}}","licence":"{{Dataset.DefaultLicence}}"}""");
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        }
        await catalog.RegisterAsync(neighbour, Device("d-1", "nachbar"));
        await catalog.DatasetAsync(neighbour, "nachbar");
    }

    [OneTimeTearDown] public async Task Stop() => await catalog.DisposeAsync();

    [TestCase("", "open")]
    [TestCase(Roles.Partner, "open")]
    [TestCase(Roles.Developer, "internal open")]
    [TestCase(Roles.Analyst, "internal open")]
    [TestCase(Roles.DataSteward, "internal open personal restricted")]
    [TestCase(Roles.DataOwner, "internal open personal restricted")]
    [TestCase(Roles.Admin, "internal open personal restricted")]
    public async Task Should_show_each_role_what_it_may_see(string role, string visible)
    {
        using var client = catalog.Service.Client(town, role.Length > 0 ? [role] : []);
        Assert.That(await IdsAsync(client, $"/{town}/catalog/datasets"), Is.EqualTo(visible.Split(' ')));
        foreach (var access in Access.All)
        {
            var status = (int)(await client.GetAsync(new Uri($"/{town}/catalog/datasets/{access}", UriKind.Relative))).StatusCode;
            Assert.That(status, Is.EqualTo(visible.Split(' ').Contains(access) ? 200 : 404), access);
        }
        var turtle = await client.GetStringAsync(new Uri($"/{town}/catalog/catalog.ttl", UriKind.Relative));
        foreach (var access in Access.All)
            Assert.That(turtle.Contains($"/catalog/datasets/{access}>", StringComparison.Ordinal), Is.EqualTo(visible.Split(' ').Contains(access)), access);
    }

    [Test]
    public async Task Should_answer_alike_for_a_hidden_and_a_missing_dataset()
    {
        using var client = catalog.Service.Client(town);
        var hidden = await Body("internal");
        var missing = await Body("gibt-es-nicht");
        Assert.That(hidden, Is.EqualTo(missing));

        async Task<string> Body(string id)
        {
            var problem = (await (await client.GetAsync(new Uri($"/{town}/catalog/datasets/{id}", UriKind.Relative))).Content.ReadFromJsonAsync<JsonObject>())!;
            problem.Remove("traceId");
            return problem.ToJsonString();
        }
    }

    [Test]
    public async Task Should_keep_two_municipalities_apart()
    {
        using var nobody = catalog.Service.Client(neighbour);
        Assert.That(await IdsAsync(nobody, $"/{neighbour}/catalog/datasets"), Is.EqualTo(new[] { "nachbar" }));
        using var foreign = catalog.Service.Client(neighbour, Roles.Admin);
        foreach (var path in new[] { "datasets", "datasets/open", "datasets/internal", "datasets/nachbar", "catalog.ttl" })
            Assert.That((int)(await foreign.GetAsync(new Uri($"/{town}/catalog/{path}", UriKind.Relative))).StatusCode, Is.EqualTo(403), path);
    }

    [Test]
    public async Task Should_offer_no_file_of_personal_data() =>
        Assert.That((await catalog.DatasetAsync(town, "personal"))["distributions"]!.AsArray(), Is.Empty);

    [Test]
    public async Task Should_page_by_links_without_losing_or_repeating_any()
    {
        using var client = catalog.Service.Client(town, Roles.Admin);
        var (found, next) = (new List<string>(), $"/{town}/catalog/datasets?limit=3");
        while (next is not null)
        {
            var page = (await client.GetFromJsonAsync<JsonNode>(new Uri(next, UriKind.Relative)))!;
            found.AddRange(page["value"]!.AsArray().Select(dataset => (string)dataset!["id"]!));
            next = (string?)page["next"] is { } link ? new Uri(link).PathAndQuery : null;
        }
        Assert.That(found, Is.EqualTo(new[] { "internal", "open", "personal", "restricted" }));
    }

    [TestCase("limit=0")]
    [TestCase("limit=-1")]
    [TestCase("limit=viele")]
    public async Task Should_refuse_a_page_of_no_size(string query)
    {
        using var client = catalog.Service.Client(town);
        Assert.That((int)(await client.GetAsync(new Uri($"/{town}/catalog/datasets?{query}", UriKind.Relative))).StatusCode, Is.EqualTo(400));
    }

    [Test]
    public async Task Should_let_only_public_answers_be_cached()
    {
        using var nobody = catalog.Service.Client(town);
        using var admin = catalog.Service.Client(town, Roles.Admin);
        var address = new Uri($"/{town}/catalog/datasets", UriKind.Relative);
        Assert.That((await nobody.GetAsync(address)).Headers.CacheControl!.Public);
        Assert.That((await admin.GetAsync(address)).Headers.CacheControl!.NoStore);
    }

    static async Task<string[]> IdsAsync(HttpClient client, string path) =>
        [.. (await client.GetFromJsonAsync<JsonNode>(new Uri(path, UriKind.Relative)))!["value"]!.AsArray().Select(dataset => (string)dataset!["id"]!)];
}
