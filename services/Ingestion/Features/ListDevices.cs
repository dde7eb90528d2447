using System.Globalization;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Watch;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

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
            `limit` (100, at most {MostOnAPage}) on a page; `next` is the link of the following page. `sort` is `id`, `name` or `lastSeen`, with `-` before it from the
            end; who was never heard of has the earliest `lastSeen`. `search` looks for a part of id, name, DevEUI, profile, dataset, description, group or department,
            or for a whole tag. `profile`, `tag` (again for each that it must have), `group`, `department` and `state` are whole; `silentSince` is a time since when it
            was not heard of; `condition` is what is wrong now ({string.Join(", ", ConditionKind.All)}), or `any` for all that are silent, faulty or have a condition; `bbox` is
            west,south,east,north in degrees.
            """)
        .WithExamples(responses: ("200", DeviceExamples.Page));

    static async Task<IResult> HandleAsync(
        string municipality, [AsParameters] DeviceQuery query, DeviceStore store, SensorThings things, PlatformOptions platform, CancellationToken cancellation)
    {
        var size = query.Limit ?? 100;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        var (filter, field, fault) = query.Read();
        if (fault is not null) return IngestionErrors.InvalidPage.Problem(fault, field);

        var found = await store.ListAsync(municipality, filter, size + 1, cancellation);
        var page = found.Take(size).Select(device => DeviceAnswer.Of(device, things, municipality)).ToList();
        return TypedResults.Ok(new DevicePage(page, found.Count <= size
            ? null
            : $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/devices{query.After(filter.Order, found[size - 1])}"));
    }
}

/// <summary>What may be asked of the list of devices.</summary>
sealed class DeviceQuery
{
    [FromQuery(Name = "search")] public string? Search { get; set; }
    [FromQuery(Name = "profile")] public string? Profile { get; set; }
    [FromQuery(Name = "tag")] public string[] Tags { get; set; } = [];
    [FromQuery(Name = "group")] public string? Group { get; set; }
    [FromQuery(Name = "department")] public string? Department { get; set; }
    [FromQuery(Name = "state")] public string? State { get; set; }
    [FromQuery(Name = "condition")] public string? Condition { get; set; }
    [FromQuery(Name = "silentSince")] public DateTimeOffset? SilentSince { get; set; }
    [FromQuery(Name = "bbox")] public string? Bbox { get; set; }
    [FromQuery(Name = "sort")] public string? Sort { get; set; }
    [FromQuery(Name = "after")] public string? AfterId { get; set; }
    [FromQuery(Name = "afterKey")] public string? AfterKey { get; set; }
    [FromQuery(Name = "limit")] public int? Limit { get; set; }

    /// <summary>The filter, or the parameter at fault.</summary>
    public (DeviceFilter Filter, string? Field, string? Fault) Read()
    {
        var none = new DeviceFilter();
        foreach (var (field, text) in Texts())
            if (text is not null && (text.Length > 200 || text.Any(char.IsControl))) return (none, field, "must be a text of at most 200 characters");
        if (Tags.Length > 20) return (none, "tag", "must be at most 20");
        if (State is { Length: > 0 } && !DeviceState.All.Contains(State)) return (none, "state", $"must be one of {string.Join(", ", DeviceState.All)}");
        if (Condition is { Length: > 0 } && Condition != DeviceFilter.AnyCondition && !ConditionKind.All.Contains(Condition))
            return (none, "condition", $"must be {DeviceFilter.AnyCondition} or one of {string.Join(", ", ConditionKind.All)}");
        DeviceOrder? order = Sort?.TrimStart('-') switch { null or "" or "id" => DeviceOrder.Id, "name" => DeviceOrder.Name, "lastSeen" => DeviceOrder.LastSeen, _ => null };
        if (order is null || Sort?.StartsWith("--", StringComparison.Ordinal) == true) return (none, "sort", "must be id, name or lastSeen, or one of these with a dash before it");
        var box = BoxOf(Bbox);
        if (Bbox is { Length: > 0 } && box is null) return (none, "bbox", "must be west,south,east,north in degrees");
        if (AfterId is not null && order != DeviceOrder.Id && (AfterKey is null || (order == DeviceOrder.LastSeen && !DevicePlace.TryReadTime(AfterKey, out _))))
            return (none, "afterKey", "is missing or no place that a page's link names");
        return (new DeviceFilter
        {
            Search = NullIfEmpty(Search),
            Profile = NullIfEmpty(Profile),
            Tags = [.. Tags.Select(NullIfEmpty).OfType<string>()],
            Group = NullIfEmpty(Group),
            Department = NullIfEmpty(Department),
            State = NullIfEmpty(State),
            Condition = NullIfEmpty(Condition),
            SilentSince = SilentSince?.UtcDateTime,
            Bbox = box,
            Order = order.Value,
            Descending = Sort?.StartsWith('-') == true,
            After = AfterId is null ? null : new DevicePlace(AfterId, AfterKey),
        }, null, null);
    }

    /// <summary>The query of the page after <paramref name="last"/>.</summary>
    public QueryString After(DeviceOrder order, RegisteredDevice last)
    {
        var key = order switch { DeviceOrder.Name => last.Device.Name, DeviceOrder.LastSeen => DevicePlace.KeyOf(last.LastSeen?.At), _ => null };
        var parts = new List<(string, string?)>
        {
            ("search", NullIfEmpty(Search)), ("profile", NullIfEmpty(Profile)), ("group", NullIfEmpty(Group)), ("department", NullIfEmpty(Department)),
            ("state", NullIfEmpty(State)), ("condition", NullIfEmpty(Condition)), ("silentSince", SilentSince?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)), ("bbox", NullIfEmpty(Bbox)),
            ("sort", NullIfEmpty(Sort)), ("limit", Limit?.ToString(CultureInfo.InvariantCulture)), ("after", last.Device.Id), ("afterKey", key),
        };
        parts.AddRange(Tags.Select(tag => ("tag", NullIfEmpty(tag))));
        return QueryString.Create(parts.Where(part => part.Item2 is not null).Select(part => KeyValuePair.Create(part.Item1, part.Item2)));
    }

    IEnumerable<(string Field, string? Text)> Texts() =>
    [
        ("search", Search), ("profile", Profile), ("group", Group), ("department", Department), ("state", State), ("bbox", Bbox), ("sort", Sort),
        ("after", AfterId), ("afterKey", AfterKey), .. Tags.Select(tag => ("tag", (string?)tag)),
    ];

    static double[]? BoxOf(string? text)
    {
        if (text?.Split(',') is not { Length: 4 } parts) return null;
        var box = new double[4];
        for (var i = 0; i < 4; i++)
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out box[i]) || Math.Abs(box[i]) > (i % 2 == 0 ? 180 : 90)) return null;
        return box.All(double.IsFinite) && box[1] <= box[3] ? box : null;
    }

    static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>Who may read what devices there are: the municipality's own people. Partners and the public see the Things of open datasets.</summary>
static class DeviceReaders
{
    public static readonly string[] Roles =
        [Contracts.Roles.Admin, Contracts.Roles.DataOwner, Contracts.Roles.DataSteward, Contracts.Roles.Analyst, Contracts.Roles.Developer, Contracts.Roles.DeviceManager];
}
