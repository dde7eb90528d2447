using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/devices</c>: takes a device in, and answers when its Thing can be read.</summary>
static class RegisterDevice
{
    public static void Map(RouteGroupBuilder devices) => devices.MapPost("", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .WithDeviceBody()
        .Produces<DeviceRegistration>(201)
        .ProducesProblem(409)
        .ProducesProblem(422)
        .WithName("RegisterDevice")
        .WithSummary("Register a device")
        .WithDescription("""
            Takes a device in. Its profile, which must exist, says how its uplinks are decoded and which Datastreams it has. The answer has the links of
            its Thing and Datastreams, and its API key, which is shown this once. All faults of the body are told at once.
            """)
        .WithExamples(request: DeviceExamples.Device, responses: ("201", DeviceExamples.Registration));

    static async Task<IResult> HandleAsync(
        string municipality, JsonElement body, DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher,
        SensorThings things, CancellationToken cancellation)
    {
        var form = new DeviceForm();
        var device = form.Read(body);
        var profile = await form.FindProfileAsync(municipality, device, profiles, cancellation);
        if (form.Faults.Count > 0 || profile is null) return IngestionErrors.InvalidDevice.Problem(form.Faults);

        var key = ApiKey.Create(ApiKey.DevicePrefix);
        var stored = await store.AddAsync(municipality, device, decodedBySender: profile.Codec is null, ApiKey.Hash(key), cancellation);
        if (stored != Stored.Yes) return stored.Problem(device);

        directory.Forget(municipality, device.Id);
        publisher.Wake(municipality);
        await things.WaitAsync(municipality, device.Id, cancellation);
        return TypedResults.Created($"/{municipality}/devices/{device.Id}", new DeviceRegistration(
            device.Id, device.Name, device.Profile, device.DevEui, device.Location, device.Description, device.Dataset, device.ExpectedInterval,
            things.ThingLink(municipality, device.Id), things.DatastreamLinks(municipality, device.Id, profile), key));
    }
}
