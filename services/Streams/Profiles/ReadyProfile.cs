using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;

namespace Allmende.Streams.Profiles;

/// <summary>A profile with its paths taken apart: makes a codec's answer into observations.</summary>
sealed class ReadyProfile(DeviceProfile profile)
{
    readonly (ProfileField Field, string[] Path)[] fields = profile.Fields.Select(field => (field, field.Field.Split('.'))).ToArray();

    public DeviceProfile Profile => profile;

    /// <summary>
    /// The observations of one uplink: each field of the profile that is there. The time is the uplink's, so that the same uplink delivered
    /// twice gives the same observations.
    /// </summary>
    /// <param name="uplink">Whose data it is.</param>
    /// <param name="normal">What <c>normalizeUplink</c> made; looked at first.</param>
    /// <param name="data">What <c>decodeUplink</c> or the sender gave.</param>
    /// <param name="warned">Whether the codec warned.</param>
    /// <param name="into">Takes the observations.</param>
    public void Map(Uplink uplink, JsonElement? normal, JsonElement data, bool warned, List<Observation> into)
    {
        var time = Observation.Micros(uplink.Time);
        foreach (var (field, path) in fields)
        {
            var value = (normal is { } first ? At(first, field.Field, path) : null) ?? At(data, field.Field, path);
            if (value is not { } found) continue;
            var (number, json) = field.Unit is null ? Plain(found) : (Number(found), null);
            if (number is null && json is null) continue;
            var quality = QualityRules.Check(number, field.Range, uplink.Time, uplink.ReceivedAt) | (warned ? Quality.Warned : Quality.Good);
            into.Add(new Observation($"{uplink.Device}.{field.Field}", time, number ?? 0, json, quality));
        }
    }

    /// <summary>The value at a path; a field whose own name has dots is found by it as well. Parts that are numbers count into arrays.</summary>
    static JsonElement? At(JsonElement data, string name, string[] path)
    {
        if (data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out var direct)) return Present(direct);
        if (path.Length == 1) return null;
        foreach (var part in path)
        {
            if (data.ValueKind == JsonValueKind.Object && data.TryGetProperty(part, out var inner)) data = inner;
            else if (data.ValueKind == JsonValueKind.Array && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < data.GetArrayLength()) data = data[index];
            else return null;
        }
        return Present(data);
    }

    static JsonElement? Present(JsonElement value) => value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : value;

    /// <summary>For a field with a unit: numbers, texts that are numbers (some makers write those), truth values as 1 and 0; else nothing.</summary>
    static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsFinite(number) => number,
        JsonValueKind.String when double.TryParse(value.GetString().AsSpan().Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => null,
    };

    /// <summary>For a field without a unit: what it is.</summary>
    static (double? Number, string? Json) Plain(JsonElement value) => value.ValueKind == JsonValueKind.Number ? (Number(value), null) : (null, value.GetRawText());
}
