using System.Collections.Concurrent;
using Allmende.Observations.Live;
using Allmende.Platform;

namespace Allmende.Observations.Webhooks;

/// <summary>
/// Runs a worker for each active subscription that this instance holds the lease of. A lease lies in the municipality's database: one instance delivers a
/// subscription at a time, and when it is killed another one goes on where the place says.
/// </summary>
sealed partial class DeliverWebhooks(
    Municipalities municipalities, LiveHub hub, SubscriptionStore store, WebhookSender sender, WebhookOptions options, ILogger<DeliverWebhooks> logger) : BackgroundService
{
    readonly string owner = Guid.NewGuid().ToString("N");
    readonly ConcurrentDictionary<(string Municipality, string Subscription), Running> running = new();
    readonly SemaphoreSlim changed = new(0, 1);

    /// <summary>When municipalities without an active subscription are looked at next, by <see cref="Environment.TickCount64"/>.</summary>
    readonly ConcurrentDictionary<string, long> notBefore = new(StringComparer.Ordinal);

    sealed record Running(int Version, WebhookWorker Worker, CancellationTokenSource Stop, Task Task);

    /// <summary>A subscription has changed here: looks at once.</summary>
    public void LookNow(string municipality)
    {
        notBefore.TryRemove(municipality, out _);
        try { changed.Release(); }
        catch (SemaphoreFullException) { /* it will already */ }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Parallel.ForEachAsync(Due(), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stoppingToken },
                    async (municipality, cancellation) => await RenewAsync(municipality, cancellation));
                foreach (var gone in running.Where(one => municipalities.Find(one.Key.Municipality) is null)) await StopAsync(gone.Key, gone.Value);
                Measure();
                await changed.WaitAsync(options.RenewEvery, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await LetGoAsync();
        }
    }

    List<string> Due()
    {
        var now = Environment.TickCount64;
        return [.. municipalities.All.Select(municipality => municipality.Id).Where(id => !notBefore.TryGetValue(id, out var at) || at <= now)];
    }

    async Task RenewAsync(string municipality, CancellationToken cancellation)
    {
        // Before it is looked: what changes meanwhile is looked at again. Half of the pause is chance, so that not all are looked at in the same moment.
        var seldom = Environment.TickCount64 + (long)(options.LookedForEvery.TotalMilliseconds * (0.5 + Random.Shared.NextDouble() / 2));
        notBefore[municipality] = seldom;
        var isUsed = true;
        try
        {
            var ours = await store.ClaimAsync(municipality, owner, options.Lease, Math.Max(0, options.MostWorkers - running.Count(one => one.Key.Municipality != municipality)), cancellation);
            var byId = ours.ToDictionary(subscription => subscription.Id, StringComparer.Ordinal);
            foreach (var (key, one) in running.Where(one => one.Key.Municipality == municipality).ToList())
                if (!byId.TryGetValue(key.Subscription, out var row) || row.Version != one.Version || one.Task.IsCompleted) await StopAsync(key, one);
            foreach (var subscription in ours) running.GetOrAdd((municipality, subscription.Id), _ => Start(municipality, subscription));
            isUsed = ours.Count > 0 || await store.AnyActiveAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            // This municipality's workers go on; what they write down is refused if somebody else holds the lease by then.
            LogNotRenewed(municipality, fault.Message);
        }
        if (isUsed) notBefore.TryRemove(KeyValuePair.Create(municipality, seldom));
    }

    Running Start(string municipality, SubscriptionRow subscription)
    {
        var stop = new CancellationTokenSource();
        var worker = new WebhookWorker(municipality, subscription, owner, hub, store, sender, options, logger);
        return new Running(subscription.Version, worker, stop, Task.Run(() => worker.RunAsync(stop.Token)));
    }

    async Task StopAsync((string, string) key, Running one)
    {
        await one.Stop.CancelAsync();
        // Its last attempt may be under way; there must be no second worker beside it.
        await one.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        running.TryRemove(new(key, one));
        one.Stop.Dispose();
    }

    void Measure()
    {
        foreach (var municipality in municipalities.All)
        {
            var lags = running.Where(one => one.Key.Municipality == municipality.Id).Select(one => one.Value.Worker.Lag).ToList();
            Telemetry.WebhookLag(municipality.Id, lags.Count == 0 ? TimeSpan.Zero : lags.Max());
        }
    }

    async Task LetGoAsync()
    {
        await Task.WhenAll(running.Select(one => StopAsync(one.Key, one.Value)));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        foreach (var municipality in municipalities.All)
        {
            try
            {
                await store.ReleaseAsync(municipality.Id, owner, limit.Token);
            }
            catch (Exception fault)
            {
                LogNotRenewed(municipality.Id, fault.Message); // the lease runs out
            }
        }
    }

    [LoggerMessage(213, LogLevel.Warning, "the subscriptions of {Municipality} cannot be looked at: {Reason}")]
    partial void LogNotRenewed(string municipality, string reason);
}
