namespace Allmende.Contracts;

/// <summary>What the platform thinks of an observation; kept as <c>resultQuality</c>. Bits, so that reasons add up.</summary>
[Flags]
public enum Quality : short
{
    /// <summary>Nothing against it.</summary>
    Good = 0,
    /// <summary>Outside the range that the profile gives.</summary>
    OutOfRange = 1,
    /// <summary>phenomenonTime lies more than <see cref="QualityRules.FutureTolerance"/> after its arrival.</summary>
    FromFuture = 2,
    /// <summary>phenomenonTime lies more than <see cref="QualityRules.PastTolerance"/> before its arrival.</summary>
    TooOld = 4,
    /// <summary>The device or codec warned.</summary>
    Warned = 8,
}

/// <summary>The checks that every door applies: uplinks in Streams, SensorThings POST in Observations.</summary>
public static class QualityRules
{
    /// <summary>How far a device's clock may run ahead.</summary>
    public static readonly TimeSpan FutureTolerance = TimeSpan.FromMinutes(10);

    /// <summary>How old a measurement may be on arrival; back-fills are older, and are told apart by this flag.</summary>
    public static readonly TimeSpan PastTolerance = TimeSpan.FromDays(365);

    /// <summary>Checks one value against its plausible <paramref name="range"/> and its time against its arrival.</summary>
    public static Quality Check(double? value, double[]? range, DateTimeOffset phenomenonTime, DateTimeOffset receivedAt)
    {
        var quality = Quality.Good;
        if (value is { } number && range is [var low, var high] && (number < low || number > high || double.IsNaN(number)))
            quality |= Quality.OutOfRange;
        if (phenomenonTime - receivedAt > FutureTolerance) quality |= Quality.FromFuture;
        else if (receivedAt - phenomenonTime > PastTolerance) quality |= Quality.TooOld;
        return quality;
    }

    /// <summary>The flag of a resultQuality: <c>good</c> or <c>suspect</c>.</summary>
    public static string Flag(Quality quality) => quality == Quality.Good ? "good" : "suspect";

    /// <summary>The stable names of the reasons against it.</summary>
    public static IEnumerable<string> Reasons(Quality quality)
    {
        if (quality.HasFlag(Quality.OutOfRange)) yield return "out_of_range";
        if (quality.HasFlag(Quality.FromFuture)) yield return "from_future";
        if (quality.HasFlag(Quality.TooOld)) yield return "too_old";
        if (quality.HasFlag(Quality.Warned)) yield return "warned";
    }
}
