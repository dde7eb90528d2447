using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Allmende.Contracts;
using Allmende.Observations.SensorThings;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Platform;
using Microsoft.AspNetCore.Authentication;

namespace Allmende.Observations.Live;

/// <summary>
/// <c>GET /internal/{municipality}/sta/feed?topic=…</c>, for Ingestion's MQTT server: what a subscriber of a SensorThings topic receives, as lines of JSON.
/// <code>
/// {"id":"place"}                        first, and now and then: so far nothing is missing
/// {"id":"place","payload":{…}}          what GET of the entity, with the topic's options, gives
/// {"id":"place","gap":{…}}              what lies between is not in the log any more
/// {"error":{"code":503,…}}              the topic cannot be served any more; the last line
///                                       an empty line: still alive
/// </code>
/// <c>Last-Event-ID</c> resumes. Faults before the first line are told in the standard's format.
/// </summary>
static class TopicRoutes
{
    static readonly TimeSpan PatienceToStart = TimeSpan.FromSeconds(10);

    public static void MapTopics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/internal/{municipality}/sta/feed", FeedAsync).AddEndpointFilter(SensorThingsRoutes.TellFaultsAsync).ExcludeFromDescription();

    static async Task FeedAsync(string municipality, string? topic, HttpContext context, Municipalities municipalities, TopicFeeds feeds, LiveLimits limits, LiveOptions options)
    {
        if (await municipalities.FindAsync(municipality, context.RequestAborted) is null) throw SensorThingsException.NotFound();
        await CheckCredentialAsync(context, municipality);
        var parsed = SensorThingsTopic.Parse(topic ?? throw new SensorThingsException(400, "'topic' is missing"));
        var asked = context.Request.Headers["Last-Event-ID"].ToString();
        var from = asked.Length == 0 ? null : LogPlace.Parse(asked) ?? throw new SensorThingsException(400, "'Last-Event-ID' is no place");
        var caller = LiveLimits.CallerOf(context);
        var (place, full) = limits.Enter("topic", municipality, caller, options.MostTopics, options.MostTopicsOfCaller);
        using var counted = place ?? throw new SensorThingsException(429, "too many topics: " + full);

        var access = context.SensorThingsAccess();
        var renderer = feeds.RendererOf(municipality, parsed, access, caller);
        await renderer.CheckAsync(context.RequestAborted);
        using var starting = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        starting.CancelAfter(PatienceToStart);
        using var subscription = await StartAsync();
        using var until = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, subscription.Ended);
        if (context.User.Identity?.IsAuthenticated == true) until.CancelAfter(options.LongestWithCredential);
        var output = new TopicOutput(context, options, until.Token);
        try
        {
            await output.BeginAsync(from?.Or(subscription.Since) ?? subscription.Since);
            if (from is not null && !await ResumeAsync(from)) return;
            await PumpAsync(subscription, output, options, until.Token);
        }
        catch (OperationCanceledException)
        {
            // The subscriber has gone, was too slow, or its time is over.
            if (subscription.Ended.IsCancellationRequested) context.Abort();
        }

        async Task<LiveSubscription<TopicLines>> StartAsync()
        {
            try
            {
                return await feeds.SubscribeAsync(municipality, parsed, access, renderer, starting.Token);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                throw new SensorThingsException(503, "the log does not answer; try again");
            }
        }

        async Task<bool> ResumeAsync(LogPlace missedFrom)
        {
            try
            {
                await foreach (var lines in feeds.MissedAsync(municipality, renderer, missedFrom, subscription.Since, until.Token)) await output.WriteAsync(lines);
                return true;
            }
            catch (SensorThingsException fault)
            {
                await output.WriteAsync(new TopicLines(ErrorLine(fault), missedFrom, IsLast: true));
                return false;
            }
        }
    }

    static async Task PumpAsync(LiveSubscription<TopicLines> subscription, TopicOutput output, LiveOptions options, CancellationToken cancellation)
    {
        while (true)
        {
            await subscription.WaitAsync(options.Heartbeat, cancellation);
            while (subscription.TryRead(out var lines))
            {
                await output.WriteAsync(lines);
                if (lines.IsLast) return;
            }
            if (output.IsSilent) await output.HeartbeatAsync();
        }
    }

    /// <summary>Whoever shows a credential that does not hold, or that of another municipality, must not quietly become the public.</summary>
    static async Task CheckCredentialAsync(HttpContext context, string municipality)
    {
        if (context.User.Identity?.IsAuthenticated != true && (await context.AuthenticateAsync()).Failure is { } failure) throw new SensorThingsException(401, failure.Message);
        if (context.User.FindFirst(Roles.MunicipalityClaim) is { Value: var own } && own != municipality)
            throw new SensorThingsException(403, "the credential belongs to another municipality");
    }

    /// <summary>The last line of a topic that cannot be served any more.</summary>
    public static byte[] ErrorLine(SensorThingsException fault) => [.. "{\"error\":"u8, .. FaultJson.Of(fault.Status, fault.Message), .. "}\n"u8];

    /// <summary>The lines to one subscriber.</summary>
    sealed class TopicOutput(HttpContext context, LiveOptions options, CancellationToken until)
    {
        readonly PipeWriter output = context.Response.BodyWriter;
        LogPlace? seen;
        bool told = true;
        long flushedAt = Environment.TickCount64;

        public bool IsSilent => Environment.TickCount64 - flushedAt >= (long)options.Heartbeat.TotalMilliseconds;

        public async Task BeginAsync(LogPlace place)
        {
            context.Response.ContentType = "application/x-ndjson";
            context.Response.Headers.CacheControl = "no-store";
            (seen, told) = (place, false);
            Tell();
            await FlushAsync();
        }

        public async ValueTask WriteAsync(TopicLines lines)
        {
            told = lines.Text.Length > 0;
            seen = lines.Until;
            if (!told) return;
            output.Write(lines.Text.Span);
            await FlushAsync();
        }

        public async Task HeartbeatAsync()
        {
            output.Write("\n"u8);
            if (!told) Tell();
            await FlushAsync();
        }

        void Tell()
        {
            output.Write(Encoding.ASCII.GetBytes($"{{\"id\":\"{seen}\"}}\n"));
            told = true;
        }

        async Task FlushAsync()
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(until);
            limit.CancelAfter(options.SlowestWrite);
            try
            {
                var result = await output.FlushAsync(limit.Token);
                flushedAt = Environment.TickCount64;
                if (result.IsCompleted) throw new OperationCanceledException("the subscriber has gone");
            }
            catch (OperationCanceledException) when (!until.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
            {
                Telemetry.Dropped((string)context.GetRouteValue("municipality")!);
                context.Abort();
                throw;
            }
        }
    }
}
