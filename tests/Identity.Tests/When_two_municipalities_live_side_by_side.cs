using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_two_municipalities_live_side_by_side
{
    IdentityInstallation installation = null!;
    Onboarded one = null!;
    Onboarded other = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        installation = await IdentityInstallation.SharedAsync();
        one = await installation.OnboardAsync();
        other = await installation.OnboardAsync();
    }

    [TestCase("open")]
    [TestCase("members")]
    [TestCase("devices-door")]
    public async Task Should_not_accept_each_others_tokens(string door)
    {
        var token = await installation.TokenAsync(one, "admin");
        Assert.That(await AskAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{one.Id}/{door}", token), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await AskAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{other.Id}/{door}", token), Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Should_not_decide_by_a_header_from_outside()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{installation.ServiceUrl}/{other.Id}/members");
        request.Headers.Authorization = new("Bearer", await installation.TokenAsync(one, "admin"));
        request.Headers.Add("X-Municipality", one.Id);
        using var answer = await installation.Http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Should_not_see_or_replace_each_others_clients()
    {
        var token = await installation.TokenAsync(one, "admin");
        Assert.That(await AskAsync(HttpMethod.Get, $"/{other.Id}/identity/clients", token), Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(await AskAsync(HttpMethod.Get, $"/{other.Id}/identity/audit", token), Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(await AskAsync(HttpMethod.Post, $"/{one.Id}/identity/clients/{other.Id}-admin/secret", token), Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await AskAsync(HttpMethod.Post, $"/{one.Id}/identity/clients/operator/secret", token), Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await installation.TokenAsync(other, "admin"), Is.Not.Empty);
    }

    [Test]
    public async Task Should_answer_alike_for_a_municipality_that_does_not_exist_and_one_that_is_none()
    {
        foreach (var id in new[] { "atlantis", "Atlantis!", "template", "%2e%2e" })
            Assert.That(await AskAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{id}/open", null), Is.EqualTo(HttpStatusCode.NotFound), id);
    }

    [Test]
    public async Task Should_replace_a_clients_secret()
    {
        var municipality = await installation.OnboardAsync();
        var admin = await installation.TokenAsync(municipality, "admin");
        using var list = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/clients", admin);
        Assert.That((await list.Content.ReadFromJsonAsync<JsonObject>())!["clients"]!.AsArray(), Has.Count.EqualTo(6));

        using var answer = await installation.SendAsync(HttpMethod.Post, $"/{municipality.Id}/identity/clients/{municipality.Id}-analyst/secret", admin);
        var replaced = (await answer.Content.ReadFromJsonAsync<JsonObject>())!["clientSecret"]!.GetValue<string>();
        using var old = await installation.AskForTokenAsync(municipality.ClientId("analyst"), municipality.Secret("analyst"));
        Assert.That(old.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await installation.TokenAsync(municipality.ClientId("analyst"), replaced), Is.Not.Empty);
    }

    [Test]
    public async Task Should_let_the_operator_help_a_municipality_that_lost_its_admins_secret()
    {
        var municipality = await installation.OnboardAsync();
        using var answer = await installation.SendAsync(HttpMethod.Post, $"/operator/municipalities/{municipality.Id}/clients/{municipality.Id}-admin/secret", await installation.OperatorTokenAsync());
        var secret = (await answer.Content.ReadFromJsonAsync<JsonObject>())!["clientSecret"]!.GetValue<string>();
        var admin = await installation.TokenAsync(municipality.ClientId("admin"), secret);
        using var audit = await installation.SendAsync(HttpMethod.Get, $"/{municipality.Id}/identity/audit", admin);
        Assert.That(await audit.Content.ReadAsStringAsync(), Does.Contain("client.secret-replaced").And.Contain("operator").And.Not.Contain(secret));
    }

    [TestCase("/internal/municipalities")]
    [TestCase("/Internal/municipalities")]
    [TestCase("/internal/municipalities/x")]
    public async Task Should_keep_internal_doors_shut_without_the_internal_key(string path)
    {
        Assert.That(await AskAsync(HttpMethod.Get, path, await installation.OperatorTokenAsync()), Is.EqualTo(HttpStatusCode.NotFound));
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Internal-Key", IdentityInstallation.InternalKey + "x");
        using var wrong = await installation.Http.SendAsync(request);
        Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    async Task<HttpStatusCode> AskAsync(HttpMethod method, string url, string? token)
    {
        using var answer = await installation.SendAsync(method, url, token);
        return answer.StatusCode;
    }
}
