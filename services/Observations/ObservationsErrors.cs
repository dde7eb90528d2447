using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>Errors of what this service serves beside the standards.</summary>
static class ObservationsErrors
{
    public static readonly ApiError BadRange = new("bad_time_range", 422, "The time range cannot be served");
    public static readonly ApiError BadFilter = new("bad_filter", 422, "The filter cannot be understood");
    public static readonly ApiError InvalidSubscription = new("invalid_subscription", 422, "The subscription cannot be kept like this");
    public static readonly ApiError TooManySubscriptions = new("too_many_subscriptions", 409, "There are as many subscriptions as a municipality may have");
    public static readonly ApiError TooManySubscribers = new("too_many_subscribers", 429, "There are too many live streams; close some, or try again later");
}
