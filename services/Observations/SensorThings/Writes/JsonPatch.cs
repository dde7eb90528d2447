using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396).</summary>
static class JsonPatch
{
    const int MostOperations = 1_000;
    /// <summary>Characters that all copies together may have: copies of copies grow fast.</summary>
    const int MostCopied = 1_000_000;
    const int Deepest = 60;

    /// <summary>Applies the operations in order, all or none.</summary>
    /// <exception cref="SensorThingsException">400 for a patch that makes no sense, 409 for one that does not fit what is there (a failed test).</exception>
    public static JsonObject Apply(JsonObject target, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Array) throw new SensorThingsException(400, "a JSON Patch is an array of operations (RFC 6902)");
        if (patch.GetArrayLength() > MostOperations) throw new SensorThingsException(413, $"a JSON Patch has at most {MostOperations} operations");
        var document = new Document(target);
        var i = 0;
        foreach (var operation in patch.EnumerateArray()) document.Apply(operation, $"operation [{i++}]");
        return document.Root as JsonObject ?? throw new SensorThingsException(400, "the patch leaves no JSON object");
    }

    /// <summary>Merges recursively; null takes a member away.</summary>
    public static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
            if (value is null) target.Remove(name);
            else if (value is JsonObject inner) target[name] = Merge(target[name] as JsonObject is { } known ? (JsonObject)known.DeepClone() : [], inner);
            else target[name] = value.DeepClone();
        return target;
    }

    sealed class Document(JsonNode root)
    {
        int copied;

        public JsonNode? Root { get; private set; } = root;

        public void Apply(JsonElement operation, string place)
        {
            if (operation.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"{place} must be a JSON object");
            var kind = Text(operation, "op", place);
            var path = Pointer(Text(operation, "path", place), place);
            switch (kind)
            {
                case "add": Add(path, Value(operation, place), place); break;
                case "remove": Remove(path, place); break;
                case "replace":
                    Remove(path, place);
                    Add(path, Value(operation, place), place);
                    break;
                case "move":
                    var from = Pointer(Text(operation, "from", place), place);
                    if (path.Length > from.Length && path.Take(from.Length).SequenceEqual(from)) throw new SensorThingsException(400, $"{place} moves a value into itself");
                    Add(path, Remove(from, place), place);
                    break;
                case "copy":
                    var copy = Get(Pointer(Text(operation, "from", place), place), place)?.DeepClone();
                    copied += copy?.ToJsonString().Length ?? 4;
                    if (copied > MostCopied) throw new SensorThingsException(413, $"{place} copies more than a patch may");
                    Add(path, copy, place);
                    break;
                case "test":
                    if (!JsonNode.DeepEquals(Get(path, place), Value(operation, place))) throw new SensorThingsException(409, $"{place}: the test fails, '{Text(operation, "path", place)}' has another value");
                    break;
                default: throw new SensorThingsException(400, $"{place}: there is no operation '{kind}', but add, remove, replace, move, copy, test");
            }
        }

        static string Text(JsonElement operation, string name, string place) =>
            operation.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new SensorThingsException(400, $"{place} has no text '{name}'");

        static JsonNode? Value(JsonElement operation, string place) =>
            operation.TryGetProperty("value", out var value) ? JsonNode.Parse(value.GetRawText()) : throw new SensorThingsException(400, $"{place} has no 'value'");

        static string[] Pointer(string text, string place) => text.Length == 0 ? []
            : text[0] == '/' ? [.. text[1..].Split('/').Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))]
            : throw new SensorThingsException(400, $"{place}: '{text}' is no JSON pointer, which begins with '/'");

        static SensorThingsException Missing(string[] path, string place) => new(409, $"{place}: there is no '/{string.Join('/', path)}'");

        JsonNode? Get(string[] path, string place)
        {
            var node = Root;
            for (var i = 0; i < path.Length; i++)
                node = node switch
                {
                    JsonObject members when members.TryGetPropertyValue(path[i], out var member) => member,
                    JsonArray items when Index(path[i], items.Count - 1) is { } index => items[index],
                    _ => throw Missing(path, place),
                };
            return node;
        }

        static int DepthOf(JsonNode? node) => node switch
        {
            JsonObject members => 1 + members.Select(member => DepthOf(member.Value)).DefaultIfEmpty().Max(),
            JsonArray items => 1 + items.Select(DepthOf).DefaultIfEmpty().Max(),
            _ => 0,
        };

        void Add(string[] path, JsonNode? value, string place)
        {
            if (path.Length + DepthOf(value) > Deepest) throw new SensorThingsException(400, $"{place} nests deeper than {Deepest} levels");
            if (path.Length == 0)
            {
                Root = value;
                return;
            }
            switch (Get(path[..^1], place))
            {
                case JsonObject members: members[path[^1]] = value; break;
                case JsonArray items when path[^1] == "-": items.Add(value); break;
                case JsonArray items when Index(path[^1], items.Count) is { } index: items.Insert(index, value); break;
                default: throw Missing(path, place);
            }
        }

        JsonNode? Remove(string[] path, string place)
        {
            var value = Get(path, place);
            if (path.Length == 0)
            {
                Root = null;
                return value;
            }
            if (Get(path[..^1], place) is JsonArray items) items.RemoveAt(Index(path[^1], items.Count - 1)!.Value);
            else ((JsonObject)Get(path[..^1], place)!).Remove(path[^1]);
            return value;
        }

        static int? Index(string text, int largest) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= largest && (text.Length == 1 || text[0] != '0') ? index : null;
    }
}
