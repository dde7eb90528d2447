using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Devices;

/// <summary>The states of a municipality's devices, with their history.</summary>
sealed class DeviceStateStore(MunicipalDatabases databases)
{
    /// <summary>
    /// Changes the state if it may follow on the one that the device is in, seen and changed under one lock. The state that it was in, or null if there is no such
    /// device; whether it was changed is up to <see cref="DeviceState.After"/> of that. Nobody expects a faulty device to send: what was wrong with its
    /// sending is over, and nobody is told of a recovery.
    /// </summary>
    public async Task<string?> ChangeAsync(string municipality, string id, string to, string by, string? reason, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Before the row, as everybody else: see DeviceSignStore.
        await using (var table = new NpgsqlCommand("LOCK TABLE device IN ROW EXCLUSIVE MODE", connection)) await table.ExecuteNonQueryAsync(cancellation);
        await using var find = new NpgsqlCommand("SELECT state FROM device WHERE id = $1 FOR UPDATE", connection) { Parameters = { new() { Value = id } } };
        if (await find.ExecuteScalarAsync(cancellation) is not string from) return null;
        if (!DeviceState.After(from).Contains(to)) return from;
        await using var change = new NpgsqlCommand("""
            WITH changed AS (UPDATE device SET state = $2, state_since = now() WHERE id = $1),
            over AS (UPDATE device_condition SET until = now() WHERE device = $1 AND until IS NULL AND (kind = 'silent' OR $2 = 'retired'))
            INSERT INTO device_state_change (device, from_state, to_state, by, reason) VALUES ($1, $3, $2, $4, $5)
            """, connection);
        change.Parameters.Add(new() { Value = id });
        change.Parameters.Add(new() { Value = to });
        change.Parameters.Add(new() { Value = from });
        change.Parameters.Add(new() { Value = by });
        change.Parameters.Add(new() { Value = (object?)reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await change.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return from;
    }

    /// <summary>The last changes, the newest first.</summary>
    public async Task<List<StateChange>> HistoryAsync(string municipality, string id, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "SELECT at, from_state, to_state, by, reason FROM device_state_change WHERE device = $1 ORDER BY id DESC LIMIT $2");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var changes = new List<StateChange>();
        while (await reader.ReadAsync(cancellation))
            changes.Add(new(reader.GetDateTime(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4)));
        return changes;
    }
}
