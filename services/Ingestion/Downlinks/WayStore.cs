using System.Text.Json;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Downlinks;

/// <summary>What came of a way that was put.</summary>
/// <param name="IsNew">Whether there was none of that id; null if nothing was kept.</param>
/// <param name="Faults">Why nothing was kept; empty where there are as many ways as there may be.</param>
readonly record struct WayPut(bool? IsNew, IReadOnlyList<(string Field, string Fault)> Faults);

/// <summary>The ways of each municipality.</summary>
sealed class WayStore(MunicipalDatabases databases)
{
    const string Query = """
        SELECT w.id, w.way, w.secret, w.is_default, w.changed_at, (SELECT coalesce(array_agg(d.device ORDER BY d.device), '{}') FROM downlink_way_device d WHERE d.way = w.id)
        FROM downlink_way w
        """;

    const int ToldAtOnce = 10;

    /// <summary>All, in the order of their ids.</summary>
    public async Task<List<WayRow>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(Query + " ORDER BY w.id");
        return await ReadAsync(command, cancellation);
    }

    /// <summary>One, or null.</summary>
    public async Task<WayRow?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(Query + " WHERE w.id = $1");
        command.Parameters.Add(new() { Value = id });
        return (await ReadAsync(command, cancellation)).SingleOrDefault();
    }

    /// <summary>A device's way: its own, else that of all, else our own broker.</summary>
    public async Task<WayRow> OfDeviceAsync(string municipality, string device, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            Query + " WHERE w.id = (SELECT way FROM downlink_way_device WHERE device = $1) OR w.is_default ORDER BY w.is_default LIMIT 1");
        command.Parameters.Add(new() { Value = device });
        return (await ReadAsync(command, cancellation)).SingleOrDefault() ?? WayRow.Native;
    }

    /// <summary>Keeps one. What waits because its way failed is tried at once.</summary>
    public async Task<WayPut> PutAsync(string municipality, string id, DownlinkWay way, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('downlink_ways'))", connection)) await alone.ExecuteNonQueryAsync(cancellation);
        string[] devices = [.. way.Devices?.OfType<string>().Distinct(StringComparer.Ordinal) ?? []];
        var faults = await FaultsAsync(connection, id, devices, way.Devices is null, cancellation);
        if (faults.Count > 0) return new(null, faults);

        await using var command = new NpgsqlCommand("""
            INSERT INTO downlink_way (id, way, secret, is_default)
            SELECT $1, $2, nullif($3, ''), $4 WHERE EXISTS (SELECT FROM downlink_way WHERE id = $1) OR (SELECT count(*) FROM downlink_way) < $5
            ON CONFLICT (id) DO UPDATE SET way = excluded.way, is_default = excluded.is_default, changed_at = now(),
              secret = CASE WHEN $3::text IS NULL THEN downlink_way.secret ELSE excluded.secret END
            RETURNING xmax = 0
            """, connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(way with { Secret = null, Devices = null }, WayJson.Default.DownlinkWay), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = (object?)way.Secret ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = way.Devices is null });
        command.Parameters.Add(new() { Value = most });
        if (await command.ExecuteScalarAsync(cancellation) is not bool isNew) return new(null, []);

        await using var assign = new NpgsqlBatch(connection);
        assign.BatchCommands.Add(new("DELETE FROM downlink_way_device WHERE way = $1 AND device <> ALL ($2)") { Parameters = { new() { Value = id }, new() { Value = devices } } });
        assign.BatchCommands.Add(new("INSERT INTO downlink_way_device (device, way) SELECT unnest($2), $1 ON CONFLICT DO NOTHING") { Parameters = { new() { Value = id }, new() { Value = devices } } });
        assign.BatchCommands.Add(new("UPDATE downlink SET due_at = now() WHERE state = 'queued'"));
        await assign.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return new(isNew, []);
    }

    /// <summary>Removes one; false if there is none. What waits goes the way that is left.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM downlink_way WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    static async Task<List<(string Field, string Fault)>> FaultsAsync(NpgsqlConnection connection, string id, string[] devices, bool isDefault, CancellationToken cancellation)
    {
        await using var ask = new NpgsqlCommand($"""
            (SELECT 'devices', format('there is no device ''%s''', asked.id) FROM unnest($2) AS asked (id) WHERE NOT EXISTS (SELECT FROM device WHERE device.id = asked.id) LIMIT {ToldAtOnce})
            UNION ALL
            (SELECT 'devices', format('''%s'' has the way ''%s''', device, way) FROM downlink_way_device WHERE device = ANY ($2) AND way <> $1 LIMIT {ToldAtOnce})
            UNION ALL
            SELECT 'devices', format('is missing: the way of all devices that have no other is ''%s''', id) FROM downlink_way WHERE $3 AND is_default AND id <> $1
            """, connection);
        ask.Parameters.Add(new() { Value = id });
        ask.Parameters.Add(new() { Value = devices });
        ask.Parameters.Add(new() { Value = isDefault });
        await using var reader = await ask.ExecuteReaderAsync(cancellation);
        var faults = new List<(string, string)>();
        while (await reader.ReadAsync(cancellation)) faults.Add((reader.GetString(0), reader.GetString(1)));
        return faults;
    }

    static async Task<List<WayRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<WayRow>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(new(reader.GetString(0), JsonSerializer.Deserialize(reader.GetString(1), WayJson.Default.DownlinkWay)!, reader.IsDBNull(2) ? null : reader.GetString(2),
                reader.GetBoolean(3) ? null : reader.GetFieldValue<string[]>(5), reader.GetDateTime(4)));
        return rows;
    }
}
