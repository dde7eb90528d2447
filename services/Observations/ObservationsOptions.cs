namespace Allmende.Observations;

/// <summary>Configuration of this service; section <c>Observations</c>.</summary>
public sealed class ObservationsOptions
{
    /// <summary>How long a SensorThings client's query may run in the database; then it is cancelled there and answered with 503.</summary>
    public TimeSpan LongestRead { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Itself, if it can be worked with.</summary>
    /// <exception cref="InvalidOperationException">Something is out of range.</exception>
    public ObservationsOptions Validated() => LongestRead >= TimeSpan.FromSeconds(1) && LongestRead <= TimeSpan.FromMinutes(10)
        ? this
        : throw new InvalidOperationException("Observations:LongestRead must be 1 second to 10 minutes");
}
