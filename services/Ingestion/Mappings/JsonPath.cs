using System.Globalization;
using System.Text.Json;

namespace Allmende.Ingestion.Mappings;

/// <summary>
/// A path into a JSON message, a small part of RFC 9535: <c>$</c> is the message, <c>@</c> the reading of a list; <c>.name</c>, <c>['name']</c> and <c>[0]</c> go
/// into it. <c>[*]</c> stands for each of a list, at the end alone, and only where a list is asked for.
/// </summary>
sealed class JsonPath
{
    public const int Longest = 256;
    const int MostSteps = 16;

    readonly (string? Name, int Index)[] steps;

    JsonPath(string text, bool isOfItem, (string?, int)[] steps) => (Text, IsOfItem, this.steps) = (text, isOfItem, steps);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Whether it begins with <c>@</c>.</summary>
    public bool IsOfItem { get; }

    /// <summary>The path, or what is wrong with it.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="isList">Whether it must end with <c>[*]</c>; else there may be none.</param>
    /// <param name="fault">What is wrong, if null is returned.</param>
    public static JsonPath? Parse(string text, bool isList, out string? fault)
    {
        fault = null;
        var steps = new List<(string?, int)>();
        if (text.Length is 0 or > Longest) fault = $"must have 1 to {Longest} characters";
        else if (text.Any(char.IsControl)) fault = "must not have control characters";
        else if (text[0] is not ('$' or '@')) fault = "must begin with $ (the message) or @ (the reading)";
        else if (text.EndsWith("[*]", StringComparison.Ordinal) != isList) fault = isList ? "must end with [*]" : "must not have [*]";
        else fault = ReadSteps(isList ? text.AsSpan(1, text.Length - 4) : text.AsSpan(1), steps);
        return fault is null ? new JsonPath(text, text[0] == '@', [.. steps]) : null;
    }

    static string? ReadSteps(ReadOnlySpan<char> rest, List<(string?, int)> steps)
    {
        while (!rest.IsEmpty)
        {
            if (steps.Count == MostSteps) return $"must have at most {MostSteps} steps";
            if (rest[0] == '.')
            {
                var end = rest[1..].IndexOfAny('.', '[');
                var name = end < 0 ? rest[1..] : rest.Slice(1, end);
                if (name.IsEmpty || name.IndexOfAny('*', ']', '\'') >= 0) return "has a dot without a name behind it, or one with * ] '";
                steps.Add((name.ToString(), -1));
                rest = rest[(1 + name.Length)..];
            }
            else if (rest.StartsWith("['", StringComparison.Ordinal) && rest.IndexOf("']", StringComparison.Ordinal) is > 2 and var close)
            {
                steps.Add((rest[2..close].ToString(), -1));
                rest = rest[(close + 2)..];
            }
            else if (rest[0] == '[' && rest.IndexOf(']') is > 1 and var end && int.TryParse(rest[1..end], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                steps.Add((null, index));
                rest = rest[(end + 1)..];
            }
            else return "is no path like $.values.temperature, $.values[0] or $['air.temperature']";
        }
        return null;
    }

    /// <summary>What is there; null if nothing is, or JSON null.</summary>
    /// <param name="message">What <c>$</c> stands for.</param>
    /// <param name="item">What <c>@</c> stands for.</param>
    public JsonElement? In(JsonElement message, JsonElement item)
    {
        var at = IsOfItem ? item : message;
        foreach (var (name, index) in steps)
        {
            if (name is not null ? at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at) : at.ValueKind != JsonValueKind.Array || index >= at.GetArrayLength()) return null;
            if (name is null) at = at[index];
        }
        return at.ValueKind == JsonValueKind.Null ? null : at;
    }
}
