using Allmende.Contracts;
using Allmende.Ingestion.Inbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>DELETE /{m}/unknown-devices/{name}</c>, and <c>POST …/restore</c>, which undoes it.</summary>
static class IgnoreUnknownDevice
{
    public static void Map(RouteGroupBuilder inbox)
    {
        inbox.MapDelete("/{name}", (string municipality, string name, UnknownDeviceStore store, CancellationToken cancellation) =>
                HandleAsync(municipality, name, true, store, cancellation))
            .RequireRole(Roles.OfDevices)
            .Produces(204)
            .ProducesProblem(404)
            .WithName("IgnoreUnknownDevice")
            .WithSummary("Ignore somebody who is not registered")
            .WithDescription("It is not listed again for 30 days, whatever it sends, unless it is restored. It can be adopted all the same.");
        inbox.MapPost("/{name}/restore", (string municipality, string name, UnknownDeviceStore store, CancellationToken cancellation) =>
                HandleAsync(municipality, name, false, store, cancellation))
            .RequireRole(Roles.OfDevices)
            .Produces(204)
            .ProducesProblem(404)
            .WithName("RestoreUnknownDevice")
            .WithSummary("Ignore it no longer");
    }

    static async Task<IResult> HandleAsync(string municipality, string name, bool ignored, UnknownDeviceStore store, CancellationToken cancellation) =>
        UnknownDevice.IsName(name) && await store.IgnoreAsync(municipality, name, ignored, cancellation)
            ? TypedResults.NoContent()
            : IngestionErrors.NotInInbox.Problem($"nobody called '{name}' waits here");
}
