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
sealed partial class DeviceStore(MunicipalDatabases databases)
{
    const string Columns = """
        d.id, d.name, d.profile, d.dev_eui, d.location, d.description, d.dataset, d.expected_interval,
        d.tags, d.device_group, d.department, d.notes, d.installed_at, d.external_ids
        """;

    const string KnownColumns = "id, dev_eui, profile, decoded_by_sender, key_hash, state = 'retired', certificate_hash";

    /// <summary>Adds a device.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device.</param>
    /// <param name="profile">Its profile.</param>
    /// <param name="keyHash">SHA-256 of its key.</param>
    /// <param name="adopts">The name in the inbox of unknown senders that it is; its kept uplinks are then to be taken. Under other names nothing of it waits any more.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Stored> AddAsync(string municipality, Device device, DeviceProfile profile, string keyHash, string? adopts, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH added AS (
              INSERT INTO device (id, name, profile, dev_eui, location, description, dataset, expected_interval,
                tags, device_group, department, notes, installed_at, external_ids, decoded_by_sender, profile_interval, key_hash)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id),
            adopted AS (UPDATE unknown_device SET adopted_by = added.id FROM added WHERE name = $19),
            known AS (DELETE FROM unknown_device USING added WHERE name IN ($1, $4) AND name IS DISTINCT FROM $19)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceRegistered}', id, $18 FROM added
            """);
        AddFields(command, device);
        AddTraits(command, profile);
        command.Parameters.Add(new() { Value = keyHash });
        command.Parameters.Add(Trace());
        command.Parameters.Add(Text(adopts));
        return await StoreAsync(command, cancellation);
    }

    /// <summary>Replaces a device's description; its key stays.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device.</param>
    /// <param name="profile">Its profile.</param>
    /// <param name="unchangedSince">Only if nobody has changed it since: its <c>changedAt</c>. Then <see cref="Stored.NoSuchDevice"/> may also mean that somebody has.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Stored> ReplaceAsync(string municipality, Device device, DeviceProfile profile, DateTime? unchangedSince, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (
              UPDATE device SET name = $2, profile = $3, dev_eui = $4, location = $5, description = $6, dataset = $7, expected_interval = $8,
                tags = $9, device_group = $10, department = $11, notes = $12, installed_at = $13, external_ids = $14,
                decoded_by_sender = $15, profile_interval = $16, changed_at = now()
              WHERE id = $1 AND ($18::timestamptz IS NULL OR changed_at = $18) RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceChanged}', id, $17 FROM changed
            """);
        AddFields(command, device);
        AddTraits(command, profile);
        command.Parameters.Add(Trace());
        command.Parameters.Add(Time(unchangedSince));
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
    public async Task<int> TouchDevicesOfAsync(string municipality, DeviceProfile profile, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (UPDATE device SET decoded_by_sender = $1, profile_interval = $2 WHERE profile = $3 RETURNING id)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceChanged}', id, $4 FROM changed
            """);
        AddTraits(command, profile);
        command.Parameters.Add(new() { Value = profile.Id });
        command.Parameters.Add(Trace());
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The devices with these ids, for their events.</summary>
    public async Task<List<Device>> FindAllAsync(string municipality, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM device d WHERE d.id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids.ToArray() });
        return await ReadAsync(command, Described, cancellation);
    }

    /// <summary>What the doors must know of a device, by its id, DevEUI, key or certificate.</summary>
    public async Task<KnownDevice?> FindKnownAsync(string municipality, DeviceName name, CancellationToken cancellation)
    {
        var column = name.Kind switch { DeviceNameKind.Id => "id", DeviceNameKind.DevEui => "dev_eui", DeviceNameKind.KeyHash => "key_hash", _ => "certificate_hash" };
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {KnownColumns} FROM device WHERE {column} = $1");
        command.Parameters.Add(new() { Value = name.Value });
        return (await ReadAsync(command, Known, cancellation)).SingleOrDefault();
    }

    /// <summary>The same for many devices at once, by their ids.</summary>
    public async Task<List<KnownDevice>> FindKnownAsync(string municipality, string[] ids, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {KnownColumns} FROM device WHERE id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids });
        return await ReadAsync(command, Known, cancellation);
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

    /// <summary>What of the profile is needed on the way of an uplink, and by the watch.</summary>
    static void AddTraits(NpgsqlCommand command, DeviceProfile profile)
    {
        command.Parameters.Add(new() { Value = profile.Codec is null });
        command.Parameters.Add(new() { Value = profile.ExpectedInterval ?? 0 });
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
        command.Parameters.Add(new() { Value = (device.Tags ?? []).ToArray() });
        command.Parameters.Add(Text(device.Group));
        command.Parameters.Add(Text(device.Department));
        command.Parameters.Add(Text(device.Notes));
        command.Parameters.Add(Time(device.InstalledAt?.UtcDateTime));
        command.Parameters.Add(new() { Value = device.ExternalIds is { } ids ? JsonSerializer.Serialize(ids) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
    }

    static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    static NpgsqlParameter Time(DateTime? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

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
        Value<string>(row, 5), Value<string>(row, 6), Value<int?>(row, 7),
        row.GetFieldValue<string[]>(8) is { Length: > 0 } tags ? tags : null, Value<string>(row, 9), Value<string>(row, 10), Value<string>(row, 11),
        Value<DateTime?>(row, 12) is { } installed ? new DateTimeOffset(installed) : null,
        Value<string>(row, 13) is { } ids ? JsonSerializer.Deserialize<SortedDictionary<string, string>>(ids) : null);

    static KnownDevice Known(NpgsqlDataReader row) => new(row.GetString(0), Value<string>(row, 1), row.GetString(2), row.GetBoolean(3), row.GetString(4), row.GetBoolean(5), Value<string>(row, 6));

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
