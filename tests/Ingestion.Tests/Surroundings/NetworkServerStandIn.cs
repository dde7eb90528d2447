using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>
/// A network server that takes downlinks, as its documentation says it: The Things Stack v3 (<c>AppAs.DownlinkQueuePush</c>: <c>POST
/// /api/v3/as/applications/{app}/devices/{device}/down/push</c>, bearer key, an empty object answers; faults are <c>{"code","message"}</c> as gRPC's gateway maps
/// them) and ChirpStack v4's REST interface (<c>POST /api/devices/{devEui}/queue</c>, <c>Grpc-Metadata-Authorization</c>, <c>{"id"}</c> answers). Neither is
/// the real one.
/// </summary>
sealed class NetworkServerStandIn : IAsyncDisposable
{
    /// <summary>What ChirpStack calls the downlink.</summary>
    public const string QueueItem = "7c2a1b6e-5f04-4d0e-9a55-0f3c5a9b1d20";

    readonly WebApplication app;
    readonly CancellationTokenSource over = new();
    int count;

    NetworkServerStandIn(WebApplication app) => this.app = app;

    public string Url => app.Urls.Single();

    /// <summary>What came: path, key, body.</summary>
    public ConcurrentQueue<(string Path, string Key, string Body)> Got { get; } = new();

    /// <summary>What it answers to its n-th request, from 1; null: as documented when all is well.</summary>
    public Func<int, IResult?> Answers { get; set; } = _ => null;

    /// <summary>It takes a request and never answers.</summary>
    public bool Hangs { get; set; }

    public static async Task<NetworkServerStandIn> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var server = new NetworkServerStandIn(app);
        app.MapPost("/api/v3/as/applications/{app}/devices/{device}/down/push", context => server.TakeAsync(context, "Authorization", "{}"));
        app.MapPost("/api/devices/{devEui}/queue", context => server.TakeAsync(context, "Grpc-Metadata-Authorization", $$"""{"id":"{{QueueItem}}"}"""));
        await app.StartAsync();
        return server;
    }

    async Task TakeAsync(HttpContext context, string header, string answer)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        Got.Enqueue((context.Request.Path, context.Request.Headers[header].ToString(), body));
        if (Hangs) await Task.Delay(Timeout.Infinite, over.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        await (Answers(Interlocked.Increment(ref count)) ?? Results.Text(answer, "application/json")).ExecuteAsync(context);
    }

    /// <summary>How gRPC's gateway says a fault.</summary>
    public static IResult Fault(int status, string message) => Results.Json(new { code = 5, message, details = Array.Empty<object>() }, statusCode: status);

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await app.DisposeAsync();
        over.Dispose();
    }
}
