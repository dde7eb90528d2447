using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>PUT /{m}/devices/{id}</c>: replaces the description; id and key stay.</summary>
static class ReplaceDevice
{
    public static void Map(RouteGroupBuilder devices) => devices.MapPut("/{id}", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .WithDeviceBody()
        .Produces<DeviceAnswer>()
        .ProducesProblem(404)
        .ProducesProblem(409)
        .ProducesProblem(422)
        .WithName("ReplaceDevice")
        .WithSummary("Replace a device's description")
        .WithDescription("What the body leaves out is removed. The id cannot change, the key stays. Devices are made by POST alone, since that makes their key.")
        .WithExamples(request: DeviceExamples.Device, responses: ("200", DeviceExamples.Answer));

    static async Task<IResult> HandleAsync(
        string municipality, string id, JsonElement body, DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher,
        SensorThings things, CancellationToken cancellation)
    {
        if (!Device.IsId(id)) return Stored.NoSuchDevice.Problem(id);
        var form = new DeviceForm(body);
        var device = form.Read(id);
        var profile = await form.FindProfileAsync(municipality, device, profiles, cancellation);
        if (form.Faults.Count > 0 || profile is null) return IngestionErrors.InvalidDevice.Problem(form.Faults);

        var stored = await store.ReplaceAsync(municipality, device, profile, null, cancellation);
        if (stored != Stored.Yes) return stored.Problem(device);

        directory.Forget(municipality, id);
        publisher.Wake(municipality);
        return await store.FindAsync(municipality, id, cancellation) is { } now
            ? TypedResults.Ok(DeviceAnswer.Of(now, things, municipality))
            : Stored.NoSuchDevice.Problem(id); // somebody removed it since
    }
}
