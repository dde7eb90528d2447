using System.Collections.Frozen;
using System.Globalization;

namespace Allmende.Observations.Live;

/// <summary>Which observations somebody wants; what is given has to hold together. Live streams and webhooks have the same.</summary>
sealed class LiveFilter
{
    /// <summary>Values of one kind at the most.</summary>
    public const int MostValues = 100;
    /// <summary>Characters of a value at the most.</summary>
    public const int LongestValue = 256;

    readonly FrozenSet<string> datastreams, things, types;
    readonly double[]? box;

    public LiveFilter(IEnumerable<string> datastreams, IEnumerable<string> things, IEnumerable<string> types, double[]? box)
    {
        this.datastreams = datastreams.ToFrozenSet(StringComparer.Ordinal);
        this.things = things.ToFrozenSet(StringComparer.Ordinal);
        this.types = types.ToFrozenSet(StringComparer.Ordinal);
        this.box = box;
    }

    /// <summary>True if the observation is one of those; says nothing of rights.</summary>
    public bool Wants(in LiveObservation observation) =>
        (datastreams.Count == 0 || datastreams.Contains(observation.Datastream.Id))
        && (things.Count == 0 || things.Contains(observation.Datastream.Thing))
        && (types.Count == 0 || observation.Datastream.Types.Any(types.Contains))
        && (box is null || (observation.Box is { } at && Touch(at, box)));

    /// <summary>What is wrong with the values of a filter, by field.</summary>
    public static IEnumerable<(string Field, string Fault)> Faults(string field, IReadOnlyList<string>? values)
    {
        if (values is null) yield break;
        if (values.Count > MostValues) yield return (field, $"there are {values.Count} values; {MostValues} are the most");
        if (values.Any(value => string.IsNullOrEmpty(value) || value.Length > LongestValue)) yield return (field, $"a value has 1 to {LongestValue} characters");
    }

    /// <summary>What is wrong with a bounding box: west, south, east, north in degrees (RFC 7946 section 5); west may be greater than east across the antimeridian.</summary>
    public static string? FaultOfBox(IReadOnlyList<double> box)
    {
        if (box.Count != 4) return "a bounding box has four numbers: west, south, east, north";
        if (!box.All(double.IsFinite) || Math.Abs(box[0]) > 180 || Math.Abs(box[2]) > 180) return "west and east lie between -180 and 180";
        if (Math.Abs(box[1]) > 90 || Math.Abs(box[3]) > 90 || box[1] > box[3]) return "south and north lie between -90 and 90, south not above north";
        return null;
    }

    /// <summary>Reads <c>w,s,e,n</c>.</summary>
    /// <returns>Null and what is wrong if it is no bounding box.</returns>
    public static (double[]? Box, string? Fault) ParseBox(string text)
    {
        var parts = text.Split(',');
        var box = new double[Math.Min(parts.Length, 5)];
        for (var i = 0; i < box.Length; i++)
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out box[i])) return (null, $"'{parts[i][..Math.Min(parts[i].Length, 40)]}' is no number");
        return FaultOfBox(box) is { } fault ? (null, fault) : (box, null);
    }

    static bool Touch(double[] at, double[] box) =>
        at[1] <= box[3] && at[3] >= box[1]
        && (box[0] <= box[2] ? at[0] <= box[2] && at[2] >= box[0] : at[2] >= box[0] || at[0] <= box[2]);
}
