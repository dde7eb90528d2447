using System.Globalization;
using Allmende.Contracts;
using Allmende.Ingestion.Inbox;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/unknown-devices</c> and <c>/{name}</c>: who sends and is not registered. For those who register devices: what is sent may be of persons.</summary>
static class ListUnknownDevices
{
    const int MostOnAPage = 500;

    public static void Map(RouteGroupBuilder inbox)
    {
        inbox.MapGet("", ListAsync)
            .RequireRole(Roles.OfDevices)
            .Produces<UnknownDevicePage>()
            .ProducesProblem(422)
            .WithName("ListUnknownDevices")
            .WithSummary("List who sends and is not registered")
            .WithDescription($"""
                The last seen first, `limit` (50, at most {MostOnAPage}) on a page; `next` is the link of the following page. Each with its first uplinks. `ignored=true`
                lists those that are ignored instead. What has not been seen for 30 days is forgotten.
                """)
            .WithExamples(responses: ("200", DeviceExamples.UnknownPage));
        inbox.MapGet("/{name}", ShowAsync)
            .RequireRole(Roles.OfDevices)
            .Produces<UnknownDeviceAnswer>()
            .ProducesProblem(404)
            .WithName("ShowUnknownDevice")
            .WithSummary("Show who sends and is not registered")
            .WithDescription("By the DevEUI (16 upper-case hexadecimal digits) or the id that it sends.")
            .WithExamples(responses: ("200", DeviceExamples.Unknown));
    }

    static async Task<IResult> ListAsync(
        string municipality, bool? ignored, string? after, int? limit, UnknownDeviceStore store, PlatformOptions platform, CancellationToken cancellation)
    {
        var size = limit ?? 50;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        var place = after is null ? null : PlaceOf(after);
        if (after is not null && place is null) return IngestionErrors.InvalidPage.Problem("is no place that a page's link names", "after");

        var found = await store.ListAsync(municipality, ignored == true, place, size + 1, cancellation);
        var page = found.Take(size).Select(UnknownDeviceAnswer.Of).ToList();
        if (found.Count <= size) return TypedResults.Ok(new UnknownDevicePage(page, null));
        var query = QueryString.Create(
            new[] { ("ignored", ignored == true ? "true" : null), ("limit", limit?.ToString(CultureInfo.InvariantCulture)), ("after", $"{page[^1].LastSeen:O},{page[^1].Name}") }
                .Where(part => part.Item2 is not null).Select(part => KeyValuePair.Create(part.Item1, part.Item2)));
        return TypedResults.Ok(new UnknownDevicePage(page, $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/unknown-devices{query}"));
    }

    static (DateTime, string)? PlaceOf(string after) =>
        after.Split(',', 2) is [var seen, var name] && UnknownDevice.IsName(name)
        && DateTime.TryParseExact(seen, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time) && time.Kind == DateTimeKind.Utc
            ? (time, name)
            : null;

    static async Task<IResult> ShowAsync(string municipality, string name, UnknownDeviceStore store, CancellationToken cancellation) =>
        UnknownDevice.IsName(name) && await store.FindAsync(municipality, name, cancellation) is { } device
            ? TypedResults.Ok(UnknownDeviceAnswer.Of(device))
            : IngestionErrors.NotInInbox.Problem($"nobody called '{name}' waits here");
}
