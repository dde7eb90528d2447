using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Allmende.Observations.Live;

/// <summary>
/// A subscriber's stream of server-sent events. Rights are looked at for every frame when it is written: what may not be seen is not there. Whoever takes
/// nothing for <see cref="LiveOptions.SlowestWrite"/> is cut off.
/// </summary>
sealed class LiveOutput(HttpContext context, LiveFilter filter, string[] access, LiveOptions options, CancellationToken until)
{
    const int FlushFrom = 32 * 1024;
    readonly PipeWriter output = context.Response.BodyWriter;
    LogPlace? seen;
    bool told = true;
    long flushedAt = Environment.TickCount64;

    /// <summary>True if nothing was written for a heartbeat's time.</summary>
    public bool IsSilent => Environment.TickCount64 - flushedAt >= (long)options.Heartbeat.TotalMilliseconds;

    /// <summary>Writes what the subscriber wants of the batch.</summary>
    public async ValueTask WriteAsync(LiveBatch batch)
    {
        var unflushed = 0;
        for (var i = 0; i < batch.Observations.Count; i++)
        {
            var observation = batch.Observations[i];
            if (observation.Until is not null) (seen, told) = (observation.Until, false);
            if (!access.Contains(observation.Datastream.Access) || !filter.Wants(observation)) continue;
            var frame = batch.Frames.Event(i);
            output.Write(frame.Span);
            told |= observation.Until is not null;
            if ((unflushed += frame.Length) < FlushFrom) continue;
            await FlushAsync();
            unflushed = 0;
        }
        (seen, told) = (batch.After, told && (batch.Observations.Count == 0 || batch.Observations[^1].Until is not null));
        if (unflushed == 0) return;
        // What followed was for others: it is told now, so that a break does not bring again what was seen.
        if (!told) Progress();
        await FlushAsync();
    }

    /// <summary>Tells where the stream begins, so that even a break before the first event can be resumed.</summary>
    public async Task ReadyAsync(LogPlace place)
    {
        seen ??= place;
        Text($"retry: 2000\nid: {place.Later(seen).ObservationsText}\nevent: ready\ndata: {{}}\n\n");
        told = true;
        await FlushAsync();
    }

    /// <summary>Says that something is missing between two places.</summary>
    public async Task GapAsync(string reason, LogPlace? asked, LogPlace keptAfter)
    {
        Text($"id: {keptAfter.ObservationsText}\nevent: gap\ndata: {{\"reason\":\"{reason}\",\"asked\":{(asked is null ? "null" : $"\"{asked.ObservationsText}\"")},\"keptAfter\":\"{keptAfter.ObservationsText}\"}}\n\n");
        await FlushAsync();
    }

    /// <summary>Shows that the stream is alive, and how far it is if that was not told yet.</summary>
    public async Task HeartbeatAsync()
    {
        Text(": \n\n");
        if (!told) Progress();
        await FlushAsync();
    }

    void Progress()
    {
        output.Write(LiveFrames.Progress(seen!));
        told = true;
    }

    void Text(string text) => Encoding.UTF8.GetBytes(text, output);

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
