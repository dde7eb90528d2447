using System.Text.Json;
using Allmende.Streams.Codecs;

namespace Allmende.Streams.Uplinks;

/// <summary>What a codec made of an uplink, after <see cref="FaultOf"/> found nothing against it.</summary>
readonly struct DecodedUplink(JsonElement answer)
{
    readonly JsonElement decoded = answer.GetProperty("decoded");

    /// <summary>Data of <c>decodeUplink</c>.</summary>
    public JsonElement Data => decoded.GetProperty("data");

    /// <summary>Data of <c>normalizeUplink</c>; null if there is no such function.</summary>
    public JsonElement? Normal { get; } =
        answer.TryGetProperty("normal", out var normal) && normal.TryGetProperty("data", out var data) ? data : null;

    /// <summary>Whether one of the two gave warnings.</summary>
    public bool Warned { get; } = Texts(answer.GetProperty("decoded"), "warnings").Any() || (answer.TryGetProperty("normal", out var normalized) && Texts(normalized, "warnings").Any());

    /// <summary>What speaks against using the answer; null if nothing does.</summary>
    public static CodecFault? FaultOf(JsonElement answer)
    {
        var decoded = answer.GetProperty("decoded");
        var errors = Texts(decoded, "errors").Concat(answer.TryGetProperty("normal", out var normal) ? Texts(normal, "errors") : []).ToList();
        if (errors.Count > 0) return new CodecFault(CodecFaults.ReportedErrors, "The codec says: " + string.Join("; ", errors));
        return decoded.TryGetProperty("data", out var data) && data.ValueKind is JsonValueKind.Object or JsonValueKind.Array
            ? null
            : new CodecFault(CodecFaults.NoData, "What the codec returned has no object 'data'.");
    }

    static IEnumerable<string> Texts(JsonElement answer, string name)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty(name, out var list)) return [];
        return list.ValueKind switch
        {
            JsonValueKind.Array => list.EnumerateArray().Select(item => item.ToString()),
            JsonValueKind.String when list.GetString() is { Length: > 0 } text => [text],
            _ => [],
        };
    }
}
