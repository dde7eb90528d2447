using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Inbox;
using Allmende.Ingestion.Outbox;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/devices/{id}/replace</c>: another physical device takes the place of a broken one; its Thing and Datastreams go on.</summary>
static partial class ReplaceHardware
{
    const int LongestText = 2000;

    public static void Map(RouteGroupBuilder devices) => devices.MapPost("/{id}/replace", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .Accepts<Replacement>("application/json").WithMetadata(new RequestSizeLimitAttribute(16 * 1024))
        .Produces<DeviceRegistration>()
        .ProducesProblem(404)
        .ProducesProblem(409)
        .ProducesProblem(422)
        .WithName("ReplaceHardware")
        .WithSummary("Put another device in the place of a broken one")
        .WithDescription("""
            Id, Thing and Datastreams stay; DevEUI and key are new, and the old DevEUI is unknown from then on. Another `profile` must have all fields of the old one, in
            the same units: else 409 with what is missing, unless `allowMissing` says that this is all right. What the new device has sent already, unknown, is taken.
            """)
        .WithExamples(request: """{ "devEui": "70B3D57ED0000002", "text": "Gehäuse gebrochen" }""", responses: ("200", DeviceExamples.Registration));

    static async Task<IResult> HandleAsync(
        string municipality, string id, JsonElement body, HttpContext context, DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory,
        OutboxPublisher publisher, SensorThings things, UnknownDevices doors, Adoption adoption, ILoggerFactory loggers, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || await store.FindAsync(municipality, id, cancellation) is not { } before) return Stored.NoSuchDevice.Problem(id);
        var form = new DeviceForm(body);
        var (device, text, allowMissing) = form.ReadReplacement(before.Device, LongestText);
        var profile = await form.FindProfileAsync(municipality, device, profiles, cancellation);
        if (form.Faults.Count > 0 || profile is null) return IngestionErrors.InvalidDevice.Problem(form.Faults);
        if (!allowMissing && device.Profile != before.Device.Profile)
        {
            var missing = Missing(await profiles.FindAsync(municipality, before.Device.Profile, cancellation), profile).ToList();
            if (missing.Count > 0) return IngestionErrors.FieldsMissing.Problem(missing);
        }
        await doors.WriteAsync(municipality, cancellation); // what the new one sent a moment ago is taken as well

        var key = ApiKey.Create(ApiKey.DevicePrefix);
        var stored = await store.ReplaceHardwareAsync(
            municipality, device, profile, ApiKey.Hash(key), before.ChangedAt, context.User.Name(), text ?? $"{before.Device.DevEui ?? "-"} → {device.DevEui ?? "-"}", cancellation);
        if (stored == Stored.NoSuchDevice) return IngestionErrors.ChangedMeanwhile.Problem();
        if (stored != Stored.Yes) return stored.Problem(device);
        directory.Forget(municipality, id);
        publisher.Wake(municipality);
        try
        {
            await adoption.TakeAsync(municipality, id, cancellation);
        }
        catch (Exception fault) when (Infrastructure.IsAtFault(fault))
        {
            // The key is shown this once: what was kept is taken with the next sweep.
            LogLater(loggers.CreateLogger("Allmende.Ingestion.ReplaceHardware"), municipality, fault.Message);
        }
        return TypedResults.Ok(DeviceRegistration.Of(device, things, municipality, profile, key));
    }

    /// <summary>A field whose unit is another one is another Datastream by the same name, which is worse than none.</summary>
    static IEnumerable<(string Field, string Fault)> Missing(DeviceProfile? before, DeviceProfile now) =>
        (before?.Fields ?? []).Where(field => !now.Fields.Any(other => other.Field == field.Field && other.Unit == field.Unit))
            .Select(field => (field.Field, $"is not in '{now.Id}'{(field.Unit is null ? "" : $" in {field.Unit}")}"));

    [LoggerMessage(2063, LogLevel.Warning, "kept uplinks of a replaced device of {Municipality} are taken later: {Reason}")]
    static partial void LogLater(ILogger logger, string municipality, string reason);
}

/// <summary>The body of <c>POST /{m}/devices/{id}/replace</c>.</summary>
/// <param name="DevEui">The new device's; may be left out where the old one has none.</param>
/// <param name="Profile">Its profile; the old one's if it is left out.</param>
/// <param name="AllowMissing">The new profile need not have all fields of the old one.</param>
/// <param name="Text">Why, for the maintenance log; at most 2000 characters.</param>
public sealed record Replacement(string? DevEui, string? Profile, bool? AllowMissing, string? Text);
