using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_a_subscription_cannot_be_kept
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync() => town = await (await Service.SharedAsync()).TownAsync();

    [TestCase("""{"url":"http://127.0.0.1/"}""", "name")]
    [TestCase("""{"name":"x"}""", "url")]
    [TestCase("""{"name":"x","url":"ftp://example.org/"}""", "url")]
    [TestCase("""{"name":"x","url":"https://user:pw@example.org/"}""", "url")]
    [TestCase("""{"name":"x","url":"/hook"}""", "url")]
    [TestCase("""{"name":"x","url":"https://example.org/","bbox":[1,2,3]}""", "bbox")]
    [TestCase("""{"name":"x","url":"https://example.org/","things":[""]}""", "things")]
    [TestCase("""{"name":"x","url":"https://example.org/","batch":{"most":0}}""", "batch.most")]
    [TestCase("""{"name":"x","url":"https://example.org/","batch":{"within":"PT2M"}}""", "batch.within")]
    [TestCase("""{"name":"x","url":"https://example.org/","batch":{"within":"bald"}}""", "batch.within")]
    [TestCase("""{"name":"x","url":"https://example.org/","state":"ended"}""", "state")]
    public async Task Should_name_the_field_that_is_wrong(string body, string field)
    {
        using var answer = await town.SendAsync(HttpMethod.Post, $"/{town.Id}/subscriptions", body, Roles.Admin);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((string)problem["type"]!, Is.EqualTo("urn:allmende:error:invalid_subscription"));
        Assert.That(problem["errors"]!.AsObject().Select(error => error.Key), Is.EqualTo(new[] { field }));
    }

    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("""{"name":5}""")]
    public async Task Should_refuse_what_is_no_subscription(string body)
    {
        using var answer = await town.SendAsync(HttpMethod.Post, $"/{town.Id}/subscriptions", body, Roles.Admin);
        Assert.That((int)answer.StatusCode, Is.EqualTo(400));
    }

    [Test]
    public async Task Should_be_documented()
    {
        var document = JsonNode.Parse(await town.Client.GetStringAsync("/openapi/v1.json"))!;
        var post = document["paths"]!["/{municipality}/subscriptions"]!["post"]!;
        Assert.That((string)post["description"]!, Does.Contain("Webhook-Signature").And.Contain("replay"));
        Assert.That(JsonSerializer.Serialize(document["components"]!["schemas"]!["SubscriptionBody"]), Does.Contain("batch"));
    }
}
