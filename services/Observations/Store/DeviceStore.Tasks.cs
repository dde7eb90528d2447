using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>What a device's profile says that it can be told to do: a TaskingCapability <c>{device}.{task}</c> each, and the Actuator of the profile.</summary>
public sealed partial class DeviceStore
{
    static async Task UpsertTasksAsync(NpgsqlConnection connection, DeviceRegistered device, long thing, List<EntityChange> changes, CancellationToken cancellation)
    {
        var tasks = device.Tasks ?? [];
        // What the profile no longer has is the clients' from now on: they delete it, when they no longer need its Tasks.
        await ExecuteAsync(connection, "UPDATE tasking_capability SET managed = false WHERE thing = $1 AND managed AND NOT id = ANY ($2)", cancellation,
            thing, tasks.Select(task => IdOf(device, task)).ToArray());
        if (tasks.Count == 0) return;
        var actuator = await UpsertAsync(connection, "Actuators", changes, """
            INSERT INTO actuator (id, name, description, encoding_type, metadata, managed) VALUES ($1, $2, $2, 'text/html', to_jsonb(''::text), true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, managed = true, dataset = NULL, access = NULL
            RETURNING key, xmax = 0
            """, cancellation, device.Profile, device.ProfileName);
        foreach (var task in tasks.OrderBy(one => one.Id, StringComparer.Ordinal)) // all lock in one order
            await UpsertAsync(connection, "TaskingCapabilities", changes, """
                INSERT INTO tasking_capability (id, name, description, properties, parameters, thing, actuator, managed) VALUES ($1, $2, $3, $4, $5, $6, $7, true)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, properties = excluded.properties, parameters = excluded.parameters,
                  thing = excluded.thing, actuator = excluded.actuator, managed = true
                RETURNING key, xmax = 0
                """, cancellation, IdOf(device, task), task.Name, task.Description ?? $"{task.Name}, {device.Name}", new Jsonb(PropertiesOf(device, task)), new Jsonb(RecordOf(task)), thing, actuator);
    }

    static string IdOf(DeviceRegistered device, ProfileTask task) => $"{device.Id}.{task.Id}";

    static string PropertiesOf(DeviceRegistered device, ProfileTask task)
    {
        var properties = new JsonObject { ["device"] = device.Id, ["profile"] = device.Profile, ["task"] = task.Id };
        if (task.NameEn is { Length: > 0 } name) properties["nameEn"] = name;
        if (task.Downlink is { } downlink) properties["downlink"] = JsonSerializer.SerializeToNode(downlink, ContractsJson.Default.DownlinkSettings);
        if (task.Example is { } example) properties["example"] = JsonNode.Parse(example.GetRawText());
        return properties.ToJsonString();
    }

    /// <summary>The parameters as a DataRecord of SWE Common.</summary>
    static string RecordOf(ProfileTask task) => new JsonObject { ["type"] = "DataRecord", ["field"] = new JsonArray([.. task.Parameters.Select(FieldOf)]) }.ToJsonString();

    static JsonNode FieldOf(TaskParameter parameter)
    {
        var field = new JsonObject { ["name"] = parameter.Name, ["type"] = parameter.Type, ["label"] = parameter.Label ?? parameter.Name };
        if (parameter.LabelEn is { Length: > 0 } label) field["labelEn"] = label;
        if (parameter.Optional == true) field["optional"] = true;
        if (parameter.Unit is { } unit) field["uom"] = new JsonObject { ["code"] = unit };
        if (parameter.Values is { } values) field["constraint"] = new JsonObject { ["type"] = "AllowedTokens", ["value"] = new JsonArray([.. values.Select(value => (JsonNode)value)]) };
        if (parameter.Range is [var low, var high]) field["constraint"] = new JsonObject { ["type"] = "AllowedValues", ["interval"] = new JsonArray(new JsonArray(low, high)) };
        return field;
    }
}
