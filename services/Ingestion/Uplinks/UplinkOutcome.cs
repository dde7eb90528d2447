using Allmende.Platform;

namespace Allmende.Ingestion.Uplinks;

/// <summary>What became of a message at a door.</summary>
/// <param name="Name">For the counters: <c>accepted</c>, <c>noted</c>, <c>ignored</c>, or the error's name.</param>
/// <param name="Uplink">The uplink's id, if it is durable.</param>
/// <param name="Error">Why it was refused.</param>
/// <param name="Detail">What is wrong with it.</param>
/// <param name="Field">The field at fault.</param>
/// <param name="RetryAfter">When to try again, where that may help.</param>
readonly record struct UplinkOutcome(string Name, string? Uplink, ApiError? Error, string? Detail, string? Field, TimeSpan? RetryAfter)
{
    /// <summary>Too much came; who is told so may have to wait for it.</summary>
    public bool IsTooMuch => Error == IngestionErrors.TooManyUplinks || Error == IngestionErrors.Overloaded;

    /// <summary>A network server's message that says nothing of use.</summary>
    public static readonly UplinkOutcome Ignored = new("ignored", null, null, null, null, null);

    /// <summary>A network server's message that is no uplink, and tells something of a device.</summary>
    public static readonly UplinkOutcome Noted = new("noted", null, null, null, null, null);

    public static UplinkOutcome Accepted(string uplink) => new("accepted", uplink, null, null, null, null);

    public static UplinkOutcome Refused(ApiError error, string? detail = null, string? field = null, TimeSpan? retryAfter = null) =>
        new(error.Name, null, error, detail, field, retryAfter);
}
