using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// The parameters that a TaskingCapability takes (OGC 17-079r1 section 8.1): a DataRecord of SWE Common (OGC 08-094r1) in JSON, of simple components.
/// <code>{"type":"DataRecord","field":[{"name":"status","label":"On or off","type":"Category","constraint":{"type":"AllowedTokens","value":["on","off"]}}]}</code>
/// <c>fields</c>, <c>values</c> and <c>intervals</c> are understood too; <c>optional</c> (OGC 08-094r1 section 7.2.1) lets a Task leave a field out.
/// </summary>
sealed partial class DataRecord
{
    const int MostFields = 100, LongestName = 100, LongestText = 1_000, MostAllowed = 1_000, LongestPattern = 500, MostRepeated = 1_000, MostTold = 20;
    static readonly string[] Types = ["Boolean", "Category", "Count", "Quantity", "Text"];

    readonly Dictionary<string, Field> fields = new(StringComparer.Ordinal);

    DataRecord() { }

    /// <summary>A field, with what its values must be.</summary>
    sealed record Field(string Type, bool IsOptional)
    {
        public bool IsNumber => Type is "Count" or "Quantity";
        public double[]? Numbers { get; init; }
        public (double Low, double High)[]? Intervals { get; init; }
        public string[]? Tokens { get; init; }
        public Regex? Pattern { get; init; }
    }

    /// <summary>Reads what stands at <paramref name="place"/>.</summary>
    /// <exception cref="SensorThingsException">400 with the place at fault.</exception>
    public static DataRecord Read(JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"'{place}' must be a JSON object");
        if (!json.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String || type.GetString() != "DataRecord") throw Fault.At(place, "type", "must be 'DataRecord'");
        var name = json.TryGetProperty("fields", out var list) ? "fields" : "field";
        if (name == "field") json.TryGetProperty(name, out list);
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MostFields) throw Fault.At(place, name, $"must be an array of at most {MostFields} fields");
        var record = new DataRecord();
        var i = 0;
        foreach (var one in list.EnumerateArray()) record.Add(one, $"{Fault.In(place, name)}[{i++}]");
        return record;
    }

    void Add(JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"'{place}' must be a JSON object");
        if (TextIn(json, "name") is not { Length: > 0 and <= LongestName } name || name.Any(char.IsControl)) throw Fault.At(place, "name", $"must have 1 to {LongestName} characters");
        if (TextIn(json, "type") is not { } type || !Types.Contains(type)) throw Fault.At(place, "type", $"must be one of {string.Join(", ", Types)}");
        foreach (var text in new[] { "label", "description" })
            if (json.TryGetProperty(text, out var value) && value.ValueKind != JsonValueKind.String) throw Fault.At(place, text, "must be a text");
        if (json.TryGetProperty("optional", out var optional) && optional.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) throw Fault.At(place, "optional", "must be true or false");
        var field = new Field(type, optional.ValueKind == JsonValueKind.True);
        if (json.TryGetProperty("constraint", out var constraint)) field = Constrained(field, constraint, Fault.In(place, "constraint"));
        if (!fields.TryAdd(name, field)) throw Fault.At(place, "name", $"'{name}' is there twice");
    }

    static Field Constrained(Field field, JsonElement json, string place)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"'{place}' must be a JSON object");
        if (field.Type == "Boolean") throw new SensorThingsException(400, $"'{place}': a Boolean has no constraint");
        var type = field.IsNumber ? "AllowedValues" : "AllowedTokens";
        if (json.TryGetProperty("type", out var said) && (said.ValueKind != JsonValueKind.String || said.GetString() != type)) throw Fault.At(place, "type", $"must be '{type}' for a {field.Type}");
        foreach (var name in new[] { "value", "values" })
            if (json.TryGetProperty(name, out var values))
                field = field.IsNumber ? field with { Numbers = NumbersIn(values, place, name) } : field with { Tokens = TokensIn(values, place, name) };
        foreach (var name in new[] { "interval", "intervals" })
            if (json.TryGetProperty(name, out var intervals))
                field = field.IsNumber ? field with { Intervals = IntervalsIn(intervals, place, name) } : throw Fault.At(place, name, $"is not for a {field.Type}");
        if (json.TryGetProperty("pattern", out var pattern))
            field = field.IsNumber ? throw Fault.At(place, "pattern", $"is not for a {field.Type}") : field with { Pattern = PatternIn(pattern, place) };
        return field;
    }

    static double[] NumbersIn(JsonElement json, string place, string name) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() is > 0 and <= MostAllowed && json.EnumerateArray().All(one => NumberOf(one) is not null)
            ? [.. json.EnumerateArray().Select(one => NumberOf(one)!.Value)]
            : throw Fault.At(place, name, $"must be an array of 1 to {MostAllowed} numbers");

    static string[] TokensIn(JsonElement json, string place, string name) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() is > 0 and <= MostAllowed && json.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String)
            ? [.. json.EnumerateArray().Select(one => one.GetString()!)]
            : throw Fault.At(place, name, $"must be an array of 1 to {MostAllowed} texts");

    /// <summary>One pair, or several; <c>"-INF"</c> and <c>"INF"</c> are no bound.</summary>
    static (double, double)[] IntervalsIn(JsonElement json, string place, string name)
    {
        var fault = Fault.At(place, name, $"must be [lowest, highest], or an array of 1 to {MostAllowed} of these");
        if (json.ValueKind != JsonValueKind.Array || json.GetArrayLength() is 0 or > MostAllowed) throw fault;
        if (json[0].ValueKind != JsonValueKind.Array) return [PairOf(json)];
        return [.. json.EnumerateArray().Select(PairOf)];

        (double, double) PairOf(JsonElement pair) =>
            pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && BoundOf(pair[0], double.NegativeInfinity) is { } low && BoundOf(pair[1], double.PositiveInfinity) is { } high && low <= high
                ? (low, high)
                : throw fault;

        static double? BoundOf(JsonElement bound, double none) =>
            bound.ValueKind == JsonValueKind.String && bound.GetString() == (none < 0 ? "-INF" : "INF") ? none : NumberOf(bound);
    }

    static Regex PatternIn(JsonElement json, string place)
    {
        if (json.ValueKind == JsonValueKind.String && json.GetString() is { Length: > 0 and <= LongestPattern } pattern && RepeatedIn(pattern) <= MostRepeated)
            try
            {
                // Whoever writes it decides how long others' Tasks are looked at: without backtracking, no text takes long.
                return new Regex($@"\A(?:{pattern})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            }
            catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
            {
                // Told below.
            }
        throw Fault.At(place, "pattern", $"must be a regular expression of at most {LongestPattern} characters, without look-around, back-references and great numbers of repetitions");
    }

    /// <summary>How often a part of the pattern is repeated at the most, if all its numbers stood one in another: what it takes to keep it.</summary>
    static double RepeatedIn(string pattern) => Repetition().Matches(pattern).Aggregate(1.0, (times, one) =>
        times * Math.Max(1, double.Parse(one.Groups[2].Length > 0 ? one.Groups[2].Value : one.Groups[1].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"\{([0-9]+)(?:,([0-9]*))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Repetition();

    /// <summary>Checks what a Task says.</summary>
    /// <exception cref="SensorThingsException">400 with the place at fault.</exception>
    public void Check(JsonElement values, string place)
    {
        foreach (var value in values.EnumerateObject())
            if (!fields.TryGetValue(value.Name, out var field)) throw Fault.At(place, Shown(value.Name), $"is none of the parameters{(fields.Count == 0 ? ": there are none" : " " + Listed(fields.Keys))}");
            else if (FaultIn(field, value.Value) is { } fault) throw Fault.At(place, value.Name, fault);
        foreach (var (name, field) in fields)
            if (!field.IsOptional && !values.TryGetProperty(name, out _)) throw Fault.At(place, name, "is missing");
    }

    static string? FaultIn(Field field, JsonElement value)
    {
        switch (field.Type)
        {
            case "Boolean": return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : "must be true or false";
            case "Count" or "Quantity":
                if (NumberOf(value) is not { } number) return "must be a number";
                if (field.Type == "Count" && (Math.Floor(number) != number || Math.Abs(number) > 1L << 53)) return "must be a whole number";
                if (field.Numbers is null && field.Intervals is null) return null;
                return field.Numbers?.Contains(number) == true || field.Intervals?.Any(interval => number >= interval.Low && number <= interval.High) == true ? null : $"must be {Allowed(field)}";
            default:
                if (value.ValueKind != JsonValueKind.String) return "must be a text";
                var text = value.GetString()!;
                if (text.Length > LongestText) return $"must have at most {LongestText} characters";
                if (field.Tokens is null && field.Pattern is null) return null;
                return field.Tokens?.Contains(text) == true || field.Pattern?.IsMatch(text) == true ? null : field.Tokens is { } tokens ? $"must be one of {Listed(tokens)}" : "does not match its pattern";
        }
    }

    static string Allowed(Field field) => string.Join(" or ", new[]
    {
        field.Numbers is { } numbers ? $"one of {Listed(numbers.Select(Plain))}" : null,
        field.Intervals is { } intervals ? Listed(intervals.Select(interval => $"{Plain(interval.Low)} to {Plain(interval.High)}")) : null,
    }.OfType<string>());

    static string Plain(double number) => number.ToString(CultureInfo.InvariantCulture);

    static string Listed(IEnumerable<string> all)
    {
        var shown = all.Take(MostTold + 1).Select(Shown).ToList();
        return string.Join(", ", shown.Take(MostTold)) + (shown.Count > MostTold ? ", …" : "");
    }

    static string Shown(string text) => text.Length > LongestName ? text[..LongestName] + "…" : text;

    static double? NumberOf(JsonElement json) => json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    static string? TextIn(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
