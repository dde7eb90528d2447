namespace Allmende.Observations.SensorThings;

/// <summary>A request that SensorThings cannot serve; told in the standard's error format.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">What is wrong and, where it is in the query, at which character.</param>
public sealed class SensorThingsException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;

    /// <summary>Something in the query at <paramref name="position"/> (from 0).</summary>
    public static SensorThingsException At(int position, string message) => new(400, $"{message} (at character {position + 1})");

    /// <summary>A foreign and a missing thing are answered alike.</summary>
    public static SensorThingsException NotFound() => new(404, "Nothing found.");
}
