using System.Diagnostics;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Devices;

/// <summary>
/// The devices of each municipality. Whatever changes one writes the event that tells of it in the same statement, so that
/// neither is there without the other.
/// </summary>
sealed class DeviceStore(MunicipalDatabases databases)
{
    const string Columns = "d.id, d.name, d.profile, d.dev_eui, d.location, d.description, d.dataset, d.expected_interval";

    /// <summary>Adds a device.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device.</param>
    /// <param name="decodedBySender">Whether the profile has no codec.</param>
    /// <param name="keyHash">SHA-256 of its key.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Stored> AddAsync(string municipality, Device device, bool decodedBySender, string keyHash, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH added AS (
              INSERT INTO device (id, name, profile, dev_eui, location, description, dataset, expected_interval, decoded_by_sender, key_hash)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceRegistered}', id, $11 FROM added
            """);
        AddFields(command, device);
        command.Parameters.Add(new() { Value = decodedBySender });
        command.Parameters.Add(new() { Value = keyHash });
        command.Parameters.Add(Trace());
        return await StoreAsync(command, cancellation);
    }

    /// <summary>Replaces a device's description; its key stays.</summary>
    public async Task<Stored> ReplaceAsync(string municipality, Device device, bool decodedBySender, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (
              UPDATE device SET name = $2, profile = $3, dev_eui = $4, location = $5, description = $6, dataset = $7, expected_interval = $8,
                decoded_by_sender = $9, changed_at = now()
              WHERE id = $1 RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceChanged}', id, $10 FROM changed
            """);
        AddFields(command, device);
        command.Parameters.Add(new() { Value = decodedBySender });
        command.Parameters.Add(Trace());
        return await StoreAsync(command, cancellation);
    }

    /// <summary>Removes a device; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH removed AS (DELETE FROM device WHERE id = $1 RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceRemoved}', id, $2 FROM removed
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(Trace());
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>Gives a device another key; the old one is worth nothing from then on. False if there is no such device.</summary>
    public async Task<bool> ReplaceKeyAsync(string municipality, string id, string keyHash, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("UPDATE device SET key_hash = $2, changed_at = now() WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = keyHash });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>After a change of a profile: notes that its devices have changed.</summary>
    public async Task<int> TouchDevicesOfAsync(string municipality, string profile, bool decodedBySender, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (UPDATE device SET decoded_by_sender = $2 WHERE profile = $1 RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceChanged}', id, $3 FROM changed
            """);
        command.Parameters.Add(new() { Value = profile });
        command.Parameters.Add(new() { Value = decodedBySender });
        command.Parameters.Add(Trace());
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The device, or null.</summary>
    public async Task<RegisteredDevice?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT {Columns}, d.registered_at, d.changed_at, s.at, s.f_cnt, s.rssi, s.snr
            FROM device d LEFT JOIN last_seen s ON s.device = d.id WHERE d.id = $1
            """);
        command.Parameters.Add(new() { Value = id });
        return (await ReadAsync(command, Registered, cancellation)).SingleOrDefault();
    }

    /// <summary>A page of devices in the order of their ids.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="search">Part of id, name, DevEUI, profile, dataset or description; null for all.</param>
    /// <param name="profile">Only of this profile.</param>
    /// <param name="after">Only ids after this one.</param>
    /// <param name="limit">Most devices.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<RegisteredDevice>> ListAsync(
        string municipality, string? search, string? profile, string? after, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT {Columns}, d.registered_at, d.changed_at, s.at, s.f_cnt, s.rssi, s.snr
            FROM device d LEFT JOIN last_seen s ON s.device = d.id
            WHERE d.id > $1 AND ($2::text IS NULL OR d.profile = $2)
              AND ($3::text IS NULL OR concat_ws(' ', d.id, d.name, d.dev_eui, d.profile, d.dataset, d.description) ILIKE $3)
            ORDER BY d.id LIMIT $4
            """);
        command.Parameters.Add(new() { Value = after ?? "" });
        command.Parameters.Add(Text(profile));
        command.Parameters.Add(Text(search is null ? null : $"%{search.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%"));
        command.Parameters.Add(new() { Value = limit });
        return await ReadAsync(command, Registered, cancellation);
    }

    /// <summary>The devices with these ids, for their events.</summary>
    public async Task<List<Device>> FindAllAsync(string municipality, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM device d WHERE d.id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids.ToArray() });
        return await ReadAsync(command, Described, cancellation);
    }

    /// <summary>What the doors must know of a device, by its id, DevEUI or key.</summary>
    public async Task<KnownDevice?> FindKnownAsync(string municipality, DeviceName name, CancellationToken cancellation)
    {
        var column = name.Kind switch { DeviceNameKind.Id => "id", DeviceNameKind.DevEui => "dev_eui", _ => "key_hash" };
        await using var command = databases.Of(municipality).CreateCommand($"SELECT id, dev_eui, profile, decoded_by_sender, key_hash FROM device WHERE {column} = $1");
        command.Parameters.Add(new() { Value = name.Value });
        return (await ReadAsync(command, Known, cancellation)).SingleOrDefault();
    }

    /// <summary>The same for many devices at once, by their ids.</summary>
    public async Task<List<KnownDevice>> FindKnownAsync(string municipality, string[] ids, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, dev_eui, profile, decoded_by_sender, key_hash FROM device WHERE id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids });
        return await ReadAsync(command, Known, cancellation);
    }

    /// <summary>Notes when devices were last heard of; older news than is known changes nothing.</summary>
    public async Task SeenAsync(string municipality, IReadOnlyCollection<KeyValuePair<string, LastSeen>> seen, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO last_seen AS known (device, at, f_cnt, rssi, snr)
            SELECT n.* FROM unnest($1, $2, $3, $4, $5) AS n (device, at, f_cnt, rssi, snr) JOIN device d ON d.id = n.device
            ON CONFLICT (device) DO UPDATE SET at = excluded.at, f_cnt = excluded.f_cnt, rssi = excluded.rssi, snr = excluded.snr WHERE excluded.at >= known.at
            """);
        command.Parameters.Add(new() { Value = seen.Select(one => one.Key).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Value.At).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Value.FCnt).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Value.Rssi).ToArray() });
        command.Parameters.Add(new() { Value = seen.Select(one => one.Value.Snr).ToArray() });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task<Stored> StoreAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        try
        {
            return await command.ExecuteNonQueryAsync(cancellation) > 0 ? Stored.Yes : Stored.NoSuchDevice;
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return fault.ConstraintName == "device_dev_eui" ? Stored.DevEuiTaken : Stored.IdTaken;
        }
    }

    static void AddFields(NpgsqlCommand command, Device device)
    {
        command.Parameters.Add(new() { Value = device.Id });
        command.Parameters.Add(new() { Value = device.Name });
        command.Parameters.Add(new() { Value = device.Profile });
        command.Parameters.Add(Text(device.DevEui));
        command.Parameters.Add(new() { Value = (object?)device.Location?.GetRawText() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(Text(device.Description));
        command.Parameters.Add(Text(device.Dataset));
        command.Parameters.Add(new() { Value = (object?)device.ExpectedInterval ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
    }

    static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    static NpgsqlParameter Trace() => Text(Activity.Current?.Id);

    static async Task<List<T>> ReadAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(read(reader));
        return rows;
    }

    static Device Described(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), Value<string>(row, 3),
        Value<string>(row, 4) is { } location ? JsonElement.Parse(location) : null,
        Value<string>(row, 5), Value<string>(row, 6), Value<int?>(row, 7));

    static RegisteredDevice Registered(NpgsqlDataReader row) => new(
        Described(row), row.GetDateTime(8), row.GetDateTime(9),
        row.IsDBNull(10) ? null : new LastSeen(row.GetDateTime(10), Value<long?>(row, 11), Value<double?>(row, 12), Value<double?>(row, 13)));

    static KnownDevice Known(NpgsqlDataReader row) => new(row.GetString(0), Value<string>(row, 1), row.GetString(2), row.GetBoolean(3), row.GetString(4));

    static T? Value<T>(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<T>(column);
}

/// <summary>What came of a change.</summary>
enum Stored
{
    Yes,
    NoSuchDevice,
    IdTaken,
    DevEuiTaken,
}
