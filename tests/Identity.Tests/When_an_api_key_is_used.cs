using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Platform.Security;
using Allmende.Testing;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_an_api_key_is_used
{
    IdentityInstallation installation = null!;
    Onboarded municipality = null!;
    Onboarded neighbour = null!;
    string admin = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        installation = await IdentityInstallation.SharedAsync();
        municipality = await installation.OnboardAsync();
        neighbour = await installation.OnboardAsync();
        admin = await installation.TokenAsync(municipality, "admin");
    }

    [Test]
    public async Task Should_open_what_its_scope_says_and_nothing_else()
    {
        Assert.That(await AskAsync(municipality.Id, "devices-door", municipality.DeviceKey), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await AskAsync(municipality.Id, "members", municipality.DeviceKey), Is.EqualTo(HttpStatusCode.Forbidden));
        using var own = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/api-keys", null, apiKey: municipality.DeviceKey);
        Assert.That(own.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Should_let_who_connects_devices_make_keys_for_uplinks_and_no_others()
    {
        var connectKey = municipality.Answer["connectKey"]!.GetValue<string>();
        Assert.That(await AskAsync(municipality.Id, "members", connectKey), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await MakeAsync("uplinks:write"), Is.EqualTo(HttpStatusCode.Created));
        foreach (var scope in new[] { "devices:manage", "observations:write" })
            Assert.That(await MakeAsync(scope), Is.EqualTo(HttpStatusCode.Forbidden), scope);
        using var list = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/api-keys", null, apiKey: connectKey);
        Assert.That(list.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));

        async Task<HttpStatusCode> MakeAsync(string scope)
        {
            using var answer = await installation.SendAsync(HttpMethod.Post, $"/{municipality.Id}/identity/api-keys", null, new JsonObject { ["name"] = "made with it", ["scopes"] = new JsonArray(scope) }, apiKey: connectKey);
            return answer.StatusCode;
        }
    }

    [Test]
    public async Task Should_open_nothing_in_another_municipality()
    {
        Assert.That(await AskAsync(neighbour.Id, "devices-door", municipality.DeviceKey), Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(await AskAsync(neighbour.Id, "open", municipality.DeviceKey), Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Should_be_refused_everywhere_as_soon_as_it_is_revoked()
    {
        var (id, key) = await CreateAsync();
        Assert.That(await AskAsync(municipality.Id, "devices-door", key), Is.EqualTo(HttpStatusCode.OK));

        Assert.That(await RevokeAsync(municipality.Id, id, admin), Is.EqualTo(HttpStatusCode.NoContent));
        // Well before the half minute that an answer is remembered for: the event makes the service forget it.
        await Eventually.TrueAsync(async () => await AskAsync(municipality.Id, "devices-door", key) == HttpStatusCode.Unauthorized, "refusal of the revoked key", TimeSpan.FromSeconds(5));
        Assert.That(await RevokeAsync(municipality.Id, id, admin), Is.EqualTo(HttpStatusCode.NoContent));
    }

    [TestCase("")]
    [TestCase("x")]
    [TestCase("ak_")]
    [TestCase("ak_0000000000000000000000000000000000000000000")]
    [TestCase("dk_0000000000000000000000000000000000000000000")]
    [TestCase("ak_000000000000000000000000000000000000000000'")]
    public async Task Should_be_refused_when_it_is_invented(string key) =>
        Assert.That(await AskAsync(municipality.Id, "open", key), Is.EqualTo(HttpStatusCode.Unauthorized));

    [Test]
    public async Task Should_be_refused_beside_a_token()
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{municipality.Id}/members", admin, apiKey: municipality.DeviceKey);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_be_shown_once_and_kept_as_a_hash()
    {
        var (id, key) = await CreateAsync();
        using var list = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/api-keys", admin);
        var text = await list.Content.ReadAsStringAsync();
        Assert.That(text, Does.Contain(id).And.Not.Contain(key).And.Not.Contain(ApiKey.Hash(key)));
        var rows = await installation.Engines.Postgres.Server.QueryAsync("allmende", "SELECT k::text FROM identity.api_key k");
        Assert.That(string.Join('\n', rows), Does.Contain(ApiKey.Hash(key)).And.Not.Contain(key));
    }

    [Test]
    public async Task Should_need_a_name_and_a_known_scope()
    {
        using var answer = await installation.SendAsync(HttpMethod.Post, $"/{municipality.Id}/identity/api-keys", admin, new JsonObject { ["scopes"] = new JsonArray("everything") });
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That((await answer.Content.ReadFromJsonAsync<JsonObject>())!["errors"]!.AsObject().Select(error => error.Key), Is.EquivalentTo(new[] { "name", "scopes" }));
    }

    [Test]
    public async Task Should_be_the_admins_matter_alone()
    {
        foreach (var role in new[] { "data-owner", "developer", "partner" })
        {
            using var answer = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/api-keys", await installation.TokenAsync(municipality, role));
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), role);
        }
    }

    [Test]
    public async Task Should_be_out_of_reach_of_another_municipalitys_admin()
    {
        var (id, key) = await CreateAsync();
        var stranger = await installation.TokenAsync(neighbour, "admin");
        Assert.That(await RevokeAsync(municipality.Id, id, stranger), Is.EqualTo(HttpStatusCode.Forbidden));
        // A foreign and a missing id answer alike.
        Assert.That(await RevokeAsync(neighbour.Id, id, stranger), Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await RevokeAsync(neighbour.Id, "missing", stranger), Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await AskAsync(municipality.Id, "devices-door", key), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Should_leave_a_trace_in_the_audit_that_nobody_can_change()
    {
        var (id, _) = await CreateAsync();
        await RevokeAsync(municipality.Id, id, admin);
        using var page = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/audit?limit=2", admin);
        var audit = (await page.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.That(audit["entries"]!.AsArray().Select(entry => $"{entry!["actor"]} {entry["action"]} {entry["subject"]}"),
            Is.EqualTo(new[] { $"{municipality.Id}-admin api-key.revoked {id}", $"{municipality.Id}-admin api-key.created {id}" }));

        using var older = await installation.SendAsync(HttpMethod.Get, audit["next"]!.GetValue<string>(), admin);
        Assert.That(await older.Content.ReadAsStringAsync(), Does.Contain("municipality.onboarded").Or.Contain("api-key.created").And.Not.Contain(id));
        Assert.That(async () => await installation.Engines.Postgres.Server.ExecuteAsync("allmende", "DELETE FROM identity.audit"), Throws.Exception.With.Message.Contains("append-only"));
    }

    async Task<(string Id, string Key)> CreateAsync()
    {
        using var answer = await installation.SendAsync(HttpMethod.Post, $"/{municipality.Id}/identity/api-keys", admin,
            new JsonObject { ["name"] = "Netzserver", ["scopes"] = new JsonArray("uplinks:write") });
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        var created = (await answer.Content.ReadFromJsonAsync<JsonObject>())!;
        return (created["id"]!.GetValue<string>(), created["key"]!.GetValue<string>());
    }

    async Task<HttpStatusCode> RevokeAsync(string place, string id, string token)
    {
        using var answer = await installation.SendAsync(HttpMethod.Delete, $"/{place}/identity/api-keys/{id}", token);
        return answer.StatusCode;
    }

    async Task<HttpStatusCode> AskAsync(string place, string door, string key)
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{place}/{door}", null, apiKey: key);
        return answer.StatusCode;
    }
}
