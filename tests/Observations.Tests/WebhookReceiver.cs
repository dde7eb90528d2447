using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Allmende.Observations.Tests;

/// <summary>A delivery as it arrived.</summary>
sealed record Delivered(string Path, string Id, string Timestamp, string Signature, byte[] Body, DateTimeOffset At)
{
    public JsonArray Observations => JsonNode.Parse(Body)!.AsArray();

    public IEnumerable<string> Results => Observations.Select(one => $"{one!["datastream"]}={one["result"]}");

    /// <summary>True if it is signed with the secret as the Standard Webhooks convention has it.</summary>
    public bool IsSignedWith(string secret)
    {
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        return Signature == "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{Id}.{Timestamp}."), .. Body]));
    }
}

/// <summary>Somebody's server that webhooks are sent to.</summary>
sealed class WebhookReceiver : IAsyncDisposable
{
    readonly WebApplication app;

    WebhookReceiver(WebApplication app) => this.app = app;

    public string Url => app.Urls.First() + "/hook";

    public ConcurrentQueue<Delivered> Deliveries { get; } = [];

    /// <summary>What it answers; takes everything unless a test says otherwise.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = _ => Task.CompletedTask;

    /// <summary>Deliveries that it took.</summary>
    public ConcurrentQueue<Delivered> Taken { get; } = [];

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new WebhookReceiver(builder.Build());
        receiver.app.MapPost("/{**path}", receiver.ReceiveAsync);
        await receiver.app.StartAsync();
        return receiver;
    }

    async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers;
        var delivery = new Delivered(context.Request.Path, headers["Webhook-Id"].ToString(), headers["Webhook-Timestamp"].ToString(), headers["Webhook-Signature"].ToString(), body.ToArray(), DateTimeOffset.UtcNow);
        Deliveries.Enqueue(delivery);
        await Answer(context);
        if (context.Response.StatusCode is >= 200 and < 300) Taken.Enqueue(delivery);
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await app.StopAsync(limit.Token);
        await app.DisposeAsync();
    }
}
