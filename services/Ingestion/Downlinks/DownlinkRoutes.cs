using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Features;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Downlinks;

/// <summary><c>/{m}/devices/{id}/downlinks</c>: what is sent to a device, what was, and what became of it.</summary>
static class DownlinkRoutes
{
    const int MostOnAPage = 200, ChangesShown = 200, LargestBody = 16 * 1024;

    const string Answer = """
        {
          "id": "0199d2f0a1b27c3d8e4f5a6b7c8d9e0f", "device": "ventil-7", "state": "sent", "stateSince": "2026-03-02T10:20:05.3Z", "fPort": 1, "bytes": "01ff", "confirmed": true,
          "priority": "normal", "queuedAt": "2026-03-02T10:20:05.1Z", "expiresAt": "2026-03-03T10:20:05Z", "by": "musterstadt-admin", "attempts": 1, "way": "ttn"
        }
        """;

    public static void Map(RouteGroupBuilder devices)
    {
        // What moves valves and lights is not for everybody who looks after sensors.
        devices.MapPost("/{id}/downlinks", SendAsync).RequireRole(Roles.OfActuators)
            .Accepts<DownlinkRequest>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces<DownlinkAnswer>(201).Produces<DownlinkDryRun>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422).ProducesProblem(503)
            .WithName("SendDownlink").WithSummary("Send something to a device")
            .WithDescription("""
                It is queued, and goes by the device's way (`/downlink-ways`): to its network server, or by our own broker. One after the other to each device, the highest
                `priority` first. What fails is tried again until it expires. `dryRun=true` shows what would be sent, and where, and stores nothing. For the roles admin and developer.
                """)
            .WithExamples(request: """{ "fPort": 1, "bytes": "01ff", "confirmed": true, "validFor": 3600 }""", responses: ("201", Answer));
        devices.MapGet("/{id}/downlinks", ListAsync).RequireRole(DeviceReaders.Roles)
            .Produces<DownlinkPage>().ProducesProblem(404).ProducesProblem(422)
            .WithName("ListDownlinks").WithSummary("List what was sent to a device")
            .WithDescription($"The newest first, `limit` (50, at most {MostOnAPage}) on a page; `next` is the link of the following page.")
            .WithExamples(responses: ("200", $$"""{ "items": [{{Answer}}] }"""));
        devices.MapGet("/{id}/downlinks/{downlink}", ShowAsync).RequireRole(DeviceReaders.Roles)
            .Produces<DownlinkAnswer>().ProducesProblem(404)
            .WithName("ShowDownlink").WithSummary("Show a downlink and what became of it")
            .WithDescription($"""
                `queued`, `sending`, then `sent`: the network server has it, or a client of our broker. `acknowledged`: the device has confirmed it. `failed`, `expired`,
                `cancelled`: it is over. `history` has the last {ChangesShown} changes: when, who or what, and why.
                """)
            .WithExamples(responses: ("200", Answer));
        devices.MapDelete("/{id}/downlinks/{downlink}", CancelAsync).RequireRole(Roles.OfActuators)
            .Produces(204).ProducesProblem(404).ProducesProblem(409)
            .WithName("CancelDownlink").WithSummary("Cancel a downlink that is not sent").WithDescription("Only while it is `queued`. For the roles admin and developer.");
    }

    static async Task<IResult> SendAsync(string municipality, string id, JsonElement body, bool? dryRun, HttpContext context, DownlinkDoor door, CancellationToken cancellation)
    {
        var (ready, refusal) = await door.PrepareAsync(municipality, id, body, cancellation);
        if (ready is null) return refusal!;
        if (dryRun == true) return TypedResults.Ok(DownlinkDoor.Show(municipality, ready));
        (var queued, refusal) = await door.QueueAsync(municipality, ready, context.User.Name(), cancellation);
        return queued is null
            ? refusal!
            : TypedResults.Created($"/{municipality}/devices/{id}/downlinks/{queued.Name}", DownlinkAnswer.Of(queued) with { Warnings = ready.Warnings.Count > 0 ? ready.Warnings : null });
    }

    static async Task<IResult> ListAsync(
        string municipality, string id, string? after, int? limit, DownlinkStore store, PlatformOptions platform, CancellationToken cancellation)
    {
        var size = limit ?? 50;
        if (size is < 1 or > MostOnAPage) return IngestionErrors.InvalidPage.Problem($"limit must be 1 to {MostOnAPage}", "limit");
        var place = after is null ? null : Downlink.IdOf(after);
        if (after is not null && place is null) return IngestionErrors.InvalidPage.Problem("is no place that a page's link names", "after");
        if (!Device.IsId(id) || await store.ListAsync(municipality, id, place, size + 1, cancellation) is not { } found) return Stored.NoSuchDevice.Problem(id);
        var page = found.Take(size).Select(DownlinkAnswer.Of).ToList();
        return TypedResults.Ok(new DownlinkPage(page, found.Count <= size ? null : string.Create(
            CultureInfo.InvariantCulture, $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/devices/{id}/downlinks?limit={size}&after={page[^1].Id}")));
    }

    static async Task<IResult> ShowAsync(string municipality, string id, string downlink, DownlinkStore store, CancellationToken cancellation) =>
        await FindAsync(municipality, id, downlink, store, cancellation) is { } found
            ? TypedResults.Ok(DownlinkAnswer.Of(found) with { History = await store.HistoryAsync(municipality, found.Id, ChangesShown, cancellation) })
            : NoSuchDownlink(id, downlink);

    static async Task<IResult> CancelAsync(string municipality, string id, string downlink, HttpContext context, DownlinkStore store, CancellationToken cancellation)
    {
        if (await FindAsync(municipality, id, downlink, store, cancellation) is not { } found) return NoSuchDownlink(id, downlink);
        if (await store.CancelAsync(municipality, id, found.Id, context.User.Name(), cancellation))
        {
            Telemetry.CountDownlink(municipality, DownlinkState.Cancelled);
            return TypedResults.NoContent();
        }
        var now = await store.FindAsync(municipality, id, found.Id, cancellation);
        return IngestionErrors.NoDownlinkNow.Problem($"it is {now?.State ?? "gone"}; only what is {DownlinkState.Queued} can be cancelled");
    }

    static async Task<Downlink?> FindAsync(string municipality, string device, string downlink, DownlinkStore store, CancellationToken cancellation) =>
        Device.IsId(device) && Downlink.IdOf(downlink) is { } id ? await store.FindAsync(municipality, device, id, cancellation) : null;

    static IResult NoSuchDownlink(string device, string downlink) => IngestionErrors.UnknownDownlink.Problem($"nothing called '{downlink}' was sent to '{device}'");
}

/// <summary>A downlink.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Device">To whom.</param>
/// <param name="State">queued, sending, sent, acknowledged, failed, expired or cancelled.</param>
/// <param name="StateSince">Since when.</param>
/// <param name="Reason">Why, in the words of who knows.</param>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="Bytes">The payload, hexadecimal.</param>
/// <param name="Data">What it was encoded from.</param>
/// <param name="Confirmed">Whether the device shall confirm it.</param>
/// <param name="Priority">low, normal or high.</param>
/// <param name="QueuedAt">When it was queued.</param>
/// <param name="ExpiresAt">It is not sent later.</param>
/// <param name="By">The client that asked for it.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="NextAttemptAt">When it is tried next, if it has failed and waits.</param>
/// <param name="Way">The way of the last attempt; missing where our own broker was it without being configured.</param>
/// <param name="Warnings">What the codec had to say; only when it is queued.</param>
/// <param name="History">What became of it, the oldest first; not in lists.</param>
/// <param name="Task">The id of the Task of SensorThings that it carries out.</param>
public sealed record DownlinkAnswer(
    string Id, string Device, string State, DateTime StateSince, string? Reason, int? FPort, string? Bytes, JsonElement? Data, bool Confirmed, string Priority,
    DateTime QueuedAt, DateTime ExpiresAt, string By, int Attempts, DateTime? NextAttemptAt, string? Way, IReadOnlyList<string>? Warnings = null, IReadOnlyList<DownlinkChange>? History = null, string? Task = null)
{
    internal static DownlinkAnswer Of(Downlink downlink)
    {
        var content = DownlinkContentAnswer.Of(downlink.Content);
        return new(
            downlink.Name, downlink.Device, downlink.State, downlink.StateSince, downlink.Reason, content.FPort, content.Bytes, content.Data, content.Confirmed, content.Priority,
            downlink.QueuedAt, content.ExpiresAt, downlink.By, downlink.Attempts, downlink.State == DownlinkState.Queued && downlink.Attempts > 0 ? downlink.DueAt : null,
            string.IsNullOrEmpty(downlink.Way) ? null : downlink.Way, Task: downlink.Task);
    }
}

/// <summary>A page of downlinks.</summary>
/// <param name="Items">The newest first.</param>
/// <param name="Next">Link of the next page; missing on the last.</param>
public sealed record DownlinkPage(IReadOnlyList<DownlinkAnswer> Items, string? Next);
