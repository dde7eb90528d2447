using System.Text.Json;
using Allmende.Contracts;
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

    static async Task<IResult> HandleAsync(string municipality, JsonElement body, DeviceRegistrar registrar, CancellationToken cancellation)
    {
        var (registration, problem) = await registrar.RegisterAsync(municipality, body, null, cancellation);
        return problem ?? await registrar.AnswerAsync(municipality, registration!, cancellation);
    }
}
