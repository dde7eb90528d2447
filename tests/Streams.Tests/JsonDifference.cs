using System.Text.Json;

namespace Allmende.Streams.Tests;

/// <summary>Deep comparison that lets numbers differ by rounding.</summary>
static class JsonDifference
{
    const double Tolerance = 1e-9;

    /// <summary>The first place where the two differ; null if nowhere.</summary>
    public static string? Find(JsonElement expected, JsonElement actual, string path = "$")
    {
        if (expected.ValueKind == JsonValueKind.Number && actual.ValueKind == JsonValueKind.Number)
        {
            var (wanted, got) = (expected.GetDouble(), actual.GetDouble());
            return Math.Abs(wanted - got) <= Tolerance * Math.Abs(wanted) ? null : $"{path} is {got}, not {wanted}";
        }
        if (expected.ValueKind != actual.ValueKind) return $"{path} is {actual.GetRawText()}, not {expected.GetRawText()}";
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var missing = expected.EnumerateObject().Select(property => property.Name).Except(actual.EnumerateObject().Select(property => property.Name)).ToList();
                var extra = actual.EnumerateObject().Select(property => property.Name).Except(expected.EnumerateObject().Select(property => property.Name)).ToList();
                if (missing.Count > 0) return $"{path} lacks {string.Join(", ", missing)}";
                if (extra.Count > 0) return $"{path} has {string.Join(", ", extra)} as well";
                return expected.EnumerateObject().Select(property => Find(property.Value, actual.GetProperty(property.Name), $"{path}.{property.Name}")).FirstOrDefault(found => found is not null);
            case JsonValueKind.Array:
                if (expected.GetArrayLength() != actual.GetArrayLength()) return $"{path} has {actual.GetArrayLength()} items, not {expected.GetArrayLength()}";
                return Enumerable.Range(0, expected.GetArrayLength()).Select(i => Find(expected[i], actual[i], $"{path}[{i}]")).FirstOrDefault(found => found is not null);
            default:
                return expected.ToString() == actual.ToString() ? null : $"{path} is {actual.GetRawText()}, not {expected.GetRawText()}";
        }
    }
}
