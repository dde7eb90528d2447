using System.Text.Json;

namespace Allmende.Ingestion.Devices;

/// <summary>Reads what a client says of a device, and finds all faults at once.</summary>
sealed class DeviceForm(JsonElement body) : JsonForm(body)
{
    const int LongestName = 200, LongestDescription = 2000, LongestNotes = 5000, LongestIntervalSeconds = 366 * 24 * 3600, MostTags = 20, MostExternalIds = 20;

    /// <summary>Reads the body. What has a fault is missing or cut in the result: look at <see cref="JsonForm.Faults"/> before using it.</summary>
    /// <param name="id">The id where the path has it; the body then need not.</param>
    public Device Read(string? id = null) => new(
        ReadId(id),
        Text("name", LongestName, required: true) ?? "",
        Reference("profile", required: true) ?? "",
        ReadDevEui(),
        ReadLocation(),
        Text("description", LongestDescription),
        Reference("dataset"),
        ReadInterval(),
        ReadTags(),
        Text("group", LongestName),
        Text("department", LongestName),
        Text("notes", LongestNotes),
        Time("installedAt"),
        ReadExternalIds());

    /// <summary>The device as the one that sent under <paramref name="name"/>: with its DevEUI, or by its id.</summary>
    public Device Adopt(Device device, string name)
    {
        if (Device.NormalizeDevEui(name) == name)
        {
            if (device.DevEui is not null && device.DevEui != name) Add("devEui", $"is another one than {name}; leave it out");
            return device with { DevEui = name };
        }
        if (!Device.IsId(name)) Add("id", $"'{name}' cannot be a device's id; let it send one of lower-case letters, digits and dashes");
        else if (device.Id != name) Add("id", $"must be '{name}', or what it sends stays unknown");
        return device;
    }

    /// <summary>The device with what is another's from now on: DevEUI and profile.</summary>
    public (Device Device, string? Text, bool AllowMissing) ReadReplacement(Device before, int longestText)
    {
        var devEui = ReadDevEui();
        if (devEui is null && before.DevEui is not null && Faults.All(fault => fault.Field != "devEui")) Add("devEui", "is missing");
        if (devEui is not null && devEui == before.DevEui) Add("devEui", "is the one that it has already");
        return (before with { DevEui = devEui, Profile = Reference("profile") ?? before.Profile }, Text("text", longestText), Flag("allowMissing"));
    }

    string ReadId(string? fromPath)
    {
        var id = Text("id", 64, required: fromPath is null);
        if (fromPath is not null && id is not null && id != fromPath) Add("id", "is another one than in the path; an id cannot be changed");
        if (fromPath is null && id is not null && !Device.IsId(id))
            Add("id", "must consist of lower-case letters, digits and dashes (not digits alone, no dash at an end)");
        return fromPath ?? id ?? "";
    }

    string? ReadDevEui()
    {
        if (Text("devEui", 23) is not { } text) return null;
        if (Device.NormalizeDevEui(text) is { } devEui) return devEui;
        Add("devEui", "must be 16 hexadecimal digits");
        return null;
    }

    string? Reference(string field, bool required = false)
    {
        if (Text(field, 64, required) is not { } text) return null;
        if (Device.IsReference(text)) return text;
        Add(field, "must consist of lower-case letters, digits, dots, dashes and underscores, and begin with a letter or digit");
        return null;
    }

    int? ReadInterval()
    {
        const string field = "expectedInterval";
        if (!IsGiven(field, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var seconds) && seconds is > 0 and <= LongestIntervalSeconds) return seconds;
        Add(field, "must be a whole number of seconds, at most a year");
        return null;
    }

    string[]? ReadTags()
    {
        const string field = "tags";
        if (!IsGiven(field, out var value)) return null;
        var tags = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Select(tag => tag.ValueKind == JsonValueKind.String ? tag.TextOrNull() : null).ToList() : [null];
        if (tags.Any(tag => tag is null)) Add(field, "must be an array of texts");
        else if (tags.FirstOrDefault(tag => !Device.IsTag(tag!)) is { } wrong) Add(field, $"'{Short(wrong)}' must have at most 40 lower-case letters, digits and dashes");
        else if (tags.Distinct(StringComparer.Ordinal).Count() > MostTags) Add(field, $"must be at most {MostTags}");
        else return tags.Count == 0 ? null : [.. tags.Distinct(StringComparer.Ordinal)!];
        return null;
    }

    SortedDictionary<string, string>? ReadExternalIds()
    {
        const string field = "externalIds";
        if (!IsGiven(field, out var value)) return null;
        var ids = new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var id in value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : throw new InvalidOperationException())
                ids[id.Name] = id.Value.ValueKind == JsonValueKind.String ? id.Value.GetString()! : throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
            Add(field, "must be an object of texts: {\"name of the system\":\"id there\"}");
            return null;
        }
        if (ids.Count > MostExternalIds) Add(field, $"must be at most {MostExternalIds}");
        foreach (var (system, id) in ids)
            if (!Device.IsReference(system)) Add($"{field}.{Short(system)}", "must be called by lower-case letters, digits, dots, dashes and underscores");
            else if (id.Length is 0 or > LongestName || id.Any(char.IsControl)) Add($"{field}.{system}", $"must have 1 to {LongestName} characters");
        return ids.Count == 0 ? null : ids;
    }

    static string Short(string text) => text.Length <= 40 ? text : text[..40] + "…";

    JsonElement? ReadLocation()
    {
        if (!IsGiven("location", out var location)) return null;
        if (location.ValueKind != JsonValueKind.Object || !location.IsUnicode() || !location.TryGetProperty("type", out var type) || !type.ValueEqualsText("Point"))
        {
            Add("location", """must be a GeoJSON Point: {"type":"Point","coordinates":[longitude, latitude]}""");
            return null;
        }
        if (!location.TryGetProperty("coordinates", out var coordinates) || coordinates.ValueKind != JsonValueKind.Array || coordinates.GetArrayLength() is not (2 or 3))
        {
            Add("location.coordinates", "must be [longitude, latitude] or [longitude, latitude, height]");
            return null;
        }
        var numbers = coordinates.EnumerateArray()
            .Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out var number) ? number : double.NaN).ToArray();
        if (numbers.Any(number => !double.IsFinite(number))) Add("location.coordinates", "must be numbers");
        else if (numbers[0] is < -180 or > 180) Add("location.coordinates", "longitude (the first number) must be -180 to 180");
        else if (numbers[1] is < -90 or > 90) Add("location.coordinates", "latitude (the second number) must be -90 to 90");
        else return PointOf(numbers);
        return null;
    }

    /// <summary>Only what a Point has: a client's further members would be kept for nobody.</summary>
    static JsonElement PointOf(double[] coordinates) => JsonSerializer.SerializeToElement(new Dictionary<string, object> { ["type"] = "Point", ["coordinates"] = coordinates });
}
