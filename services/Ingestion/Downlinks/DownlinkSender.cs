using Allmende.Platform;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// Sends what is due. Each municipality has its own loop and each of its ways its own pass, some downlinks at a time: a network server that is slow or dead holds up
/// what goes through it, and nothing else. What a process took and did not finish, another takes when the lease is over, with the same correlation id.
/// </summary>
sealed partial class DownlinkSender(
    DownlinkStore store, WayStore ways, NetworkServers servers, DeviceTopics topics, Municipalities municipalities, DownlinkOptions options, ILogger<DownlinkSender> logger)
    : MunicipalityLoops(municipalities)
{
    protected override async Task RunAsync(string municipality, CancellationToken cancellation)
    {
        var passes = new Dictionary<string, Task>(StringComparer.Ordinal);
        var wakeUp = WakeUpOf(municipality);
        try
        {
            // Not all at the same moment.
            await wakeUp.WaitAsync(options.SweptEvery * Random.Shared.NextDouble(), cancellation);
            while (IsOurs(municipality))
            {
                var isIdle = false;
                try
                {
                    var waiting = await store.WaitingAsync(municipality, cancellation);
                    if (waiting.Count > 0) await store.ExpireAsync(municipality, cancellation);
                    foreach (var (way, _) in waiting.Where(one => one.IsDue))
                        if (!passes.TryGetValue(way, out var pass) || pass.IsCompleted) passes[way] = PassAsync(municipality, way, cancellation);
                    // Another process may queue something for who listens here.
                    isIdle = waiting.Count == 0 && !topics.IsAnythingHeard(municipality);
                }
                catch (Exception fault) when (!cancellation.IsCancellationRequested)
                {
                    LogNotSwept(municipality, fault.Message);
                }
                await wakeUp.WaitAsync(isIdle ? options.LookedForEvery : options.SweptEvery, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Shutting down; what is under way is finished.
            await Task.WhenAll(passes.Values);
        }
    }

    /// <summary>Sends what is due on one way, until nothing is.</summary>
    async Task PassAsync(string municipality, string id, CancellationToken cancellation)
    {
        var sent = 0;
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                // Read anew each time: somebody may be putting it right.
                if ((id.Length == 0 ? WayRow.Native : await ways.FindAsync(municipality, id, cancellation)) is not { } way) break;
                string[]? devices = null;
                if (way.IsMqtt)
                {
                    devices = [.. (await store.DueDevicesAsync(municipality, id, cancellation)).Where(device => topics.IsHeard(municipality, device))];
                    if (devices.Length == 0) break;
                }
                var taken = await store.TakeAsync(municipality, id, devices, options.AtOnce, options.Lease, cancellation);
                if (taken.Count == 0) break;
                sent += taken.Count;
                await Task.WhenAll(taken.Select(one => SendAsync(municipality, way, one)));
            }
        }
        catch (Exception fault)
        {
            if (!cancellation.IsCancellationRequested) LogNotSent(municipality, id, fault.Message);
            return;
        }
        // Something may have come when this pass was about to end.
        if (sent > 0) Wake(municipality);
    }

    /// <summary>Sends one and writes down what came of it. What was begun is finished, also when the process is to stop: the time-out ends it.</summary>
    async Task SendAsync(string municipality, WayRow way, TakenDownlink taken)
    {
        var until = Environment.TickCount64 + (long)options.Lease.TotalMilliseconds;
        var outcome = way.IsMqtt ? await topics.SendAsync(municipality, taken.Downlink) : await servers.SendAsync(way, taken, CancellationToken.None);
        var pause = outcome.State == DownlinkState.Queued ? Pause(taken.Downlink.Attempts, outcome.RetryAfter) : TimeSpan.Zero;
        Telemetry.CountDownlink(municipality, outcome.State == DownlinkState.Queued ? "retried" : outcome.State);
        // However long the database is away: what the network server has taken must not be sent again for that. After the lease somebody else sends it.
        for (var wait = TimeSpan.FromMilliseconds(200); ; wait *= 2)
        {
            try
            {
                await store.RecordAsync(municipality, taken, outcome, pause, CancellationToken.None);
                return;
            }
            catch (Exception fault) when (Infrastructure.IsAtFault(fault) && Environment.TickCount64 + wait.TotalMilliseconds < until)
            {
                LogNotRecorded(municipality, fault.Message);
            }
            await Task.Delay(wait);
        }
    }

    /// <summary>Doubles with each failure; half of it is chance, so that a network server that comes back is not met by all at once.</summary>
    TimeSpan Pause(int failures, TimeSpan? asked)
    {
        var longest = Math.Min(options.LongestPause.TotalSeconds, options.FirstPause.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        var pause = TimeSpan.FromSeconds(longest * (0.5 + Random.Shared.NextDouble() / 2));
        return asked > pause ? asked.Value : pause;
    }

    [LoggerMessage(2092, LogLevel.Warning, "downlinks of {Municipality} cannot be looked through: {Reason}")]
    partial void LogNotSwept(string municipality, string reason);

    [LoggerMessage(2093, LogLevel.Warning, "downlinks of {Municipality} by '{Way}' could not be sent; they are tried again: {Reason}")]
    partial void LogNotSent(string municipality, string way, string reason);

    [LoggerMessage(2094, LogLevel.Warning, "what came of a downlink of {Municipality} is not written yet: {Reason}")]
    partial void LogNotRecorded(string municipality, string reason);
}
