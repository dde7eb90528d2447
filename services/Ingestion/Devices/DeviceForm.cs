using System.Text.Json;

namespace Allmende.Ingestion.Devices;

/// <summary>Reads what a client says of a device, and finds all faults at once.</summary>
sealed class DeviceForm
{
    const int LongestName = 200, LongestDescription = 2000, LongestIntervalSeconds = 366 * 24 * 3600;

    readonly List<(string Field, string Fault)> faults = [];
    readonly Dictionary<string, JsonElement> fields = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong, by field.</summary>
    public IReadOnlyList<(string Field, string Fault)> Faults => faults;

    /// <summary>Adds what only others can know, e.g. that there is no such profile.</summary>
    public void Add(string field, string fault) => faults.Add((field, fault));

    /// <summary>Reads the body. What has a fault is missing or cut in the result: look at <see cref="Faults"/> before using it.</summary>
    /// <param name="body">The JSON that the client sent.</param>
    /// <param name="id">The id where the path has it; the body then need not.</param>
    public Device Read(JsonElement body, string? id = null)
    {
        TakeFields(body);
        return new Device(
            ReadId(id),
            Text("name", LongestName, required: true) ?? "",
            Reference("profile", required: true) ?? "",
            ReadDevEui(),
            ReadLocation(),
            Text("description", LongestDescription),
            Reference("dataset"),
            ReadInterval());
    }

    void TakeFields(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            Add("", "must be a JSON object");
            return;
        }
        try
        {
            foreach (var property in body.EnumerateObject()) fields[property.Name] = property.Value;
        }
        catch (InvalidOperationException)
        {
            Add("", "has a field whose name is no Unicode");
        }
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

    JsonElement? ReadLocation()
    {
        if (!IsGiven("location", out var location)) return null;
        if (location.ValueKind != JsonValueKind.Object || !location.TryGetProperty("type", out var type) || !type.ValueEqualsText("Point"))
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

    string? Text(string field, int longest, bool required = false)
    {
        if (!IsGiven(field, out var value))
        {
            if (required) Add(field, "is missing");
            return null;
        }
        if (value.ValueKind != JsonValueKind.String || value.TextOrNull() is not { } text) Add(field, "must be a text");
        else if (required && string.IsNullOrWhiteSpace(text)) Add(field, "is empty");
        else if (text.Length > longest) Add(field, $"must have at most {longest} characters");
        else if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t'))) Add(field, "must not have control characters");
        else return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
        return null;
    }

    bool IsGiven(string field, out JsonElement value) =>
        fields.TryGetValue(field, out value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined);
}

static class JsonTexts
{
    /// <summary>The text, or null if it is no Unicode (half of a surrogate pair), of which JsonElement makes an exception.</summary>
    public static string? TextOrNull(this JsonElement element)
    {
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static bool ValueEqualsText(this JsonElement element, string text) => element.ValueKind == JsonValueKind.String && element.TextOrNull() == text;
}
