using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Allmende.Platform.Tests.StandIns;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_a_request_cannot_be_served
{
    static readonly ApiError Taken = new("name_taken", 409, "The name is taken");
    readonly TaskCompletionSource<int> abandoned = new();
    MunicipalitiesStandIn identity = null!;
    ServiceUnderTest service = null!;

    public sealed record Named(string Name, int Count);

    [OneTimeSetUp]
    public async Task Start()
    {
        identity = await MunicipalitiesStandIn.StartAsync("musterstadt");
        service = await ServiceUnderTest.StartAsync(PlatformNeeds.Municipalities, new Dictionary<string, string?> { ["Platform:Services:identity"] = identity.Address }, routes: app =>
        {
            app.MapPost("/{municipality}/names", (string municipality, Named named) => Results.Ok(named.Count));
            app.MapGet("/{municipality}/taken", IResult () => throw Taken.Exception("choose another", "name"));
            app.MapGet("/{municipality}/broken", IResult () => throw new InvalidOperationException("secret of the house"));
            app.MapGet("/{municipality}/engineless", IResult () => throw new TimeoutException());
            app.MapGet("/internal/secret", () => "inside");
            app.MapGet("/{municipality}/slow", async (HttpContext context) =>
            {
                context.Response.OnCompleted(() =>
                {
                    abandoned.TrySetResult(context.Response.StatusCode);
                    return Task.CompletedTask;
                });
                await Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted);
            });
        });
        await Testing.Eventually.TrueAsync(async () => (await service.Client.GetAsync(Path("/health/ready"))).IsSuccessStatusCode, "readiness");
    }

    [OneTimeTearDown]
    public async Task End()
    {
        await service.DisposeAsync();
        await identity.DisposeAsync();
    }

    [Test]
    public async Task Should_answer_a_named_problem() => await ExpectAsync(await service.Client.GetAsync(Path("/musterstadt/taken")), 409, "name_taken", "choose another", "name");

    [Test]
    public async Task Should_tell_where_JSON_breaks_off() => await ExpectAsync(await PostAsync("{\n  \"name\": oops }"), 400, "malformed_request", "no valid JSON at line 2, byte 11", "$.name");

    [Test]
    public async Task Should_tell_the_field_of_a_wrong_type() => await ExpectAsync(await PostAsync("""{"name":"a","count":"many"}"""), 400, "malformed_request", null, "$.count");

    [Test]
    public async Task Should_refuse_a_body_that_is_too_large()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path("/musterstadt/names"));
        request.Content = new StringContent("\"" + new string('x', 11 * 1024 * 1024), Encoding.UTF8, "application/json");
        request.Headers.ExpectContinue = true; // so that the answer comes before the body, and not a broken pipe
        await ExpectAsync(await service.Client.SendAsync(request), 413, "too_large", null, null);
    }

    [Test]
    public async Task Should_keep_to_itself_what_broke()
    {
        using var answer = await service.Client.GetAsync(Path("/musterstadt/broken"));
        var body = await ExpectAsync(answer, 500, "internal", null, null);
        Assert.That(body.ToJsonString(), Does.Not.Contain("secret"));
        Assert.That(service.Log.Lines, Has.Some.Contains("secret of the house"), "the operator is told");
    }

    [Test]
    public async Task Should_say_to_try_again_when_an_engine_is_missing()
    {
        using var answer = await service.Client.GetAsync(Path("/musterstadt/engineless"));
        await ExpectAsync(answer, 503, "unavailable", null, null);
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    [TestCase("/nowhere/taken")]
    [TestCase("/Musterstadt/taken")]
    [TestCase("/musterstadt/nothing-here")]
    public async Task Should_answer_404_for_what_is_not_there(string path) => await ExpectAsync(await service.Client.GetAsync(Path(path)), 404, "not_found", null, null);

    [Test]
    public async Task Should_find_a_municipality_that_was_onboarded_just_now()
    {
        identity.Municipalities.Add(MunicipalitiesStandIn.Of("neustadt"));
        await Testing.Eventually.TrueAsync(async () => (await service.Client.GetAsync(Path("/neustadt/taken"))).StatusCode == HttpStatusCode.Conflict, "new municipality", TimeSpan.FromSeconds(5));
    }

    [TestCase(null, 404)]
    [TestCase("wrong", 404)]
    [TestCase(ServiceUnderTest.InternalKey, 200)]
    public async Task Should_show_the_inside_to_insiders_alone(string? key, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path("/INTERNAL/secret"));
        if (key is not null) request.Headers.Add("X-Internal-Key", key);
        using var answer = await service.Client.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_note_a_client_that_went_away_as_499()
    {
        using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        Assert.That(async () => await service.Client.GetAsync(Path("/musterstadt/slow"), impatient.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await abandoned.Task.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(499));
    }

    static Uri Path(string path) => new(path, UriKind.Relative);

    Task<HttpResponseMessage> PostAsync(string body) => service.Client.PostAsync(Path("/musterstadt/names"), new StringContent(body, Encoding.UTF8, "application/json"));

    /// <summary>RFC 9457: media type, and the members that we promise.</summary>
    static async Task<JsonNode> ExpectAsync(HttpResponseMessage answer, int status, string name, string? detail, string? field)
    {
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Multiple(() =>
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(status));
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(body["type"]?.GetValue<string>(), Is.EqualTo("urn:allmende:error:" + name));
            Assert.That(body["status"]?.GetValue<int>(), Is.EqualTo(status));
            Assert.That(body["title"]?.GetValue<string>(), Is.Not.Empty);
            if (detail is not null) Assert.That(body["detail"]?.GetValue<string>(), Is.EqualTo(detail));
            Assert.That(body["field"]?.GetValue<string>(), Is.EqualTo(field));
        });
        return body;
    }
}
