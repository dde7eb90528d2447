using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Inbox;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/unknown-devices/{name}/adopt</c>: registers an unknown sender and takes what was kept of it.</summary>
static partial class AdoptDevice
{
    public static void Map(RouteGroupBuilder inbox) => inbox.MapPost("/{name}/adopt", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .WithDeviceBody()
        .Produces<DeviceRegistration>(201)
        .ProducesProblem(404)
        .ProducesProblem(409)
        .ProducesProblem(422)
        .WithName("AdoptDevice")
        .WithSummary("Register somebody who sends already")
        .WithDescription("""
            As POST /devices, without `devEui`: that is the name. Where the name is an id, the device gets that id. Its kept uplinks are taken as if they had been
            taken when they came: a message that is sent again is no second one.
            """)
        .WithExamples(request: DeviceExamples.Adopted, responses: ("201", DeviceExamples.Registration));

    static async Task<IResult> HandleAsync(
        string municipality, string name, JsonElement body, UnknownDeviceStore store, UnknownDevices doors, DeviceRegistrar registrar, Adoption adoption,
        ILoggerFactory loggers, CancellationToken cancellation)
    {
        await doors.WriteAsync(municipality, cancellation); // what it sent a moment ago is taken as well
        if (!UnknownDevice.IsName(name) || await store.FindAsync(municipality, name, cancellation) is null)
            return IngestionErrors.NotInInbox.Problem($"nobody called '{name}' waits here");
        var (registration, problem) = await registrar.RegisterAsync(municipality, body, name, cancellation);
        if (problem is not null) return problem;
        try
        {
            await adoption.TakeAsync(municipality, registration!.Id, cancellation);
        }
        catch (Exception fault) when (Infrastructure.IsAtFault(fault))
        {
            // The device is registered, and its key is shown this once: what was kept is taken with the next sweep.
            LogLater(loggers.CreateLogger("Allmende.Ingestion.AdoptDevice"), municipality, fault.Message);
        }
        return await registrar.AnswerAsync(municipality, registration!, cancellation);
    }

    [LoggerMessage(2062, LogLevel.Warning, "kept uplinks of an adopted device of {Municipality} are taken later: {Reason}")]
    static partial void LogLater(ILogger logger, string municipality, string reason);
}
