namespace Allmende.Observations.Store.Packed;

/// <summary>An observation whose result is a number or a truth value and that has nothing beside it but its quality, feature and resultTime: it can be packed.</summary>
/// <param name="Time">phenomenonTime, microseconds since 1970.</param>
/// <param name="Value">The number; null if the result is <paramref name="Truth"/>.</param>
/// <param name="Truth">The truth value.</param>
/// <param name="ResultTime">Microseconds since 1970.</param>
/// <param name="Feature">Key of the feature of interest of its own.</param>
/// <param name="Quality">The flags of the checks.</param>
readonly record struct PackableRow(long Time, double? Value, bool Truth, long? ResultTime, long? Feature, short Quality)
{
    /// <summary>True if both may stand in one chunk.</summary>
    public bool GoesWith(in PackableRow other) =>
        Value is null == other.Value is null && ResultTime is null == other.ResultTime is null && Feature == other.Feature;
}
