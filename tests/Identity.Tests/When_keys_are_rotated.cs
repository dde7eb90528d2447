using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Allmende.Supervisor;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_keys_are_rotated
{
    IdentityInstallation installation = null!;
    Onboarded municipality = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        installation = await IdentityInstallation.SharedAsync();
        municipality = await installation.OnboardAsync();
    }

    [Test]
    public async Task Should_accept_the_new_key_at_once_and_the_old_one_still()
    {
        var before = await installation.TokenAsync(municipality, "admin");
        await RotateAsync();
        var after = await installation.TokenAsync(municipality, "admin");

        Assert.That(await AskAsync(installation.ServiceUrl, after), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await AskAsync(installation.ServiceUrl, before), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Should_refuse_a_withdrawn_key_although_its_tokens_have_been_accepted_before()
    {
        var forgery = new Forgery(installation, municipality.Id);
        var (oldKey, oldKid) = forgery.ProviderKey();
        using var _ = oldKey;
        var old = forgery.SignedBy(oldKey, oldKid);
        Assert.That(await AskAsync(installation.ServiceUrl, old), Is.EqualTo(HttpStatusCode.OK));

        // As an operator would whose key was stolen: rotate, take the old key out of the file, restart.
        await RotateAsync();
        var file = Path.Combine(installation.ProviderData, "keys.json");
        var keys = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        var all = keys["keys"]!.AsArray();
        while (all.Count > 1) all.RemoveAt(all.Count - 1);
        await File.WriteAllTextAsync(file, keys.ToJsonString());
        await installation.Provider.KillAsync();
        await installation.Provider.WhenReadyAsync();

        // The first token of the new key makes the service read the keys again.
        await WaitForRefreshAsync();
        Assert.That(await AskAsync(installation.ServiceUrl, await installation.TokenAsync(municipality, "admin")), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await AskAsync(installation.ServiceUrl, old), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_not_let_invented_keys_flood_the_provider()
    {
        var asked = 0;
        var url = $"http://127.0.0.1:{FreePorts.Block(2)}";
        var probeUrl = $"http://127.0.0.1:{new Uri(url).Port + 1}";
        await using var counting = await CountingProxyAsync(url, () => Interlocked.Increment(ref asked));
        await using var service = await ProbeService.StartAsync(installation, url + "/realms/allmende", probeUrl);
        var good = await installation.TokenAsync(municipality, "admin");
        Assert.That(await AskAsync(probeUrl, good), Is.EqualTo(HttpStatusCode.OK));

        var forgery = new Forgery(installation, municipality.Id);
        using var attacker = RSA.Create(2048);
        var since = System.Diagnostics.Stopwatch.StartNew();
        asked = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 500), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
            Assert.That(await AskAsync(probeUrl, forgery.SignedBy(attacker, Guid.NewGuid().ToString())), Is.EqualTo(HttpStatusCode.Unauthorized)));

        // Each reading asks twice, for the metadata and for the keys, and there is at most one a second.
        Assert.That(asked, Is.LessThanOrEqualTo(2 * ((int)since.Elapsed.TotalSeconds + 2)));
        Assert.That(await AskAsync(probeUrl, good), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Should_say_unavailable_and_not_unauthorized_when_the_provider_has_never_answered()
    {
        var port = FreePorts.Block(2);
        var probeUrl = $"http://127.0.0.1:{port + 1}";
        await using var service = await ProbeService.StartAsync(installation, $"http://127.0.0.1:{port}/realms/allmende", probeUrl);
        using var answer = await installation.SendAsync(HttpMethod.Get, $"{probeUrl}/{municipality.Id}/members", await installation.TokenAsync(municipality, "admin"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
    }

    async Task RotateAsync()
    {
        await WaitForRefreshAsync();
        using var answer = await installation.SendAsync(HttpMethod.Post, $"{installation.ProviderUrl}/admin/realms/allmende/components", await installation.ProviderAdminTokenAsync(),
            new JsonObject { ["name"] = "next", ["providerId"] = "rsa-generated", ["providerType"] = "org.keycloak.keys.KeyProvider" });
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
    }

    /// <summary>Keys are read again at most once a second; another test may just have caused that.</summary>
    static Task WaitForRefreshAsync() => Task.Delay(1100);

    async Task<HttpStatusCode> AskAsync(string service, string token)
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, $"{service}/{municipality.Id}/members", token);
        return answer.StatusCode;
    }

    async Task<WebApplication> CountingProxyAsync(string url, Action count)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(url);
        app.MapGet("{**path}", async (HttpContext context) =>
        {
            count();
            using var request = new HttpRequestMessage(HttpMethod.Get, installation.ProviderUrl + context.Request.Path);
            request.Headers.Host = context.Request.Host.Value;
            using var answer = await installation.Http.SendAsync(request);
            return Results.Text(await answer.Content.ReadAsStringAsync(), "application/json");
        });
        await app.StartAsync();
        return app;
    }
}
