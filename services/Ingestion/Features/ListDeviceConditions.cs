using System.Globalization;
using Allmende.Ingestion.Watch;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/device-conditions</c>: what is, or was, wrong with the municipality's devices.</summary>
static class ListDeviceConditions
{
    const int MostOnAPage = 1000;

    public static void Map(RouteGroupBuilder conditions) => conditions.MapGet("", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<ConditionPage>()
        .ProducesProblem(422)
        .WithName("ListDeviceConditions")
        .WithSummary("List what is wrong with devices")
        .WithDescription($"""
            The newest first, `limit` (100, at most {MostOnAPage}) on a page; `next` is the link of the following page. `open=true` for what is not over, `device` and `kind`
            for one device's and one kind ({string.Join(", ", ConditionKind.All)}).
            """)
        .WithExamples(responses: ("200", $$"""{ "items": [{{DeviceExamples.Condition}}] }"""));

    static async Task<IResult> HandleAsync(
        string municipality, bool? open, string? device, string? kind, long? after, int? limit, ConditionStore store, PlatformOptions platform, CancellationToken cancellation)
    {
        var size = limit ?? 100;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        if (kind is not null && !ConditionKind.All.Contains(kind)) return IngestionErrors.InvalidPage.Problem($"must be one of {string.Join(", ", ConditionKind.All)}", "kind");
        if (device is not null && !Devices.Device.IsId(device)) return TypedResults.Ok(new ConditionPage([], null));

        var found = await store.ListAsync(municipality, open, device, kind, after, size + 1, cancellation);
        var page = found.Take(size).ToList();
        if (found.Count <= size) return TypedResults.Ok(new ConditionPage(page, null));
        var query = QueryString.Create(
            new[]
            {
                ("open", open is { } only ? (only ? "true" : "false") : null), ("device", device), ("kind", kind), ("limit", limit?.ToString(CultureInfo.InvariantCulture)),
                ("after", page[^1].Id.ToString(CultureInfo.InvariantCulture)),
            }.Where(part => part.Item2 is not null).Select(part => KeyValuePair.Create(part.Item1, part.Item2)));
        return TypedResults.Ok(new ConditionPage(page, $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/device-conditions{query}"));
    }
}

/// <summary>A page of conditions.</summary>
/// <param name="Items">The newest first.</param>
/// <param name="Next">Link of the next page; missing on the last.</param>
public sealed record ConditionPage(IReadOnlyList<ConditionAnswer> Items, string? Next);
