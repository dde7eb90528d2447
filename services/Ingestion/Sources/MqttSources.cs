using System.Collections.Concurrent;
using Allmende.Platform;

namespace Allmende.Ingestion.Sources;

/// <summary>
/// Runs the sources of all municipalities, each with a loop of its own. Of several processes one runs a source: the one that has its lock in the municipality's
/// database. While that is away, what runs goes on.
/// </summary>
sealed partial class MqttSources(
    SourceStore store, SourceMessages messages, Municipalities municipalities, SourceOptions options, ILogger<MqttSources> logger) : BackgroundService
{
    readonly ConcurrentDictionary<string, SemaphoreSlim> wakeUps = new(StringComparer.Ordinal);

    /// <summary>Something has changed.</summary>
    public void Wake(string municipality)
    {
        var wakeUp = WakeUpOf(municipality);
        if (wakeUp.CurrentCount == 0) wakeUp.Release();
    }

    SemaphoreSlim WakeUpOf(string municipality) => wakeUps.GetOrAdd(municipality, static _ => new SemaphoreSlim(0));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                foreach (var municipality in municipalities.All.Select(municipality => municipality.Id))
                    if (!loops.TryGetValue(municipality, out var loop) || loop.IsCompleted) loops[municipality] = RunAsync(municipality, stoppingToken);
                await Task.Delay(TimeSpan.FromMilliseconds(500), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(loops.Values);
        }
    }

    /// <summary>As long as the municipality is one of ours.</summary>
    async Task RunAsync(string municipality, CancellationToken cancellation)
    {
        await using var town = new TownSources(municipality, store, messages, options, logger);
        var wakeUp = WakeUpOf(municipality);
        // Not all at the same moment.
        if (await WaitAsync(wakeUp, options.ComparedEvery * Random.Shared.NextDouble(), cancellation)) return;
        while (municipalities.Find(municipality) is not null)
        {
            try
            {
                await town.CompareAsync(cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogNotCompared(municipality, fault.Message);
                await town.LoseLocksAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            if (await WaitAsync(wakeUp, town.HasSources ? options.ComparedEvery : options.LookedForEvery, cancellation)) return;
        }
    }

    /// <summary>Waits until something has changed, or for so long. True if the process ends.</summary>
    static async Task<bool> WaitAsync(SemaphoreSlim wakeUp, TimeSpan atMost, CancellationToken cancellation)
    {
        try
        {
            await wakeUp.WaitAsync(atMost, cancellation);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    [LoggerMessage(2086, LogLevel.Warning, "MQTT sources of {Municipality} cannot be compared with the database: {Reason}")]
    partial void LogNotCompared(string municipality, string reason);
}
