using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Writes;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// What becomes of Tasks that clients make and delete: commands to their devices, written into the outbox by the transaction that writes the Task. A Task is of a
/// registered device, whose Thing has the device's id.
/// </summary>
static class TaskCommands
{
    /// <summary>Of a Task whose command is on its way to Ingestion.</summary>
    public const string Pending = "pending";

    /// <summary>States that nothing follows.</summary>
    const string Over = "'acknowledged', 'failed', 'expired', 'cancelled'";

    /// <summary>Checks a Task against its TaskingCapability, and says what it commands and what is kept of it beside its properties.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="draft">The Task.</param>
    /// <param name="capability">Its TaskingCapability.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SensorThingsException">400 with the place at fault; 409 if the Thing is no registered device.</exception>
    public static async Task<(DeviceCommand Command, (string Column, string Sql, object Value)[] Columns)> OfAsync(
        WriteSession session, EntityDraft draft, EntityRow capability, CancellationToken cancellation)
    {
        await using var command = session.Command("""
            SELECT c.parameters::text, (c.properties -> 'downlink')::text, t.id, t.managed FROM tasking_capability c JOIN thing t ON t.key = c.thing WHERE c.key = $1 FOR SHARE OF c
            """, capability.Key);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var (parameters, settings, device, isDevice) = (reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetString(2), reader.GetBoolean(3));
        var name = $"TaskingCapabilities({Ids.InPath(capability.Id.Text, capability.Id.Quoted)})";
        if (!isDevice) throw new SensorThingsException(409, $"the Thing of {name} is no registered device (/devices): nothing can be sent to it");
        if (!draft.Values.TryGetValue(draft.Set.Property("taskingParameters")!, out var values) || values.ValueKind != JsonValueKind.Object) throw Fault.At(draft.Place, "taskingParameters", "is mandatory");
        DataRecord.Read(JsonElement.Parse(parameters), name + "/taskingParameters").Check(values, Fault.In(draft.Place, "taskingParameters"));
        // Ids say the order to a millisecond: those of one request are told that far apart.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), session.Commands is [.., var last] ? last.At.ToUnixTimeMilliseconds() + 1 : 0));
        var told = new DeviceCommand(Guid.CreateVersion7(now), DeviceCommand.Send, device, "", now, session.Rights.By, values.Clone(),
            settings is null ? null : Capabilities.SettingsIn(JsonElement.Parse(settings), name + "/properties/downlink"));
        return (told, [("command", "uuid", told.Id), ("device", "text", device), ("created", "timestamptz", now.UtcDateTime), ("status", "jsonb", StatusOf(session.Municipality, told))]);
    }

    static string StatusOf(string municipality, DeviceCommand command) => new System.Text.Json.Nodes.JsonObject
    {
        ["state"] = Pending,
        ["since"] = command.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        ["by"] = command.By,
        ["downlink"] = $"/{municipality}/devices/{command.Device}/downlinks/{command.Id:N}",
    }.ToJsonString();

    /// <summary>Writes a command into the outbox.</summary>
    public static async Task EnqueueAsync(WriteSession session, DeviceCommand command, CancellationToken cancellation)
    {
        await session.ExecuteAsync("INSERT INTO command_outbox (device, command) VALUES ($1, $2)", cancellation,
            command.Device, JsonSerializer.Serialize(command, ContractsJson.Default.DeviceCommand));
        session.Commands.Add(command);
    }

    /// <summary>Deletes Tasks; what of them may still wait is not sent any more.</summary>
    /// <returns>Their ids.</returns>
    public static async Task<IReadOnlyList<string>> DeleteAsync(WriteSession session, long[] keys, CancellationToken cancellation)
    {
        var deleted = new List<(string Id, Guid Command, string Device, bool IsOver)>();
        await using (var command = session.Command($"DELETE FROM task WHERE key = ANY($1) RETURNING id, command, device, status ->> 'state' IN ({Over})", keys))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) deleted.Add((reader.GetString(0), reader.GetGuid(1), reader.GetString(2), reader.GetBoolean(3)));
        foreach (var (id, command, device, _) in deleted.Where(task => !task.IsOver))
            await EnqueueAsync(session, new DeviceCommand(command, DeviceCommand.Cancel, device, id, DateTimeOffset.UtcNow, session.Rights.By), cancellation);
        return deleted.ConvertAll(task => task.Id);
    }

    /// <summary>Keeps what has become of a Task's command; what is older than what is known changes nothing, the same twice is told twice.</summary>
    /// <returns>The Task's id; null where it is gone, or more is known.</returns>
    public static async Task<string?> KeepAsync(NpgsqlDataSource database, TaskChanged change, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE task SET told = $2, status = (status - 'reason') || jsonb_strip_nulls(jsonb_build_object('state', $3::text, 'since', $4::text, 'reason', $5::text))
            WHERE command = $1 AND told <= $2 RETURNING id
            """);
        command.Parameters.Add(new() { Value = change.Command });
        command.Parameters.Add(new() { Value = change.Place });
        command.Parameters.Add(new() { Value = change.State });
        command.Parameters.Add(new() { Value = change.Since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) });
        command.Parameters.Add(new() { Value = (object?)change.Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return (string?)await command.ExecuteScalarAsync(cancellation);
    }
}
