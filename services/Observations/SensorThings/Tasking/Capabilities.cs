using System.Text.Json;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// What a TaskingCapability must be beyond its properties' shapes: <c>taskingParameters</c> a <see cref="DataRecord"/>, and in <c>properties.downlink</c>, where it is
/// there, how what it tells a device is sent (<see cref="DownlinkSettings"/>): <c>{"fPort":2,"confirmed":true,"priority":"high","validFor":3600}</c>.
/// </summary>
static class Capabilities
{
    /// <summary>The member of <c>properties</c> with the settings.</summary>
    public const string Downlink = "downlink";

    /// <summary>Checks what a client gives.</summary>
    /// <exception cref="SensorThingsException">400 with the place at fault.</exception>
    public static void Check(EntityDraft draft)
    {
        if (draft.Values.TryGetValue(draft.Set.Property("taskingParameters")!, out var parameters)) DataRecord.Read(parameters, Fault.In(draft.Place, "taskingParameters"));
        if (draft.Values.TryGetValue(draft.Set.Property("properties")!, out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(Downlink, out var settings)) SettingsIn(settings, Fault.In(draft.Place, "properties/" + Downlink));
    }

    /// <summary>Reads the settings.</summary>
    /// <exception cref="SensorThingsException">400 with the place at fault.</exception>
    public static DownlinkSettings SettingsIn(JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"'{place}' must be a JSON object");
        var settings = new DownlinkSettings();
        foreach (var member in json.EnumerateObject())
            settings = member.Name switch
            {
                "fPort" => settings with { FPort = Whole(member.Value) },
                "validFor" => settings with { ValidFor = Whole(member.Value) },
                "confirmed" when member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False => settings with { Confirmed = member.Value.GetBoolean() },
                "confirmed" => throw Fault.At(place, member.Name, "must be true or false"),
                "priority" => settings with { Priority = member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString() : "" },
                _ => throw Fault.At(place, member.Name, "is none of fPort, confirmed, priority, validFor"),
            };
        foreach (var (member, fault) in settings.Faults()) throw Fault.At(place, member, fault);
        return settings;

        static int Whole(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;
    }
}
