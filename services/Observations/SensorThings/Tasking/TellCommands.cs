using System.Collections.Concurrent;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Npgsql;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// Brings the commands of the outbox to topic <c>commands</c>, each municipality's in their order: at once, at the start, and now and then for what another instance
/// left behind. A command goes from the outbox when the log has it, so a crash in between tells it twice, and never not at all.
/// </summary>
sealed partial class TellCommands(MunicipalDatabases databases, Municipalities municipalities, ILog log, ObservationsOptions options, ILogger<TellCommands> logger) : BackgroundService
{
    const int ToldAtOnce = 200, MunicipalitiesAtOnce = 4;
    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

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
                SweepAsync(stoppingToken),
                Parallel.ForEachAsync(due.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = MunicipalitiesAtOnce, CancellationToken = stoppingToken }, TellAsync));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; what is not told stands in the database.
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
            while (await TellSomeAsync(municipality, cancellation)) { }
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
            _ = Task.Delay(RetryAfter, cancellation).ContinueWith(_ => Due(municipality), cancellation, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    /// <summary>True if there may be more.</summary>
    async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('observations command_outbox'))", connection)) await turn.ExecuteNonQueryAsync(cancellation);
        var found = new List<(long Id, string Device, string Command)>();
        await using (var command = new NpgsqlCommand("SELECT id, device, command FROM command_outbox ORDER BY id LIMIT $1", connection) { Parameters = { new() { Value = ToldAtOnce } } })
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) found.Add((reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        if (found.Count == 0) return false;
        foreach (var (_, device, command) in found) await log.AppendAsync(municipality, Topics.Commands, device, System.Text.Encoding.UTF8.GetBytes(command), cancellation);
        await using (var told = new NpgsqlCommand("DELETE FROM command_outbox WHERE id = ANY ($1)", connection) { Parameters = { new() { Value = found.ConvertAll(one => one.Id).ToArray() } } })
            await told.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return found.Count == ToldAtOnce;
    }

    async Task SweepAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.CommandsSweptEvery);
        while (await timer.WaitForNextTickAsync(cancellation))
            foreach (var municipality in municipalities.All) Due(municipality.Id);
    }

    [LoggerMessage(440, LogLevel.Warning, "{Municipality}: commands could not be told; tried again soon")]
    partial void LogFailed(string municipality, Exception fault);
}
