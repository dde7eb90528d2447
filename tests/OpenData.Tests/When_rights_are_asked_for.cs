using System.Net;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.OpenData.Tests;

/// <summary>The stand-in for Observations gives everything to everybody here: what is refused is refused by OpenData itself.</summary>
[TestFixture]
public class When_rights_are_asked_for
{
    OpenDataUnderTest openData = null!;
    string town = null!, neighbour = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        openData = await OpenDataUnderTest.StartAsync();
        town = await openData.OnboardAsync();
        neighbour = await openData.OnboardAsync();
        foreach (var access in Access.All)
        {
            openData.Observations.Lines[$"{town}/{access}/observations"] = [ObservationsStandIn.Row(1)];
            openData.Observations.Lines[$"{town}/{access}/things"] = [];
            await openData.AnnounceAsync(town, access, access);
        }
    }

    [OneTimeTearDown] public async Task Stop() => await openData.DisposeAsync();

    [TestCase(null, "open")]
    [TestCase(Roles.Partner, "open")]
    [TestCase(Roles.Developer, "open internal")]
    [TestCase(Roles.Analyst, "open internal")]
    [TestCase(Roles.DataSteward, "open internal restricted")]
    [TestCase(Roles.DataOwner, "open internal restricted")]
    [TestCase(Roles.Admin, "open internal restricted")]
    public async Task Should_give_each_role_what_it_may_read(string? role, string readable)
    {
        foreach (var access in Access.All)
            foreach (var path in new[] { $"export/{access}.csv", $"export/{access}.geojson", $"ogc/collections/{access}", $"ogc/collections/{access}/items" })
            {
                using var answer = await openData.GetAsync($"/{town}/{path}", town, role);
                Assert.That(answer.StatusCode, Is.EqualTo(readable.Split(' ').Contains(access) ? HttpStatusCode.OK : HttpStatusCode.NotFound), path);
            }
    }

    [Test]
    public async Task Should_keep_two_municipalities_apart()
    {
        using var foreign = openData.Service.Client(neighbour, Roles.Admin);
        foreach (var dataset in new[] { "open", "internal", "fehlt" })
            Assert.That((await foreign.GetAsync(new Uri($"/{town}/export/{dataset}.csv", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), "a token of another municipality");
        using var nobody = openData.Service.Client(neighbour);
        Assert.That((await nobody.GetAsync(new Uri($"/{neighbour}/export/open.csv", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "the same id elsewhere is another dataset");
    }

    [Test]
    public async Task Should_follow_when_a_dataset_is_closed()
    {
        openData.Observations.Lines[$"{town}/wechsel/observations"] = [];
        await openData.AnnounceAsync(town, "wechsel", Access.Open);
        Assert.That((await openData.GetAsync($"/{town}/export/wechsel.csv")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await openData.AnnounceAsync(town, "wechsel", Access.Restricted);
        Assert.That((await openData.GetAsync($"/{town}/export/wechsel.csv")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_refuse_a_token_that_is_none()
    {
        using var client = openData.Service.Client(town);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer a.b.c");
        Assert.That((await client.GetAsync(new Uri($"/{town}/export/open.csv", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }
}
