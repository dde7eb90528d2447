using Allmende.Ingestion.Devices;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/devices</c>: pages of devices, to be followed by their links.</summary>
static class ListDevices
{
    const int MostOnAPage = 1000;

    public static void Map(RouteGroupBuilder devices) => devices.MapGet("", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<DevicePage>()
        .ProducesProblem(422)
        .WithName("ListDevices")
        .WithSummary("List devices")
        .WithDescription($"""
            In the order of their ids, `limit` (100, at most {MostOnAPage}) on a page; `next` is the link of the following page. `search` looks for a part
            of id, name, DevEUI, profile, dataset or description, `profile` for one profile's devices.
            """)
        .WithExamples(responses: ("200", DeviceExamples.Page));

    static async Task<IResult> HandleAsync(
        string municipality, string? search, string? profile, string? after, int? limit, DeviceStore store, SensorThings things, PlatformOptions platform,
        CancellationToken cancellation)
    {
        var size = limit ?? 100;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        foreach (var (field, text) in new[] { ("search", search), ("profile", profile), ("after", after) })
            if (text is not null && (text.Length > 200 || text.Any(char.IsControl))) return IngestionErrors.InvalidPage.Problem("must be a text of at most 200 characters", field);

        var found = await store.ListAsync(municipality, NullIfEmpty(search), NullIfEmpty(profile), after, size + 1, cancellation);
        var page = found.Take(size).Select(device => DeviceAnswer.Of(device, things.ThingLink(municipality, device.Device.Id))).ToList();
        if (found.Count <= size) return TypedResults.Ok(new DevicePage(page, null));
        var query = QueryString.Create(
            new[] { ("search", NullIfEmpty(search)), ("profile", NullIfEmpty(profile)), ("limit", limit?.ToString()), ("after", page[^1].Id) }
                .Where(part => part.Item2 is not null).Select(part => KeyValuePair.Create(part.Item1, part.Item2)));
        return TypedResults.Ok(new DevicePage(page, $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/devices{query}"));
    }

    static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>Who may read what devices there are: the municipality's own people. Partners and the public see the Things of open datasets.</summary>
static class DeviceReaders
{
    public static readonly string[] Roles =
        [Contracts.Roles.Admin, Contracts.Roles.DataOwner, Contracts.Roles.DataSteward, Contracts.Roles.Analyst, Contracts.Roles.Developer, Contracts.Roles.DeviceManager];
}
