using Allmende.Contracts;
using Allmende.Platform.Security;

namespace Allmende.Observations.Live;

/// <summary>
/// <c>GET /{municipality}/live</c>: observations as server-sent events. <c>datastream</c>, <c>thing</c>, <c>type</c> (observed property), all repeatable, and
/// <c>bbox=west,south,east,north</c> choose, all together. The id of an event is the place in the log, so that <c>Last-Event-ID</c> resumes without loss as long
/// as the log keeps; an event <c>gap</c> says that it does not any more.
/// </summary>
static class LiveRoutes
{
    public static void MapLive(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/{municipality}/live", StreamAsync).WithTags("Live").WithName("Live")
            .WithSummary("Observations as server-sent events, resumable by Last-Event-ID; filters: datastream, thing, type, bbox")
            .WithDescription("""
                Events: `ready` once everything from now on will come; `observation` with `{"datastream","thing","type","unit","id","phenomenonTime","resultTime","result","resultQuality"}`;
                `gap` with `{"reason","asked","keptAfter"}` where Last-Event-ID is older than what the log keeps (`not_kept`) or no place in it (`unreadable`): read what is
                missing through SensorThings. An event may come again after a break; `id` of an observation tells.
                """);

    static async Task StreamAsync(
        string municipality, HttpContext context, LiveHub hub, LiveLimits limits, LiveOptions options, string[]? datastream, string[]? thing, string[]? type, string? bbox)
    {
        var (filter, fault) = Read(datastream, thing, type, context.Request.Query["bbox"].Count > 1 ? "," : bbox);
        if (filter is null)
        {
            await ObservationsErrors.BadFilter.Problem(fault.Fault, fault.Field).ExecuteAsync(context);
            return;
        }
        var (place, full) = limits.Enter("stream", municipality, LiveLimits.CallerOf(context), options.MostStreams, options.MostStreamsOfCaller);
        if (place is null)
        {
            context.Response.Headers.RetryAfter = "30";
            await ObservationsErrors.TooManySubscribers.Problem(full).ExecuteAsync(context);
            return;
        }
        using var counted = place;
        using var listening = await hub.ListenAsync(municipality, context.RequestAborted);
        using var until = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, listening.Subscription.Ended);
        if (context.User.Identity?.IsAuthenticated == true) until.CancelAfter(options.LongestWithCredential);
        Telemetry.Subscribed(municipality, 1);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            var output = new LiveOutput(context, filter, context.VisibleAccess(), options, until.Token);
            await ResumeAsync(context.Request.Headers["Last-Event-ID"].ToString(), listening, output, until.Token);
            await output.ReadyAsync(listening.Subscription.Since);
            await PumpAsync(listening.Subscription, output, options, until.Token);
        }
        catch (OperationCanceledException)
        {
            // The subscriber has gone, was too slow, or its time is over. A socket that nobody reads from is closed hard.
            if (listening.Subscription.Ended.IsCancellationRequested) context.Abort();
        }
        finally
        {
            Telemetry.Subscribed(municipality, -1);
        }
    }

    static (LiveFilter? Filter, (string Field, string Fault) Fault) Read(string[]? datastreams, string[]? things, string[]? types, string? bbox)
    {
        var faults = LiveFilter.Faults("datastream", datastreams).Concat(LiveFilter.Faults("thing", things)).Concat(LiveFilter.Faults("type", types)).ToList();
        if (faults.Count > 0) return (null, faults[0]);
        double[]? box = null;
        if (bbox is not null)
        {
            (box, var fault) = LiveFilter.ParseBox(bbox);
            if (fault is not null) return (null, ("bbox", fault));
        }
        return (new LiveFilter(datastreams ?? [], things ?? [], types ?? [], box), default);
    }

    static async Task ResumeAsync(string lastId, LiveListening listening, LiveOutput output, CancellationToken cancellation)
    {
        if (lastId.Length == 0) return;
        if (LogPlace.Parse(lastId) is not { } asked)
        {
            await output.GapAsync("unreadable", null, listening.Subscription.Since);
            return;
        }
        await foreach (var batch in listening.CatchUpAsync(asked, listening.Subscription.Since, [Topics.Observations], cancellation))
        {
            if (batch.AfterGap) await output.GapAsync("not_kept", batch.Before, batch.After);
            await output.WriteAsync(batch);
        }
    }

    static async Task PumpAsync(LiveSubscription<LiveBatch> subscription, LiveOutput output, LiveOptions options, CancellationToken cancellation)
    {
        while (true)
        {
            await subscription.WaitAsync(options.Heartbeat, cancellation);
            while (subscription.TryRead(out var batch)) await output.WriteAsync(batch);
            if (output.IsSilent) await output.HeartbeatAsync();
        }
    }
}
