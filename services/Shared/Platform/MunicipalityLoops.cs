using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace Allmende.Platform;

/// <summary>
/// Work that goes on in each municipality, apart from that in all others: one loop each, begun when the municipality comes, begun again if it has ended while the
/// municipality is still there, and woken when there is something to do.
/// </summary>
public abstract class MunicipalityLoops(Municipalities municipalities) : BackgroundService
{
    static readonly TimeSpan LookedForEvery = TimeSpan.FromMilliseconds(500);

    readonly ConcurrentDictionary<string, SemaphoreSlim> wakeUps = new(StringComparer.Ordinal);

    /// <summary>There is something to do.</summary>
    public void Wake(string municipality)
    {
        var wakeUp = WakeUpOf(municipality);
        // One signal is enough for any number of things.
        if (wakeUp.CurrentCount == 0) wakeUp.Release();
    }

    /// <summary>What the municipality's loop waits for between two turns.</summary>
    protected SemaphoreSlim WakeUpOf(string municipality) => wakeUps.GetOrAdd(municipality, static _ => new SemaphoreSlim(0));

    /// <summary>False when the municipality has left: its loop ends.</summary>
    protected bool IsOurs(string municipality) => municipalities.Find(municipality) is not null;

    /// <summary>The loop, as long as the municipality is one of ours.</summary>
    protected abstract Task RunAsync(string municipality, CancellationToken cancellation);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                foreach (var municipality in municipalities.All.Select(municipality => municipality.Id))
                    if (!loops.TryGetValue(municipality, out var loop) || loop.IsCompleted) loops[municipality] = RunAsync(municipality, stoppingToken);
                await Task.Delay(LookedForEvery, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(loops.Values);
        }
    }
}
