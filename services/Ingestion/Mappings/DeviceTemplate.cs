using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Allmende.Ingestion.Mappings;

/// <summary>
/// Says whose a message is: a path (<c>$.id</c>), a text (<c>wetter-rathaus</c>), or a text with paths and levels of the MQTT topic in braces
/// (<c>wetter-{$.station.id}</c>, <c>zigbee-{topic.2}</c>; the first level is 1).
/// </summary>
sealed class DeviceTemplate
{
    const int Longest = 256;

    readonly (string? Text, JsonPath? Path, int Level)[] parts;

    DeviceTemplate((string?, JsonPath?, int)[] parts) => this.parts = parts;

    /// <summary>Whether it asks for a reading of a list.</summary>
    public bool IsOfItem => Array.Exists(parts, part => part.Path is { IsOfItem: true });

    public static DeviceTemplate? Parse(string text, out string? fault)
    {
        var parts = new List<(string?, JsonPath?, int)>();
        fault = text.Length is 0 or > Longest || text.Any(char.IsControl) ? $"must have 1 to {Longest} characters, and no control characters" : text[0] is '$' or '@' ? AddPlace(text, parts) : ReadParts(text, parts);
        return fault is null ? new DeviceTemplate([.. parts]) : null;
    }

    static string? ReadParts(string text, List<(string?, JsonPath?, int)> parts)
    {
        for (var at = 0; at < text.Length;)
        {
            var open = text.IndexOf('{', at);
            if (open < 0) open = text.Length;
            if (open > at) parts.Add((text[at..open], null, 0));
            if (open == text.Length) break;
            var close = text.IndexOf('}', open);
            if (close < 0) return "has a { without a }";
            if (AddPlace(text[(open + 1)..close], parts) is { } fault) return fault;
            at = close + 1;
        }
        return null;
    }

    static string? AddPlace(string place, List<(string?, JsonPath?, int)> parts)
    {
        const string topic = "topic.";
        if (place.StartsWith(topic, StringComparison.Ordinal))
        {
            if (!int.TryParse(place.AsSpan(topic.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var level) || level is < 1 or > 64) return "names a level of the topic that is not 1 to 64";
            parts.Add((null, null, level));
            return null;
        }
        if (JsonPath.Parse(place, isList: false, out var fault) is not { } path) return $"'{place}' {fault}";
        parts.Add((null, path, 0));
        return null;
    }

    /// <summary>The device's name in this message; else the path at fault, and what is wrong.</summary>
    public (string? Name, string? Field, string? Fault) Of(JsonElement message, JsonElement item, string? topic)
    {
        var name = new StringBuilder();
        foreach (var (text, path, level) in parts)
        {
            if (text is not null) name.Append(text);
            else if (path is null)
            {
                var levels = topic?.Split('/') ?? [];
                if (level > levels.Length) return (null, $"topic.{level}", topic is null ? "is there for messages over MQTT alone" : "is not in the topic");
                name.Append(levels[level - 1]);
            }
            else if (path.In(message, item) is not { } value) return (null, path.Text, "is missing; it says whose the message is");
            else if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number)) return (null, path.Text, "must be a text or a number; it says whose the message is");
            else name.Append(value.ToString());
        }
        return (name.ToString(), null, null);
    }

    /// <summary>In the way of writing of device ids: lower case, dashes for what they cannot have. Umlauts and the like become dashes, too.</summary>
    public static string IdOf(string name)
    {
        var id = new StringBuilder(Math.Min(name.Length, 64));
        foreach (var c in name)
        {
            if (id.Length == 64) break;
            id.Append(char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-');
        }
        return id.ToString().Trim('-');
    }
}
