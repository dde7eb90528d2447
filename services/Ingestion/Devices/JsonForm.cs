using System.Text.Json;

namespace Allmende.Ingestion.Devices;

/// <summary>Reads the fields of a JSON body, whatever the case of their names, and finds all faults at once.</summary>
class JsonForm
{
    readonly List<(string Field, string Fault)> faults = [];
    readonly Dictionary<string, JsonElement> fields = new(StringComparer.OrdinalIgnoreCase);

    public JsonForm(JsonElement body)
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

    /// <summary>What is wrong, by field.</summary>
    public IReadOnlyList<(string Field, string Fault)> Faults => faults;

    /// <summary>Adds what only others can know, e.g. that there is no such profile.</summary>
    public void Add(string field, string fault) => faults.Add((field, fault));

    /// <summary>A text without spaces around it; null where it is left out, empty or has a fault.</summary>
    public string? Text(string field, int longest, bool required = false)
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

    /// <summary>A time as in RFC 3339.</summary>
    public DateTimeOffset? Time(string field)
    {
        if (Text(field, 40) is not { } text) return null;
        if (Uplinks.Rfc3339.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out var time)) return time;
        Add(field, "must be a time as in RFC 3339, with Z or an offset");
        return null;
    }

    /// <summary>True or false; false where it is left out.</summary>
    public bool Flag(string field)
    {
        if (!IsGiven(field, out var value)) return false;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Add(field, "must be true or false");
        return false;
    }

    protected bool IsGiven(string field, out JsonElement value) =>
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

    /// <summary>False if a name or a text in it is no Unicode: whoever writes it later would notice.</summary>
    public static bool IsUnicode(this JsonElement element)
    {
        try
        {
            return element.ValueKind switch
            {
                JsonValueKind.Object => element.EnumerateObject().All(field => field.Name is not null && field.Value.IsUnicode()),
                JsonValueKind.Array => element.EnumerateArray().All(IsUnicode),
                JsonValueKind.String => element.GetString() is not null,
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    public static bool ValueEqualsText(this JsonElement element, string text) => element.ValueKind == JsonValueKind.String && element.TextOrNull() == text;
}
