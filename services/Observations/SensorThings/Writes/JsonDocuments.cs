using System.Text.Json;
using System.Text.Json.Nodes;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>JSON of clients, with limits, and faults in the standard's words.</summary>
static class JsonDocuments
{
    static readonly JsonDocumentOptions Options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Parses a body whole: what is returned can be read without faults.</summary>
    /// <exception cref="SensorThingsException">400 with line and byte.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(body, Options);
            ReadTexts(document.RootElement);
            return document;
        }
        catch (JsonException fault)
        {
            throw new SensorThingsException(400, fault.LineNumber is { } line
                ? $"no valid JSON at line {line + 1}, byte {fault.BytePositionInLine + 1}"
                : "the JSON has a name twice in one object");
        }
        catch (InvalidOperationException)
        {
            document?.Dispose();
            throw new SensorThingsException(400, "the JSON holds a text that is not valid Unicode");
        }
    }

    /// <summary>Half a surrogate pair shows only when a text is read.</summary>
    static void ReadTexts(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String: json.GetString(); break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray()) ReadTexts(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in json.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }
                break;
        }
    }

    /// <summary>The element as an object that can be changed.</summary>
    public static JsonObject ToObject(JsonElement json) => json.ValueKind == JsonValueKind.Object
        ? (JsonObject)JsonNode.Parse(json.GetRawText(), documentOptions: Options)!
        : throw new SensorThingsException(400, "the body must be a JSON object");

    /// <summary><paramref name="current"/> with the members of <paramref name="changes"/> in place of its own.</summary>
    public static JsonObject With(JsonObject current, JsonElement changes)
    {
        foreach (var (name, value) in ToObject(changes)) current[name] = value?.DeepClone();
        return current;
    }

    public static string Text(JsonNode node) => node.ToJsonString();
}
