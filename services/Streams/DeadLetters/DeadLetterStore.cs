using Allmende.Contracts;
using Allmende.Platform.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Streams.DeadLetters;

/// <summary>A municipality's dead letters.</summary>
sealed class DeadLetterStore(MunicipalDatabases databases)
{
    /// <summary>A dead letter as it is listed.</summary>
    public sealed record Entry(string Id, string Topic, string Key, string? Device, string Type, string Reason, DateTime At);

    /// <summary>Keeps letters. The same one again changes nothing; a later one about the same uplink (after a replay) shows it again.</summary>
    public async Task KeepAsync(string municipality, IReadOnlyCollection<DeadLetter> letters, CancellationToken cancellation)
    {
        // Within one statement a row can be written once.
        var latest = letters.GroupBy(letter => letter.Id).Select(same => same.MaxBy(letter => letter.At)!).OrderBy(letter => letter.Id, StringComparer.Ordinal).ToList();
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO streams.dead_letter (id, topic, key, device, type, reason, at, payload)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO UPDATE SET type = excluded.type, reason = excluded.reason, at = excluded.at, payload = excluded.payload, replayed_at = NULL
            WHERE excluded.at > dead_letter.at
            """);
        Add(NpgsqlDbType.Text, letter => letter.Id);
        Add(NpgsqlDbType.Text, letter => letter.Topic);
        Add(NpgsqlDbType.Text, letter => letter.Key);
        Add(NpgsqlDbType.Text, letter => letter.Device);
        Add(NpgsqlDbType.Text, letter => letter.Type);
        // PostgreSQL's text has no NUL, a codec's message may.
        Add(NpgsqlDbType.Text, letter => letter.Reason.Replace('\0', ' '));
        Add(NpgsqlDbType.TimestampTz, letter => letter.At.UtcDateTime);
        Add(NpgsqlDbType.Bytea, letter => letter.Payload);
        await command.ExecuteNonQueryAsync(cancellation);

        void Add<T>(NpgsqlDbType type, Func<DeadLetter, T> column) =>
            command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = latest.Select(column).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    /// <summary>The letters that wait, the newest first.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">Only this device's; null for all.</param>
    /// <param name="after">The last entry of the page before; null for the first page.</param>
    /// <param name="limit">Size of the page.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<Entry>> ListAsync(string municipality, string? device, (DateTime At, string Id)? after, int limit, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var rows = await connection.QueryAsync<Entry>(new CommandDefinition("""
            SELECT id, topic, key, device, type, reason, at FROM streams.dead_letter
            WHERE replayed_at IS NULL AND (@device::text IS NULL OR device = @device) AND (@at::timestamptz IS NULL OR (at, id) < (@at, @id))
            ORDER BY at DESC, id DESC LIMIT @limit
            """, new { device, at = after?.At, id = after?.Id, limit }, cancellationToken: cancellation));
        return rows.AsList();
    }

    /// <summary>What a replay needs; null if there is no such letter, or it was replayed.</summary>
    public async Task<(string Topic, string Key, byte[] Payload)?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT topic, key, payload FROM streams.dead_letter WHERE id = $1 AND replayed_at IS NULL");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? (reader.GetString(0), reader.GetString(1), reader.GetFieldValue<byte[]>(2)) : null;
    }

    /// <summary>A replay has made observations of these uplinks: what waits of them is done with.</summary>
    public async Task SettleAsync(string municipality, IReadOnlyCollection<string> uplinks, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("UPDATE streams.dead_letter SET replayed_at = now() WHERE id = ANY($1) AND topic = $2 AND replayed_at IS NULL");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. uplinks] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Topics.Uplinks });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Its record is back on its topic.</summary>
    public async Task ReplayedAsync(string municipality, string id, DateTimeOffset appendedAt, CancellationToken cancellation)
    {
        // Not if it has failed again in the meantime.
        await using var command = databases.Of(municipality).CreateCommand("UPDATE streams.dead_letter SET replayed_at = now() WHERE id = $1 AND at < $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = appendedAt.UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
