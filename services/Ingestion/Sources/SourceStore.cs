using System.Text.Json;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Sources;

/// <summary>The MQTT sources of each municipality, and how they stand.</summary>
sealed class SourceStore(MunicipalDatabases databases)
{
    const string Query = """
        SELECT s.id, s.version, s.client_id, s.source, s.password, s.changed_at,
          CASE WHEN t.state = 'connected' AND t.told_at < now() - interval '1 minute' THEN 'disconnected' ELSE t.state END, t.since, t.last_message_at, t.last_error, t.last_error_at, t.taken, t.refused, t.subscribed
        FROM mqtt_source s LEFT JOIN mqtt_source_state t ON t.source = s.id
        """;

    /// <summary>All, in the order of their ids.</summary>
    public async Task<List<SourceRow>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(Query + " ORDER BY s.id");
        return await ReadAsync(command, cancellation);
    }

    /// <summary>One, or null.</summary>
    public async Task<SourceRow?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(Query + " WHERE s.id = $1");
        command.Parameters.Add(new() { Value = id });
        return (await ReadAsync(command, cancellation)).SingleOrDefault();
    }

    /// <summary>Keeps one. True if it is new, false if it was there; null if there are <paramref name="most"/> already.</summary>
    public async Task<bool?> PutAsync(string municipality, string id, MqttSource source, string clientId, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('mqtt_sources'))", connection)) await alone.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand("""
            INSERT INTO mqtt_source (id, client_id, source, password)
            SELECT $1, $2, $3, nullif($4, '') WHERE EXISTS (SELECT FROM mqtt_source WHERE id = $1) OR (SELECT count(*) FROM mqtt_source) < $5
            ON CONFLICT (id) DO UPDATE SET version = mqtt_source.version + 1, source = excluded.source, changed_at = now(),
              password = CASE WHEN $4::text IS NULL THEN mqtt_source.password ELSE excluded.password END
            RETURNING xmax = 0
            """, connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = clientId });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(source with { Password = null }, SourceJson.Default.MqttSource), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(Text(source.Password));
        command.Parameters.Add(new() { Value = most });
        var isNew = await command.ExecuteScalarAsync(cancellation) as bool?;
        await transaction.CommitAsync(cancellation);
        return isNew;
    }

    /// <summary>Removes one; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM mqtt_source WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>Writes how a source stands; <paramref name="taken"/> and <paramref name="refused"/> are added to what is there. Of one that is gone nothing is kept.</summary>
    public async Task TellAsync(string municipality, string id, SourceState state, long taken, long refused, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO mqtt_source_state AS known (source, state, since, last_message_at, last_error, last_error_at, taken, refused, subscribed)
            SELECT id, $2, $3, $4, $5, $6, $7, $8, $9 FROM mqtt_source WHERE id = $1
            ON CONFLICT (source) DO UPDATE SET state = excluded.state, since = excluded.since, last_message_at = coalesce(excluded.last_message_at, known.last_message_at),
              last_error = coalesce(excluded.last_error, known.last_error), last_error_at = coalesce(excluded.last_error_at, known.last_error_at),
              taken = known.taken + excluded.taken, refused = known.refused + excluded.refused, subscribed = excluded.subscribed, told_at = now()
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = state.State });
        command.Parameters.Add(new() { Value = state.Since });
        command.Parameters.Add(Time(state.LastMessageAt));
        command.Parameters.Add(Text(state.LastError));
        command.Parameters.Add(Time(state.LastErrorAt));
        command.Parameters.Add(new() { Value = taken });
        command.Parameters.Add(new() { Value = refused });
        command.Parameters.Add(new() { Value = state.Subscribed.ToArray() });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>A connection for the locks that say which sources this process runs: they last as long as it does.</summary>
    public async Task<SourceLocks> OpenLocksAsync(string municipality, CancellationToken cancellation) => new(await databases.Of(municipality).OpenConnectionAsync(cancellation));

    static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    static NpgsqlParameter Time(DateTime? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    static async Task<List<SourceRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<SourceRow>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(new(reader.GetString(0), reader.GetInt64(1), reader.GetString(2), JsonSerializer.Deserialize(reader.GetString(3), SourceJson.Default.MqttSource)!,
                Value<string>(reader, 4), reader.GetDateTime(5), reader.IsDBNull(6) ? null : new SourceState(
                    reader.GetString(6), reader.GetDateTime(7), Value<DateTime?>(reader, 8), Value<string>(reader, 9), Value<DateTime?>(reader, 10), reader.GetInt64(11), reader.GetInt64(12))
                {
                    Subscribed = reader.GetFieldValue<string[]>(13),
                }));
        return rows;
    }

    static T? Value<T>(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<T>(column);
}

/// <summary>
/// PostgreSQL's advisory locks of one connection, one for each source that this process runs. When the connection breaks they are free, and another process
/// may take them; the broker then ends the session here, since both have the same client id.
/// </summary>
sealed class SourceLocks(NpgsqlConnection connection) : IAsyncDisposable
{
    const int Space = 0x736f7572; // "sour"

    /// <summary>Takes the lock of a source, unless another process has it. The connection's own is taken once more, which does no harm.</summary>
    public async Task<bool> TryTakeAsync(string source, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({Space}, hashtext($1))", connection);
        command.Parameters.Add(new() { Value = source });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>Gives the lock of a source back.</summary>
    public async Task GiveAsync(string source, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_advisory_unlock({Space}, hashtext($1))", connection);
        command.Parameters.Add(new() { Value = source });
        await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Asks whether the connection lives.</summary>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await command.ExecuteScalarAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // The pool gives a connection on as it is, locks included.
            await using var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection) { CommandTimeout = 3 };
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception fault) when (Platform.Infrastructure.IsAtFault(fault) || fault is InvalidOperationException)
        {
            // Broken: the locks are free already.
        }
        await connection.DisposeAsync();
    }
}
