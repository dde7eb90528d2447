using System.Collections.Concurrent;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Events;

namespace Allmende.Observations;

/// <summary>
/// Publishes <c>dataset.needed</c> for datasets that clients brought into being, until Catalog has answered with <c>dataset.changed</c>: at once, at the start,
/// and every few minutes. So neither a crash after the commit nor a lost event leaves data in a dataset that the catalogue does not know.
/// </summary>
sealed partial class TellNeededDatasets(MunicipalDatabases databases, Municipalities municipalities, IEventBus events, ILogger<TellNeededDatasets> logger) : BackgroundService
{
    static readonly TimeSpan RemindEvery = TimeSpan.FromMinutes(5);
    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(3);

    readonly Channel<string> due = Channel.CreateUnbounded<string>();
    readonly ConcurrentDictionary<string, bool> waiting = new(StringComparer.Ordinal);

    /// <summary>Something of the municipality is to be told now.</summary>
    public void Due(string municipality)
    {
        // Each municipality waits once at the most, which bounds the queue.
        if (waiting.TryAdd(municipality, true)) due.Writer.TryWrite(municipality);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        void DueAtStart(Municipality municipality) => Due(municipality.Id);
        municipalities.Ready += DueAtStart;
        try
        {
            foreach (var municipality in municipalities.All) Due(municipality.Id);
            await Task.WhenAll(
                RemindAsync(stoppingToken),
                Parallel.ForEachAsync(due.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken }, TellAsync));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; what is needed stands in the database.
        }
        finally
        {
            municipalities.Ready -= DueAtStart;
        }
    }

    async ValueTask TellAsync(string municipality, CancellationToken cancellation)
    {
        waiting.TryRemove(municipality, out _);
        try
        {
            var needed = new List<DatasetNeeded>();
            await using (var command = databases.Of(municipality).CreateCommand("SELECT id, title FROM dataset WHERE needed ORDER BY id LIMIT 1000"))
            await using (var reader = await command.ExecuteReaderAsync(cancellation))
                while (await reader.ReadAsync(cancellation)) needed.Add(new(reader.GetString(0), reader.GetString(1)));
            foreach (var dataset in needed)
                await events.PublishAsync(municipality, "observations", EventTypes.DatasetNeeded, dataset.Id, dataset, ContractsJson.Default.DatasetNeeded, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
            _ = Task.Delay(RetryAfter, cancellation).ContinueWith(_ => Due(municipality), cancellation, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    async Task RemindAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(RemindEvery);
        while (await timer.WaitForNextTickAsync(cancellation))
            foreach (var municipality in municipalities.All) Due(municipality.Id);
    }

    [LoggerMessage(220, LogLevel.Warning, "{Municipality}: needed datasets could not be told; tried again soon")]
    partial void LogFailed(string municipality, Exception fault);
}
