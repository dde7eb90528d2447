using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Allmende.Streams.Layouts;

/// <summary>Reads a layout from JSON and tells all that is wrong with it, by the path at fault.</summary>
sealed partial class LayoutReader
{
    const int MostFields = 100, MostPorts = 32, FarthestByte = 1024, MostValues = 256;
    const decimal LargestScale = 1_000_000_000, SmallestScale = 0.000_000_001m;
    static readonly string[] Known = ["field", "offset", "type", "scale", "offsetValue", "bit", "length", "bytes", "missing", "values", "optional"];
    static readonly FrozenDictionary<string, (LayoutKind Kind, int Bytes)> Types = new Dictionary<string, (LayoutKind, int)>
    {
        ["int8"] = (LayoutKind.Signed, 1),
        ["uint8"] = (LayoutKind.Unsigned, 1),
        ["int16"] = (LayoutKind.Signed, 2),
        ["uint16"] = (LayoutKind.Unsigned, 2),
        ["int24"] = (LayoutKind.Signed, 3),
        ["uint24"] = (LayoutKind.Unsigned, 3),
        ["int32"] = (LayoutKind.Signed, 4),
        ["uint32"] = (LayoutKind.Unsigned, 4),
        ["float32"] = (LayoutKind.Float, 4),
        ["float64"] = (LayoutKind.Float, 8),
        ["bcd"] = (LayoutKind.Bcd, 0),
        ["bits"] = (LayoutKind.Bits, 0),
        ["bool"] = (LayoutKind.Bool, 1),
    }.ToFrozenDictionary();

    readonly List<(string Path, string Fault)> faults = [];

    LayoutReader() { }

    /// <summary>The layout, or what is wrong with it.</summary>
    public static (BinaryLayout? Layout, IReadOnlyList<(string Path, string Fault)> Faults) Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var reader = new LayoutReader();
            var layout = reader.ReadLayout(document.RootElement);
            return reader.faults.Count > 0 ? (null, reader.faults) : (layout, []);
        }
        catch (JsonException fault)
        {
            return (null, [("$", FormattableString.Invariant($"This is no JSON: line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}."))]);
        }
    }

    BinaryLayout? ReadLayout(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return Fault<BinaryLayout>("$", "It must be an object with 'layout' or 'ports'.");
        foreach (var property in root.EnumerateObject())
            if (property.Name is not ("layout" or "ports" or "downlinks")) faults.Add((property.Name, "There is no such property; known are layout, ports, downlinks."));
        var uplinks = new Dictionary<int, LayoutPort>();
        if (root.TryGetProperty("layout", out var every) && ReadPort(every, "layout") is { } port) uplinks[BinaryLayout.EveryPort] = port;
        if (root.TryGetProperty("ports", out var ports)) ReadPorts(ports, "ports", uplinks);
        var downlinks = new Dictionary<int, LayoutPort>();
        if (root.TryGetProperty("downlinks", out var toDevice)) ReadPorts(toDevice, "downlinks", downlinks);
        if (uplinks.Count == 0 && faults.Count == 0) faults.Add(("layout", "A list of fields is needed: 'layout' for every port, or 'ports' by port."));
        return new BinaryLayout(uplinks.ToFrozenDictionary(), downlinks.ToFrozenDictionary());
    }

    void ReadPorts(JsonElement ports, string path, Dictionary<int, LayoutPort> into)
    {
        if (ports.ValueKind != JsonValueKind.Object || ports.EnumerateObject().Count() is 0 or > MostPorts)
        {
            faults.Add((path, $"It must be an object of 1 to {MostPorts} ports."));
            return;
        }
        foreach (var property in ports.EnumerateObject())
        {
            var here = $"{path}.{property.Name}";
            if (!int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 255) faults.Add((here, "A port is a number from 1 to 255."));
            else if (into.ContainsKey(number)) faults.Add((here, "The port is there twice."));
            else if (ReadPort(property.Value, here) is { } port) into[number] = port;
        }
    }

    LayoutPort? ReadPort(JsonElement list, string path)
    {
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > MostFields) return Fault<LayoutPort>(path, $"It must be a list of 1 to {MostFields} fields.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var fields = new List<LayoutField>();
        foreach (var (index, element) in list.EnumerateArray().Index())
        {
            var here = $"{path}[{index}]";
            if (ReadField(element, here) is not { } field) continue;
            if (names.Add(field.Name)) fields.Add(field);
            else faults.Add(($"{here}.field", $"'{field.Name}' is there twice."));
        }
        return new LayoutPort(fields);
    }

    LayoutField? ReadField(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object) return Fault<LayoutField>(path, "It must be an object with field, offset and type.");
        var before = faults.Count;
        foreach (var property in element.EnumerateObject())
            if (!Known.Contains(property.Name)) faults.Add(($"{path}.{property.Name}", $"There is no such property; known are {string.Join(", ", Known)}."));
        if (Text(element, "field") is not { } name || !FieldName().IsMatch(name)) return Fault<LayoutField>($"{path}.field", "A name of letters, digits and underscores is needed, 64 at most.");
        var offset = Whole(element, path, "offset", 0, FarthestByte, null);
        if (Text(element, "type") is not { } type || !Types.TryGetValue(Bare(type), out var known) || (Bare(type) != type && known.Bytes == 1))
            return Fault<LayoutField>($"{path}.type", $"It must be one of {string.Join(", ", Types.Keys.Order(StringComparer.Ordinal))}; be or le at the end says whether the highest or the lowest byte comes first.");
        var (bytes, bit, bits) = Extent(element, path, known.Kind, known.Bytes);
        var field = new LayoutField(name, offset, known.Kind, bytes, type.EndsWith("le", StringComparison.Ordinal))
        {
            Bit = bit,
            Bits = bits,
            Scale = Number(element, path, "scale", 1),
            Added = Number(element, path, "offsetValue", 0),
            Missing = MissingOf(element, path, known.Kind),
            Values = ValuesOf(element, path, known.Kind),
            Optional = Truth(element, path, "optional"),
        };
        if (Math.Abs(field.Scale) is < SmallestScale or > LargestScale) faults.Add(($"{path}.scale", "It must not be 0, and lie between 1e-9 and 1e9."));
        if (Math.Abs(field.Added) > LargestScale) faults.Add(($"{path}.offsetValue", "It must lie between -1e9 and 1e9."));
        if ((field.Values is not null || known.Kind == LayoutKind.Bool) && (field.Scale != 1 || field.Added != 0)) faults.Add(($"{path}.scale", "A field of texts or truth values cannot be scaled."));
        return faults.Count > before ? null : field;
    }

    /// <summary>How many bytes are read, and which bits of their number count.</summary>
    (int Bytes, int Bit, int Bits) Extent(JsonElement element, string path, LayoutKind kind, int bytes)
    {
        if (kind == LayoutKind.Bool) return (1, Whole(element, path, "bit", 0, 7, 0), 1);
        if (kind == LayoutKind.Bcd) return (Whole(element, path, "length", 1, 7, null), 0, 1);
        if (kind == LayoutKind.Bits)
        {
            var bit = Whole(element, path, "bit", 0, 31, null);
            var length = Whole(element, path, "length", 1, 32, null);
            var least = (bit + length + 7) / 8;
            if (least > 4) faults.Add(($"{path}.length", "The bits must lie within 4 bytes."));
            return (Whole(element, path, "bytes", Math.Min(least, 4), 4, least), bit, length);
        }
        foreach (var name in new[] { "bit", "length", "bytes" })
            if (element.TryGetProperty(name, out _)) faults.Add(($"{path}.{name}", "It belongs to bits, bool or bcd alone."));
        return (bytes, 0, 1);
    }

    long[] MissingOf(JsonElement element, string path, LayoutKind kind)
    {
        if (!element.TryGetProperty("missing", out var missing)) return [];
        var list = missing.ValueKind == JsonValueKind.Array ? [.. missing.EnumerateArray()] : new[] { missing };
        if (kind is LayoutKind.Float or LayoutKind.Bool || list.Length is 0 or > 8 || list.Any(one => one.ValueKind != JsonValueKind.Number || !one.TryGetInt64(out _)))
        {
            faults.Add(($"{path}.missing", "It must be the raw whole number that stands for no value, or up to 8 of them; floating-point numbers have NaN for that."));
            return [];
        }
        return Array.ConvertAll(list, one => one.GetInt64());
    }

    FrozenDictionary<long, string>? ValuesOf(JsonElement element, string path, LayoutKind kind)
    {
        if (!element.TryGetProperty("values", out var values)) return null;
        var found = new Dictionary<long, string>();
        if (kind is not (LayoutKind.Float or LayoutKind.Bool) && values.ValueKind == JsonValueKind.Object && values.EnumerateObject().Count() is > 0 and <= MostValues)
        {
            foreach (var property in values.EnumerateObject())
                if (!long.TryParse(property.Name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var raw) || property.Value.ValueKind != JsonValueKind.String
                    || property.Value.GetString() is not { Length: > 0 and <= 100 } text || found.ContainsValue(text) || !found.TryAdd(raw, text))
                    faults.Add(($"{path}.values.{property.Name}", "A whole number and a text of 1 to 100 characters are needed, each but once."));
            return found.ToFrozenDictionary();
        }
        faults.Add(($"{path}.values", $"It must be an object of 1 to {MostValues} texts by raw whole number, of a type of whole numbers."));
        return null;
    }

    int Whole(JsonElement element, string path, string name, int lowest, int highest, int? otherwise)
    {
        if (!element.TryGetProperty(name, out var value) && otherwise is { } given) return given;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= lowest && number <= highest) return number;
        faults.Add(($"{path}.{name}", $"A whole number from {lowest} to {highest} is needed."));
        return lowest;
    }

    decimal Number(JsonElement element, string path, string name, decimal otherwise)
    {
        if (!element.TryGetProperty(name, out var value)) return otherwise;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number)) return number;
        faults.Add(($"{path}.{name}", "A number is needed."));
        return otherwise;
    }

    bool Truth(JsonElement element, string path, string name)
    {
        if (!element.TryGetProperty(name, out var value)) return false;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        faults.Add(($"{path}.{name}", "It must be true or false."));
        return false;
    }

    static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The type without the order of its bytes.</summary>
    static string Bare(string type) => type.EndsWith("be", StringComparison.Ordinal) || type.EndsWith("le", StringComparison.Ordinal) ? type[..^2] : type;

    T? Fault<T>(string path, string fault) where T : class
    {
        faults.Add((path, fault));
        return null;
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex FieldName();
}
