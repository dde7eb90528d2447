using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Platform.Tests.StandIns;

/// <summary>
/// Stands in for Dapr, whose daemon cannot be had here: a broker, and a sidecar for each service, as Dapr's pub/sub HTTP API documents them
/// (docs.dapr.io, "Pub/sub API reference" and "Publishing &amp; subscribing messages with CloudEvents"):
/// <list type="bullet">
/// <item><c>POST /v1.0/publish/{pubsub}/{topic}</c> answers 204, or 404 for a pub/sub component that is not there. A body of type
/// <c>application/cloudevents+json</c> is passed on as it is, with <c>topic</c> and <c>pubsubname</c> added; any other is wrapped into a CloudEvent.</item>
/// <item>A service's subscriptions are read from its <c>GET /dapr/subscribe</c>; each service that subscribes gets each message.</item>
/// <item>A message is posted to the subscription's route as <c>application/cloudevents+json</c>. 2xx with <c>{"status":"SUCCESS"}</c> or without a body:
/// done; <c>RETRY</c>, and any other status code: delivered again; <c>DROP</c>, and 404: dropped, to the dead-letter topic if there is one.</item>
/// <item>With API tokens set, <c>dapr-api-token</c> is asked for and shown.</item>
/// </list>
/// </summary>
sealed class DaprStandIn : IAsyncDisposable
{
    public const string PubSub = "pubsub", ApiToken = "sidecar-asks-for-this", AppToken = "sidecar-shows-this";
    const int MostDeliveries = 10;

    readonly HttpClient client = new();
    readonly ConcurrentBag<(string Topic, Uri Route)> subscriptions = [];
    WebApplication? app;

    /// <summary>Where a service finds its sidecar.</summary>
    public string Address => app!.Urls.First();

    /// <summary>What was given up: dropped, or delivered in vain too often.</summary>
    public ConcurrentQueue<string> DeadLetters { get; } = new();

    /// <summary>What was answered to deliveries.</summary>
    public ConcurrentQueue<string> Answers { get; } = new();

    public static async Task<DaprStandIn> StartAsync()
    {
        var dapr = new DaprStandIn();
        dapr.app = await Loopback.StartAsync(app => app.MapPost("/v1.0/publish/{pubsub}/{topic}", dapr.PublishAsync));
        return dapr;
    }

    /// <summary>As the sidecar does when its service is up: learns the subscriptions.</summary>
    public async Task AttachAsync(Uri service)
    {
        var asked = JsonNode.Parse(await client.GetStringAsync(new Uri(service, "/dapr/subscribe")))!.AsArray();
        foreach (var subscription in asked)
        {
            if (subscription!["pubsubname"]!.GetValue<string>() != PubSub) continue;
            subscriptions.Add((subscription["topic"]!.GetValue<string>(), new Uri(service, subscription["route"]!.GetValue<string>())));
        }
    }

    async Task<IResult> PublishAsync(string pubsub, string topic, HttpContext context)
    {
        if (context.Request.Headers["dapr-api-token"] != ApiToken) return Results.Unauthorized();
        if (pubsub != PubSub) return Results.NotFound();
        var body = await JsonNode.ParseAsync(context.Request.Body);
        var envelope = context.Request.ContentType?.StartsWith("application/cloudevents+json", StringComparison.Ordinal) == true
            ? body!.AsObject()
            : new JsonObject { ["specversion"] = "1.0", ["id"] = Guid.NewGuid().ToString(), ["type"] = "com.dapr.event.sent", ["source"] = "stand-in", ["data"] = body };
        envelope["topic"] = topic;
        envelope["pubsubname"] = pubsub;
        Deliver(topic, envelope.ToJsonString());
        return Results.NoContent();
    }

    /// <summary>Delivers bytes as they are, as if somebody else had put them on the topic.</summary>
    public void Deliver(string topic, string body)
    {
        foreach (var (_, route) in subscriptions.Where(subscription => subscription.Topic == topic)) _ = Task.Run(() => DeliverAsync(route, body));
    }

    async Task DeliverAsync(Uri route, string body)
    {
        for (var delivery = 1; delivery <= MostDeliveries; delivery++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new StringContent(body) };
            request.Content.Headers.ContentType = new("application/cloudevents+json");
            request.Headers.Add("dapr-api-token", AppToken);
            using var answer = await client.SendAsync(request);
            var verdict = await VerdictAsync(answer);
            Answers.Enqueue(verdict);
            if (verdict == "SUCCESS") return;
            if (verdict == "DROP") break;
            await Task.Delay(30);
        }
        DeadLetters.Enqueue(body);
    }

    static async Task<string> VerdictAsync(HttpResponseMessage answer)
    {
        if (answer.StatusCode == HttpStatusCode.NotFound) return "DROP";
        if (!answer.IsSuccessStatusCode) return "RETRY";
        var text = await answer.Content.ReadAsStringAsync();
        if (text.Length == 0) return "SUCCESS";
        try
        {
            return JsonNode.Parse(text)?["status"]?.GetValue<string>() is "SUCCESS" or "RETRY" or "DROP" ? JsonNode.Parse(text)!["status"]!.GetValue<string>() : "RETRY";
        }
        catch (JsonException)
        {
            return "RETRY";
        }
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app!.DisposeAsync();
    }
}
