using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET</c> and <c>POST /{m}/devices/{id}/maintenance</c>: what was done to a device, when and by whom.</summary>
static class MaintainDevice
{
    const int LongestText = 2000, MostOnAPage = 500;

    public static void Map(RouteGroupBuilder devices)
    {
        devices.MapGet("/{id}/maintenance", ListAsync)
            .RequireRole(DeviceReaders.Roles)
            .Produces<MaintenancePage>()
            .ProducesProblem(404)
            .ProducesProblem(422)
            .WithName("ListMaintenance")
            .WithSummary("List what was done to a device")
            .WithDescription($"The newest first, `limit` (50, at most {MostOnAPage}) on a page; `next` is the link of the following page.")
            .WithExamples(responses: ("200", $$"""{ "items": [{{DeviceExamples.Maintenance}}] }"""));
        devices.MapPost("/{id}/maintenance", AddAsync)
            .RequireRole(Roles.OfDevices)
            .Accepts<MaintenanceNote>("application/json").WithMetadata(new RequestSizeLimitAttribute(16 * 1024))
            .Produces<MaintenanceEntry>(201)
            .ProducesProblem(404)
            .ProducesProblem(422)
            .WithName("AddMaintenance")
            .WithSummary("Note what was done to a device")
            .WithDescription($"`kind` is one of {string.Join(", ", MaintenanceKind.OfPeople)}; `at` is now if it is left out. Who notes it is the client that asks.")
            .WithExamples(request: """{ "kind": "battery-changed", "text": "2 × ER34615" }""", responses: ("201", DeviceExamples.Maintenance));
    }

    static async Task<IResult> ListAsync(
        string municipality, string id, string? after, int? limit, MaintenanceStore log, PlatformOptions platform, CancellationToken cancellation)
    {
        var size = limit ?? 50;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        var place = after is null ? null : PlaceOf(after);
        if (after is not null && place is null) return IngestionErrors.InvalidPage.Problem("is no place that a page's link names", "after");
        if (!Device.IsId(id) || await log.ListAsync(municipality, id, place, size + 1, cancellation) is not { } found) return Stored.NoSuchDevice.Problem(id);

        var page = found.Take(size).ToList();
        return TypedResults.Ok(new MaintenancePage(page, found.Count <= size
            ? null
            : $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/devices/{id}/maintenance?limit={size}&after={page[^1].At:O},{page[^1].Id}"));
    }

    static (DateTime, long)? PlaceOf(string after) =>
        after.Split(',') is [var at, var id] && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && DateTime.TryParseExact(at, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time) && time.Kind == DateTimeKind.Utc
            ? (time, number)
            : null;

    static async Task<IResult> AddAsync(string municipality, string id, JsonElement body, HttpContext context, MaintenanceStore log, CancellationToken cancellation)
    {
        if (!Device.IsId(id)) return Stored.NoSuchDevice.Problem(id);
        var form = new JsonForm(body);
        var kind = form.Text("kind", 40, required: true);
        var text = form.Text("text", LongestText);
        var at = form.Time("at") ?? DateTimeOffset.UtcNow;
        if (kind is not null && !MaintenanceKind.OfPeople.Contains(kind)) form.Add("kind", $"must be one of {string.Join(", ", MaintenanceKind.OfPeople)}");
        if (kind == "other" && text is null) form.Add("text", "is missing; say what was done");
        if (form.Faults.Count > 0) return IngestionErrors.InvalidMaintenance.Problem(form.Faults);
        return await log.AddAsync(municipality, id, at.UtcDateTime, kind!, text, context.User.Name(), cancellation) is { } entry
            ? TypedResults.Created($"/{municipality}/devices/{id}/maintenance", entry)
            : Stored.NoSuchDevice.Problem(id);
    }
}

/// <summary>The body of <c>POST /{m}/devices/{id}/maintenance</c>.</summary>
/// <param name="Kind">installed, battery-changed, cleaned, repaired, moved or other.</param>
/// <param name="Text">In people's words; at most 2000 characters.</param>
/// <param name="At">When; now if it is left out.</param>
public sealed record MaintenanceNote(string Kind, string? Text, DateTimeOffset? At);

/// <summary>A page of a maintenance log.</summary>
/// <param name="Items">The newest first.</param>
/// <param name="Next">Link of the next page; missing on the last.</param>
public sealed record MaintenancePage(IReadOnlyList<MaintenanceEntry> Items, string? Next);
