using System.Collections.Concurrent;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.Catalog.Features;

/// <summary>
/// Publishes <c>dataset.changed</c> for every change of terms: at once after it was committed, and again until it went out, also after a crash in between.
/// The event tells the state, not the change; telling it twice does no harm.
/// </summary>
sealed partial class AnnounceDatasets(DatasetStore datasets, Municipalities municipalities, IEventBus events, CatalogOptions options, ILogger<AnnounceDatasets> logger) : BackgroundService
{
    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(3);

    readonly Channel<string> due = Channel.CreateUnbounded<string>();
    readonly ConcurrentDictionary<string, bool> waiting = new(StringComparer.Ordinal);

    /// <summary>Something of the municipality is to be told now.</summary>
    public void Due(string municipality)
    {
        if (waiting.TryAdd(municipality, true)) due.Writer.TryWrite(municipality);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What a process that died had not told.
        void DueAtStart(Municipality municipality) => Due(municipality.Id);
        municipalities.Ready += DueAtStart;
        try
        {
            foreach (var municipality in municipalities.All) Due(municipality.Id);
            // Several at once: one municipality's slow database holds up nobody else.
            await Task.WhenAll(
                RemindAsync(stoppingToken),
                Parallel.ForEachAsync(due.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stoppingToken }, TellAsync));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; what is due is in the database.
        }
        finally
        {
            municipalities.Ready -= DueAtStart;
        }
    }

    async ValueTask TellAsync(string municipality, CancellationToken cancellation)
    {
        // Before reading: what is committed from here on asks again.
        waiting.TryRemove(municipality, out _);
        try
        {
            Telemetry.Announced.Add(await datasets.AnnounceAsync(municipality, terms =>
                events.PublishAsync(municipality, "catalog", EventTypes.DatasetChanged, terms.Id, terms, ContractsJson.Default.DatasetChanged, cancellation), cancellation));
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            Telemetry.NotAnnounced.Add(1);
            LogFailed(municipality, fault);
            _ = Task.Delay(RetryAfter, cancellation).ContinueWith(_ => Due(municipality), cancellation, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    /// <summary>What another instance left when it died and did not come back.</summary>
    async Task RemindAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.AnnounceEvery);
        while (await timer.WaitForNextTickAsync(cancellation))
            foreach (var municipality in municipalities.All) Due(municipality.Id);
    }

    [LoggerMessage(600, LogLevel.Warning, "{Municipality}: changed datasets could not be announced; tried again soon")]
    partial void LogFailed(string municipality, Exception fault);
}
