using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>Errors of what this service serves beside the standards.</summary>
static class ObservationsErrors
{
    public static readonly ApiError BadRange = new("bad_time_range", 422, "The time range cannot be served");
    public static readonly ApiError BadFilter = new("bad_filter", 422, "The filter cannot be understood");
    public static readonly ApiError TooManySubscribers = new("too_many_subscribers", 429, "There are too many live streams; close some, or try again later");
}
