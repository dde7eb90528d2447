using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET</c> and <c>POST /{m}/devices/{id}/state</c>.</summary>
static class ChangeDeviceState
{
    const int LongestReason = 500, ChangesShown = 100;

    public static void Map(RouteGroupBuilder devices)
    {
        devices.MapGet("/{id}/state", ShowAsync)
            .RequireRole(DeviceReaders.Roles)
            .Produces<DeviceStateAnswer>()
            .ProducesProblem(404)
            .WithName("ShowDeviceState")
            .WithSummary("Show a device's state and its history")
            .WithDescription($"The last {ChangesShown} changes, the newest first, and what people may make of it now.")
            .WithExamples(responses: ("200", DeviceExamples.State));
        devices.MapPost("/{id}/state", ChangeAsync)
            .RequireRole(Roles.OfDevices)
            .Accepts<DeviceStateChange>("application/json").WithMetadata(new RequestSizeLimitAttribute(8 * 1024))
            .Produces<DeviceStateAnswer>()
            .ProducesProblem(404)
            .ProducesProblem(409)
            .ProducesProblem(422)
            .WithName("ChangeDeviceState")
            .WithSummary("Change a device's state")
            .WithDescription("""
                `planned`, `installed`, `faulty` or `retired`, where that may follow; else 409, which says what may. `active` comes by an uplink, `silent` when three
                uplinks in a row are missing. Uplinks of a retired device are refused as those of an unknown one.
                """)
            .WithExamples(request: """{ "state": "faulty", "reason": "Gehäuse gebrochen" }""", responses: ("200", DeviceExamples.State));
    }

    static async Task<IResult> ShowAsync(string municipality, string id, DeviceStore devices, DeviceStateStore states, CancellationToken cancellation) =>
        Device.IsId(id) && await devices.FindAsync(municipality, id, cancellation) is { } device
            ? TypedResults.Ok(new DeviceStateAnswer(
                id, device.State, device.StateSince, DeviceState.After(device.State), await states.HistoryAsync(municipality, id, ChangesShown, cancellation)))
            : Stored.NoSuchDevice.Problem(id);

    static async Task<IResult> ChangeAsync(
        string municipality, string id, JsonElement body, HttpContext context, DeviceStore devices, DeviceStateStore states, DeviceDirectory directory,
        CancellationToken cancellation)
    {
        if (!Device.IsId(id)) return Stored.NoSuchDevice.Problem(id);
        var form = new JsonForm(body);
        var to = form.Text("state", 20, required: true);
        var reason = form.Text("reason", LongestReason);
        if (to is not null && !DeviceState.All.Contains(to)) form.Add("state", $"must be one of {string.Join(", ", DeviceState.All)}");
        if (form.Faults.Count > 0) return IngestionErrors.InvalidDevice.Problem(form.Faults);

        var from = await states.ChangeAsync(municipality, id, to!, context.User.Name(), reason, cancellation);
        if (from is null) return Stored.NoSuchDevice.Problem(id);
        if (!DeviceState.After(from).Contains(to))
            return IngestionErrors.StateNotAllowed.Problem($"it is {from}; allowed now: {string.Join(", ", DeviceState.After(from))}", "state");
        directory.Forget(municipality, id);
        return await ShowAsync(municipality, id, devices, states, cancellation);
    }
}

/// <summary>The body of <c>POST /{m}/devices/{id}/state</c>.</summary>
/// <param name="State"><c>planned</c>, <c>installed</c>, <c>faulty</c> or <c>retired</c>.</param>
/// <param name="Reason">Why; at most 500 characters.</param>
public sealed record DeviceStateChange(string State, string? Reason);

/// <summary>A device's state.</summary>
/// <param name="Id">The device.</param>
/// <param name="State">Its state.</param>
/// <param name="Since">Since when.</param>
/// <param name="Allowed">What people may make of it.</param>
/// <param name="History">The last changes, the newest first.</param>
public sealed record DeviceStateAnswer(string Id, string State, DateTime Since, IReadOnlyList<string> Allowed, IReadOnlyList<StateChange> History);
