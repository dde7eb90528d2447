using System.Text.Json;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Inbox;

/// <summary>The unknown senders of each municipality.</summary>
sealed class UnknownDeviceStore(MunicipalDatabases databases, InboxOptions options)
{
    const string Columns = "name, device_id, door, first_seen, last_seen, count, uplinks, ignored_until";

    /// <summary>Adds what was seen, then lets the least recently seen names go that are too many. Who is a device by now is no longer unknown.</summary>
    public async Task WriteAsync(string municipality, IReadOnlyCollection<UnknownDevice> seen, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO unknown_device AS known (name, device_id, door, first_seen, last_seen, count, uplinks)
            SELECT n.name, n.device_id, n.door, n.first_seen, n.last_seen, n.count, n.uplinks::jsonb
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n (name, device_id, door, first_seen, last_seen, count, uplinks)
            WHERE NOT EXISTS (SELECT FROM device d WHERE d.id = n.name) AND NOT EXISTS (SELECT FROM device d WHERE d.dev_eui = n.name)
            ORDER BY n.name
            ON CONFLICT (name) DO UPDATE SET
              device_id = coalesce(excluded.device_id, known.device_id), door = excluded.door, count = known.count + excluded.count,
              first_seen = least(known.first_seen, excluded.first_seen), last_seen = greatest(known.last_seen, excluded.last_seen),
              uplinks = (SELECT jsonb_agg(e.uplink ORDER BY e.place)
                FROM jsonb_array_elements(known.uplinks || excluded.uplinks) WITH ORDINALITY AS e (uplink, place) WHERE e.place <= $8)
            WHERE known.adopted_by IS NULL
            """);
        command.Parameters.Add(new() { Value = seen.Select(one => one.Name).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => one.DeviceId).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Door).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => one.FirstSeen).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = seen.Select(one => one.LastSeen).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Count).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => JsonSerializer.Serialize([.. one.Uplinks], InboxJson.Default.ListKeptUplink)).ToArray() });
        command.Parameters.Add(new() { Value = options.UplinksKept });
        await command.ExecuteNonQueryAsync(cancellation);
        await ForgetAsync(municipality, cancellation);
    }

    /// <summary>Removes what is too old or too many. Those that are ignored are counted apart, or a flood of names would bring them back.</summary>
    public async Task ForgetAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            WITH ranked AS (
              SELECT name, last_seen, coalesce(ignored_until > now(), false) AS ignored,
                row_number() OVER (PARTITION BY coalesce(ignored_until > now(), false) ORDER BY last_seen DESC, name) AS place
              FROM unknown_device WHERE adopted_by IS NULL)
            DELETE FROM unknown_device u USING ranked r
            WHERE u.name = r.name AND u.adopted_by IS NULL AND (r.place > $1 OR (NOT r.ignored AND r.last_seen < now() - $2))
            """);
        command.Parameters.Add(new() { Value = options.MostNames });
        command.Parameters.Add(new() { Value = options.KeptFor });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Those that wait, or those that are ignored, the last seen first.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="ignored">Those that are ignored instead of those that wait.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">Most names.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<UnknownDevice>> ListAsync(string municipality, bool ignored, (DateTime Seen, string Name)? after, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT {Columns} FROM unknown_device
            WHERE adopted_by IS NULL AND coalesce(ignored_until > now(), false) = $1 AND (last_seen > now() - $2 OR $1)
              AND ($3::timestamptz IS NULL OR last_seen < $3 OR (last_seen = $3 AND name > $4))
            ORDER BY last_seen DESC, name LIMIT $5
            """);
        command.Parameters.Add(new() { Value = ignored });
        command.Parameters.Add(new() { Value = options.KeptFor });
        command.Parameters.Add(new() { Value = (object?)after?.Seen ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = after?.Name ?? "" });
        command.Parameters.Add(new() { Value = limit });
        return await ReadAsync(command, cancellation);
    }

    /// <summary>How many wait.</summary>
    public async Task<long> CountAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "SELECT count(*) FROM unknown_device WHERE adopted_by IS NULL AND coalesce(ignored_until > now(), false) = false AND last_seen > now() - $1");
        command.Parameters.Add(new() { Value = options.KeptFor });
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The one of that name, waiting or ignored, or null.</summary>
    public async Task<UnknownDevice?> FindAsync(string municipality, string name, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM unknown_device WHERE name = $1 AND adopted_by IS NULL");
        command.Parameters.Add(new() { Value = name });
        return (await ReadAsync(command, cancellation)).SingleOrDefault();
    }

    /// <summary>Ignores a name from now on, or shows it again; false if there is none.</summary>
    public async Task<bool> IgnoreAsync(string municipality, string name, bool ignored, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "UPDATE unknown_device SET ignored_until = CASE WHEN $2 THEN now() + $3 END WHERE name = $1 AND adopted_by IS NULL");
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = ignored });
        command.Parameters.Add(new() { Value = options.KeptFor });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>Adopted devices whose kept uplinks are still to be taken.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">Only this one.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<(string Device, UnknownDevice Kept)>> AdoptedAsync(string municipality, string? device, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            $"SELECT {Columns}, adopted_by FROM unknown_device WHERE adopted_by IS NOT NULL AND ($1::text IS NULL OR adopted_by = $1) ORDER BY name LIMIT 100");
        command.Parameters.Add(new() { Value = (object?)device ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(string, UnknownDevice)>();
        while (await reader.ReadAsync(cancellation)) rows.Add((reader.GetString(8), Row(reader)));
        return rows;
    }

    /// <summary>An adopted device's kept uplinks are taken.</summary>
    public async Task DoneAsync(string municipality, string name, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM unknown_device WHERE name = $1 AND adopted_by IS NOT NULL");
        command.Parameters.Add(new() { Value = name });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task<List<UnknownDevice>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<UnknownDevice>();
        while (await reader.ReadAsync(cancellation)) rows.Add(Row(reader));
        return rows;
    }

    static UnknownDevice Row(NpgsqlDataReader row) => new(
        row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetString(2), row.GetDateTime(3), row.GetDateTime(4), row.GetInt64(5),
        JsonSerializer.Deserialize(row.GetString(6), InboxJson.Default.ListKeptUplink)!, row.IsDBNull(7) ? null : row.GetDateTime(7));
}
