using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Ingestion.Outbox;

/// <summary>An event that is to be told.</summary>
/// <param name="Id">Its place.</param>
/// <param name="EventId">The CloudEvent's id, the same at each attempt.</param>
/// <param name="Type">The CloudEvent's type.</param>
/// <param name="Device">Its subject.</param>
/// <param name="At">When it happened.</param>
/// <param name="Traceparent">The trace of the request.</param>
/// <param name="Data">What is told, where it is not how the device is when it is told.</param>
sealed record OutboxEntry(long Id, Guid EventId, string Type, string Device, DateTime At, string? Traceparent, string? Data);

/// <summary>The outboxes of the municipalities.</summary>
sealed class OutboxStore(MunicipalDatabases databases)
{
    const string Due = """
        SELECT id, event_id, type, device, at, traceparent, data::text FROM outbox o
        WHERE due <= now() AND NOT EXISTS (SELECT FROM outbox e WHERE e.device = o.device AND e.id < o.id AND e.due > now())
        ORDER BY id LIMIT $1
        """;

    /// <summary>
    /// Takes the oldest entries for as long as the transaction lives; another instance waits meanwhile. A device's entries stay in
    /// order: while one of them waits for its next attempt, the later ones wait as well.
    /// </summary>
    public async Task<OutboxBatch> TakeAsync(string municipality, int limit, CancellationToken cancellation)
    {
        var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellation);
            await using (var turn = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('ingestion outbox'))", connection))
                await turn.ExecuteNonQueryAsync(cancellation);
            await using var command = new NpgsqlCommand(Due, connection) { Parameters = { new() { Value = limit } } };
            var entries = new List<OutboxEntry>();
            await using (var reader = await command.ExecuteReaderAsync(cancellation))
                while (await reader.ReadAsync(cancellation))
                    entries.Add(new(reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetDateTime(4), Text(reader, 5), Text(reader, 6)));
            return new OutboxBatch(connection, transaction, entries);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

/// <summary>Entries that nobody else publishes at the same time.</summary>
sealed class OutboxBatch(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<OutboxEntry> entries) : IAsyncDisposable
{
    public IReadOnlyList<OutboxEntry> Entries { get; } = entries;

    /// <summary>Removes what is told, and puts off all entries of the devices where that failed: 0.2 s, then longer, up to 5 s.</summary>
    public async Task CompleteAsync(long[] told, string[] failedDevices, CancellationToken cancellation)
    {
        await using (var remove = new NpgsqlCommand("DELETE FROM outbox WHERE id = ANY ($1)", connection) { Parameters = { new() { Value = told } } })
            await remove.ExecuteNonQueryAsync(cancellation);
        if (failedDevices.Length > 0)
        {
            const string later = "UPDATE outbox SET attempts = attempts + 1, due = now() + least(5, 0.2 * 2 ^ least(attempts, 10)) * interval '1 s' WHERE device = ANY ($1)";
            await using var postpone = new NpgsqlCommand(later, connection) { Parameters = { new() { Value = failedDevices } } };
            await postpone.ExecuteNonQueryAsync(cancellation);
        }
        await transaction.CommitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
