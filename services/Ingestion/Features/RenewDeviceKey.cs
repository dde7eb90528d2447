using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/devices/{id}/key</c>.</summary>
static class RenewDeviceKey
{
    public static void Map(RouteGroupBuilder devices) => devices.MapPost("/{id}/key", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .Produces<DeviceKey>()
        .ProducesProblem(404)
        .WithName("RenewDeviceKey")
        .WithSummary("Make a new key for a device")
        .WithDescription("The old key is worth nothing from then on. The new one is shown this once.")
        .WithExamples(responses: ("200", DeviceExamples.Key));

    static async Task<IResult> HandleAsync(string municipality, string id, DeviceStore store, DeviceDirectory directory, CancellationToken cancellation)
    {
        var key = ApiKey.Create(ApiKey.DevicePrefix);
        if (!Device.IsId(id) || !await store.ReplaceKeyAsync(municipality, id, ApiKey.Hash(key), cancellation)) return Stored.NoSuchDevice.Problem(id);
        directory.Forget(municipality, id);
        return TypedResults.Ok(new DeviceKey(id, key));
    }
}
