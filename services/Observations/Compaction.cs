using Allmende.Observations.Store;
using Allmende.Observations.Store.Packed;
using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>
/// Packs the months that are over, a Datastream's month a transaction, and gives the room of what is packed back. Several instances share the work; none
/// waits for a writer, none is waited for longer than such a transaction takes.
/// </summary>
public sealed partial class Compaction(PackStore packs, MonthlyPartitions partitions, Municipalities municipalities, ObservationsOptions options, ILogger<Compaction> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.CompactEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                foreach (var municipality in municipalities.All.ToList()) await TryAsync(municipality.Id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; what is due stands in the database.
        }
    }

    async Task TryAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            await CompactAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
        }
    }

    /// <summary>Packs all that is due.</summary>
    /// <returns>How many observations were packed.</returns>
    public async Task<long> CompactAsync(string municipality, CancellationToken cancellation)
    {
        var before = DateTime.UtcNow - options.PackAfter;
        await partitions.NoteEndedAsync(municipality, before, cancellation);
        var total = 0L;
        var last = default((DateOnly Month, long Datastream));
        var differed = new HashSet<(DateOnly Month, long Datastream)>();
        while (await packs.PackNextAsync(municipality, last, before, differed, cancellation) is { } step)
        {
            total += step.Packed;
            Telemetry.Packed(municipality, step.Packed, step.Chunks);
            if (step.Differs) LogDiffers(municipality, step.Due.Datastream, step.Due.Month);
            // Of one with more the next part follows at once.
            last = step.More ? (step.Due.Month, step.Due.Datastream - 1) : step.Due;
        }
        if (total > 0) LogPacked(municipality, total);
        await partitions.GiveBackAsync(municipality, before, cancellation);
        return total;
    }

    [LoggerMessage(410, LogLevel.Information, "{Municipality}: {Count} observations were packed")]
    partial void LogPacked(string municipality, long count);

    [LoggerMessage(411, LogLevel.Warning, "{Municipality}: packing failed; it is tried again")]
    partial void LogFailed(string municipality, Exception fault);

    [LoggerMessage(412, LogLevel.Error, "{Municipality}: Datastream {Datastream} of {Month} does not come out of its chunks as it went in; it stays in rows")]
    partial void LogDiffers(string municipality, long datastream, DateOnly month);
}
