using Allmende.Platform;

namespace Allmende.Ingestion.Sources;

/// <summary>
/// Runs the sources of all municipalities, each with a loop of its own. Of several processes one runs a source: the one that has its lock in the municipality's
/// database. While that is away, what runs goes on.
/// </summary>
sealed partial class MqttSources(
    SourceStore store, SourceMessages messages, Municipalities municipalities, SourceOptions options, ILogger<MqttSources> logger) : MunicipalityLoops(municipalities)
{
    protected override async Task RunAsync(string municipality, CancellationToken cancellation)
    {
        await using var town = new TownSources(municipality, store, messages, options, logger);
        var wakeUp = WakeUpOf(municipality);
        // Not all at the same moment.
        if (await WaitAsync(wakeUp, options.ComparedEvery * Random.Shared.NextDouble(), cancellation)) return;
        while (IsOurs(municipality))
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
