using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/devices/{id}</c>.</summary>
static class ShowDevice
{
    public static void Map(RouteGroupBuilder devices) => devices.MapGet("/{id}", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<DeviceAnswer>()
        .ProducesProblem(404)
        .WithName("ShowDevice")
        .WithSummary("Show a device")
        .WithDescription("The device, when it was last heard of, and the link of its Thing. Its key is not shown: POST …/key makes a new one.")
        .WithExamples(responses: ("200", DeviceExamples.Answer));

    static async Task<IResult> HandleAsync(string municipality, string id, DeviceStore store, SensorThings things, CancellationToken cancellation) =>
        Device.IsId(id) && await store.FindAsync(municipality, id, cancellation) is { } device
            ? TypedResults.Ok(DeviceAnswer.Of(device, things, municipality))
            : Stored.NoSuchDevice.Problem(id);
}
