using System.Xml;
using Allmende.Observations.Live;
using Allmende.Platform.Security;

namespace Allmende.Observations.Webhooks;

/// <summary>How observations are put together.</summary>
/// <param name="Most">Observations of one delivery, 1 to 1,000.</param>
/// <param name="Within">How long the first one waits for more: ISO 8601 duration up to <c>PT1M</c>.</param>
public sealed record SubscriptionBatch(int? Most = null, string? Within = null)
{
    internal const int Largest = 1_000;
    internal static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    internal TimeSpan? Duration
    {
        get
        {
            try { return Within is null ? null : XmlConvert.ToTimeSpan(Within); }
            catch (Exception fault) when (fault is FormatException or OverflowException) { return null; }
        }
    }
}

/// <summary>Body of <c>POST</c> and <c>PATCH</c>; in a PATCH what is absent stays.</summary>
/// <param name="Name">What people call it, 1 to 100 characters.</param>
/// <param name="Url">Where to: <c>https</c>, or <c>http</c>.</param>
/// <param name="Datastreams">Ids; empty or absent: all.</param>
/// <param name="Things">Ids.</param>
/// <param name="Types">Ids of ObservedProperties.</param>
/// <param name="Bbox">West, south, east, north, as in RFC 7946 section 5.</param>
/// <param name="Batch">How observations are put together.</param>
/// <param name="State"><c>active</c> or <c>paused</c>; in a PATCH alone.</param>
public sealed record SubscriptionBody(
    string? Name = null, string? Url = null, string[]? Datastreams = null, string[]? Things = null, string[]? Types = null, double[]? Bbox = null,
    SubscriptionBatch? Batch = null, string? State = null)
{
    const int LongestName = 100;
    const int LongestUrl = 2_000;

    internal IEnumerable<(string Field, string Fault)> Faults(bool isNew, bool allowPrivateAddresses)
    {
        if (Name is null ? isNew : string.IsNullOrWhiteSpace(Name) || Name.Length > LongestName || Name.Any(char.IsControl))
            yield return ("name", $"must be a text of 1 to {LongestName} characters");
        if ((Url is null ? isNew ? "is missing" : null : FaultOfUrl(Url, allowPrivateAddresses)) is { } fault) yield return ("url", fault);
        foreach (var wrong in LiveFilter.Faults("datastreams", Datastreams).Concat(LiveFilter.Faults("things", Things)).Concat(LiveFilter.Faults("types", Types))) yield return wrong;
        if (Bbox is { Length: > 0 } && LiveFilter.FaultOfBox(Bbox) is { } wrongBox) yield return ("bbox", wrongBox);
        if (Batch?.Most is < 1 or > SubscriptionBatch.Largest) yield return ("batch.most", $"must be 1 to {SubscriptionBatch.Largest}");
        if (Batch?.Within is not null && !(Batch.Duration >= TimeSpan.Zero && Batch.Duration <= SubscriptionBatch.Longest)) yield return ("batch.within", "must be a duration of PT0S to PT1M");
        if (isNew ? State is not (null or "active") : State is not (null or "active" or "paused")) yield return ("state", "must be 'active' or 'paused'");
    }

    static string? FaultOfUrl(string text, bool allowPrivateAddresses)
    {
        if (text.Length > LongestUrl) return $"has more than {LongestUrl} characters";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp) || url.Host.Length == 0)
            return "must be an address that begins with https:// or http://";
        if (url.UserInfo.Length > 0 || url.Fragment.Length > 0) return "must have neither user nor fragment; deliveries are signed instead";
        return !allowPrivateAddresses && System.Net.IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out var address) && PrivateAddresses.Contains(address)
            ? "is an address that is not public"
            : null;
    }
}

/// <summary>A subscription as it is shown.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Url">Where to.</param>
/// <param name="Datastreams">Ids; empty: all.</param>
/// <param name="Things">Ids.</param>
/// <param name="Types">Ids of ObservedProperties.</param>
/// <param name="Bbox">West, south, east, north; null: everywhere.</param>
/// <param name="Batch">How observations are put together.</param>
/// <param name="Access">Classes of data that it may get: those of whoever made it. What a dataset's class allows is asked at each delivery.</param>
/// <param name="State"><c>active</c>, <c>paused</c>, or <c>ended</c> after the receiver answered 410.</param>
/// <param name="Lag">How far it is behind: up to then everything is delivered (ISO 8601 duration, <c>PT0S</c>: nothing waits).</param>
/// <param name="Delivered">Observations delivered so far, repetitions included.</param>
/// <param name="Failures">Attempts that failed since the last that did not.</param>
/// <param name="Gaps">How often it was so far behind that the log no longer had what came next; see its deliveries.</param>
/// <param name="NextAttemptAt">When it is tried again after a failure.</param>
/// <param name="LastSuccessAt">When the receiver last took something.</param>
/// <param name="LastError">Why it did not.</param>
/// <param name="LastErrorAt">And when.</param>
/// <param name="CreatedBy">The client that made it.</param>
/// <param name="CreatedAt">When.</param>
public sealed record SubscriptionInfo(
    string Id, string Name, string Url, string[] Datastreams, string[] Things, string[] Types, double[]? Bbox, SubscriptionBatch Batch, string[] Access, string State,
    string Lag, long Delivered, int Failures, int Gaps, DateTime? NextAttemptAt, DateTime? LastSuccessAt, string? LastError, DateTime? LastErrorAt, string CreatedBy, DateTime CreatedAt);

/// <summary>A subscription that was just made.</summary>
/// <param name="Secret">What deliveries are signed with: <c>whsec_</c> and base64; shown this once.</param>
/// <param name="Subscription">The subscription.</param>
public sealed record CreatedSubscription(string Secret, SubscriptionInfo Subscription);

/// <summary>A list that can grow fields.</summary>
public sealed record SubscriptionList(IReadOnlyList<SubscriptionInfo> Subscriptions);

/// <summary>What became of an attempt, or a gap.</summary>
/// <param name="Kind"><c>attempt</c> or <c>gap</c>.</param>
/// <param name="At">When.</param>
/// <param name="WebhookId">The delivery's id; the same in each attempt.</param>
/// <param name="Attempt">From 1 on.</param>
/// <param name="Observations">How many it carried.</param>
/// <param name="Status">HTTP status of the answer; null where there was none.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="Duration">How long it took, ISO 8601.</param>
/// <param name="From">Of a gap: observations that arrived after this time...</param>
/// <param name="To">...and before this one may be missing; SensorThings has them.</param>
public sealed record DeliveryInfo(
    string Kind, DateTime At, string? WebhookId, int? Attempt, int? Observations, int? Status, string? Error, string? Duration, DateTime? From, DateTime? To);

/// <summary>A page of deliveries, the newest first; the Link header leads to the next.</summary>
public sealed record DeliveryList(IReadOnlyList<DeliveryInfo> Deliveries);

/// <summary>A subscription as it is kept.</summary>
sealed record SubscriptionRow(
    string Id, string Name, string Url, byte[] Secret, string[] Datastreams, string[] Things, string[] Types, double[]? Bbox, int BatchMost, TimeSpan BatchWithin,
    string[] Access, string CreatedBy, DateTime CreatedAt, int Version, string State, string Place, DateTime PlacedAt, long Delivered, int Gaps, int Failures,
    DateTime? NextAttemptAt, DateTime? LastSuccessAt, string? LastError, DateTime? LastErrorAt)
{
    /// <summary>The subscription as it is shown.</summary>
    /// <param name="isBehind">The log has something after its place.</param>
    public SubscriptionInfo Info(bool isBehind) => new(
        Id, Name, Url, Datastreams, Things, Types, Bbox, new SubscriptionBatch(BatchMost, XmlConvert.ToString(BatchWithin)), Access, State,
        XmlConvert.ToString(isBehind && DateTime.UtcNow > PlacedAt ? TimeSpan.FromSeconds(Math.Round((DateTime.UtcNow - PlacedAt).TotalSeconds, 3)) : TimeSpan.Zero),
        Delivered, Failures, Gaps, State == "active" ? NextAttemptAt : null, LastSuccessAt, LastError, LastErrorAt, CreatedBy, CreatedAt);

    public LiveFilter Filter() => new(Datastreams, Things, Types, Bbox);
}
