using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>DELETE /{m}/devices/{id}</c>.</summary>
static class RemoveDevice
{
    public static void Map(RouteGroupBuilder devices) => devices.MapDelete("/{id}", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .Produces(204)
        .ProducesProblem(404)
        .WithName("RemoveDevice")
        .WithSummary("Remove a device")
        .WithDescription("Its uplinks are refused from then on, and its key is worth nothing.");

    static async Task<IResult> HandleAsync(
        string municipality, string id, DeviceStore store, DeviceDirectory directory, OutboxPublisher publisher, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || !await store.RemoveAsync(municipality, id, cancellation)) return Stored.NoSuchDevice.Problem(id);
        directory.Forget(municipality, id);
        publisher.Wake(municipality);
        return TypedResults.NoContent();
    }
}
