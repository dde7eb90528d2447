using Allmende.Observations.Store;
using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>Deletes what the datasets' retention no longer allows to be kept, a bounded piece a transaction.</summary>
public sealed partial class EnforceRetention(RetentionStore store, Municipalities municipalities, ObservationsOptions options, ILogger<EnforceRetention> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.RetainEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                foreach (var municipality in municipalities.All.ToList()) await TryAsync(municipality.Id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; the next round goes on.
        }
    }

    async Task TryAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            await EnforceAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
        }
    }

    /// <summary>Deletes all that is due.</summary>
    /// <returns>How many observations were deleted.</returns>
    public async Task<long> EnforceAsync(string municipality, CancellationToken cancellation)
    {
        var total = 0L;
        var now = DateTime.UtcNow;
        foreach (var (datastream, before) in await store.DueAsync(municipality, now, cancellation))
        {
            bool more;
            do
            {
                (var deleted, more) = await store.DeleteAsync(municipality, datastream, before, cancellation);
                total += deleted;
            }
            while (more);
        }
        while (await store.DeleteAggregatesAsync(municipality, now, cancellation) > 0)
        {
            // Until nothing is left.
        }
        if (total > 0) LogDeleted(municipality, total);
        return total;
    }

    [LoggerMessage(430, LogLevel.Information, "{Municipality}: {Count} observations were deleted as their datasets' retention says")]
    partial void LogDeleted(string municipality, long count);

    [LoggerMessage(431, LogLevel.Warning, "{Municipality}: retention could not be enforced; it is tried again")]
    partial void LogFailed(string municipality, Exception fault);
}
