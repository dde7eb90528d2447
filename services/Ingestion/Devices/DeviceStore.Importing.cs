using System.Text.Json.Nodes;
using Allmende.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Devices;

/// <summary>A device out of a table.</summary>
/// <param name="Device">As it is from now on.</param>
/// <param name="Profile">Its profile.</param>
/// <param name="KeyHash">SHA-256 of its key where it is new; null where it is there already.</param>
sealed record ImportedDevice(Device Device, DeviceProfile Profile, string? KeyHash);

/// <summary>Many devices at once.</summary>
sealed partial class DeviceStore
{
    const string ImportedColumns = "name, profile, dev_eui, location, description, dataset, expected_interval, tags, device_group, department, notes, installed_at, external_ids, decoded_by_sender, profile_interval";

    const string ImportedRows = """
        jsonb_to_recordset($1) AS r (id text, name text, profile text, dev_eui text, location jsonb, description text, dataset text, expected_interval integer,
          tags text[], device_group text, department text, notes text, installed_at timestamptz, external_ids jsonb, decoded_by_sender boolean, profile_interval integer, key_hash text)
        """;

    /// <summary>The profiles of these devices.</summary>
    public async Task<List<string>> ProfilesOfAsync(string municipality, string[] ids, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT DISTINCT profile FROM device WHERE id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids });
        return await ReadAsync(command, row => row.GetString(0), cancellation);
    }

    /// <summary>
    /// Plans and writes in one transaction. While it lives nobody else registers or changes a device, so what was planned is what is written; uplinks are taken
    /// meanwhile.
    /// </summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="ids">The ids that the plan has to do with.</param>
    /// <param name="devEuis">The DevEUIs that it has to do with.</param>
    /// <param name="write">False: only look.</param>
    /// <param name="plan">From the devices that have one of these to what is to be written; null for nothing.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it was written.</returns>
    public async Task<bool> ImportAsync(
        string municipality, string[] ids, string[] devEuis, bool write, Func<List<Device>, List<ImportedDevice>?> plan, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (write) await ExecuteAsync(connection, "SET LOCAL lock_timeout = '5s'; LOCK TABLE device IN SHARE ROW EXCLUSIVE MODE", null, cancellation);
        await using var find = new NpgsqlCommand($"SELECT {Columns} FROM device d WHERE d.id = ANY ($1) OR d.dev_eui = ANY ($2)", connection);
        find.Parameters.Add(new() { Value = ids });
        find.Parameters.Add(new() { Value = devEuis });
        if (plan(await ReadAsync(find, Described, cancellation)) is not { } devices) return false;

        var changed = Json(devices.Where(device => device.KeyHash is null));
        // First of all the old DevEUIs go, so that two devices can exchange theirs.
        await ExecuteAsync(connection, $"UPDATE device d SET dev_eui = NULL FROM {ImportedRows} WHERE d.id = r.id AND d.dev_eui IS DISTINCT FROM r.dev_eui", changed, cancellation);
        await ExecuteAsync(connection, $"""
            WITH changed AS (
              UPDATE device d SET ({ImportedColumns}, changed_at) = ROW (r.name, r.profile, r.dev_eui, r.location, r.description, r.dataset, r.expected_interval,
                coalesce(r.tags, array[]::text[]), r.device_group, r.department, r.notes, r.installed_at, r.external_ids, r.decoded_by_sender, r.profile_interval, now())
              FROM {ImportedRows} WHERE d.id = r.id RETURNING d.id)
            INSERT INTO outbox (type, device) SELECT '{EventTypes.DeviceChanged}', id FROM changed
            """, changed, cancellation);
        await ExecuteAsync(connection, $"""
            WITH added AS (
              INSERT INTO device (id, {ImportedColumns}, key_hash)
              SELECT r.id, r.name, r.profile, r.dev_eui, r.location, r.description, r.dataset, r.expected_interval, coalesce(r.tags, array[]::text[]),
                r.device_group, r.department, r.notes, r.installed_at, r.external_ids, r.decoded_by_sender, r.profile_interval, r.key_hash
              FROM {ImportedRows} RETURNING id, dev_eui),
            known AS (DELETE FROM unknown_device u USING added a WHERE u.name IN (a.id, a.dev_eui))
            INSERT INTO outbox (type, device) SELECT '{EventTypes.DeviceRegistered}', id FROM added
            """, Json(devices.Where(device => device.KeyHash is not null)), cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, string? rows, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        if (rows is not null) command.Parameters.Add(new() { Value = rows, NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static string Json(IEnumerable<ImportedDevice> devices) => new JsonArray([.. devices.Select(one => (JsonNode)new JsonObject
    {
        ["id"] = one.Device.Id,
        ["name"] = one.Device.Name,
        ["profile"] = one.Device.Profile,
        ["dev_eui"] = one.Device.DevEui,
        ["location"] = one.Device.Location is { } location ? JsonNode.Parse(location.GetRawText()) : null,
        ["description"] = one.Device.Description,
        ["dataset"] = one.Device.Dataset,
        ["expected_interval"] = one.Device.ExpectedInterval,
        ["tags"] = one.Device.Tags is { } tags ? new JsonArray([.. tags.Select(tag => (JsonNode)tag)]) : null,
        ["device_group"] = one.Device.Group,
        ["department"] = one.Device.Department,
        ["notes"] = one.Device.Notes,
        ["installed_at"] = one.Device.InstalledAt,
        ["external_ids"] = one.Device.ExternalIds is { } ids ? new JsonObject(ids.Select(id => KeyValuePair.Create(id.Key, (JsonNode?)id.Value))) : null,
        ["decoded_by_sender"] = one.Profile.Codec is null,
        ["profile_interval"] = one.Profile.ExpectedInterval ?? 0,
        ["key_hash"] = one.KeyHash,
    })]).ToJsonString();
}
