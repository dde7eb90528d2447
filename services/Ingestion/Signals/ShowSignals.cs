using System.Text.Json;
using System.Text.Json.Serialization;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Features;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Signals;

/// <summary><c>GET /{m}/devices/{id}/signals</c>: what network servers told last of a device.</summary>
static class ShowSignals
{
    const string Example = """
        { "items": [
          { "kind": "status", "at": "2026-03-02T10:20:05.012345Z", "batteryLevel": 88.5, "externalPower": false, "margin": 10 },
          { "kind": "log", "at": "2026-03-01T07:00:00Z", "level": "ERROR", "text": "UPLINK_CODEC: ReferenceError: readUInt16 is not defined" },
          { "kind": "downlink_acknowledged", "at": "2026-02-27T16:05:11Z", "downlink": "9c6c6c4e-56a4-4d0c-8e3d-6e0b0b1f2a7d" }
        ] }
        """;

    public static void Map(RouteGroupBuilder devices) => devices.MapGet("/{id}/signals", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<SignalList>()
        .ProducesProblem(404)
        .WithName("ShowDeviceSignals")
        .WithSummary("Show what network servers told of a device")
        .WithDescription("""
            Beside uplinks, network servers tell of a device's battery and link margin, its joins, its downlinks, where it is, and of errors. The newest of each
            kind is kept, and shown some seconds after it came. `batteryLevel` is in percent, `margin` in dB, `location` a GeoJSON Point.
            """)
        .WithExamples(responses: ("200", Example));

    static async Task<IResult> HandleAsync(string municipality, string id, SignalStore store, CancellationToken cancellation) =>
        Device.IsId(id) && await store.ListAsync(municipality, id, cancellation) is { } signals
            ? TypedResults.Ok(new SignalList(signals))
            : Stored.NoSuchDevice.Problem(id);
}

/// <summary>What was told last of a device.</summary>
/// <param name="Items">At most one of each kind, the newest first.</param>
public sealed record SignalList(IReadOnlyList<SignalAnswer> Items);

/// <summary>A signal as the API shows it.</summary>
/// <param name="Kind"><c>join</c>, <c>status</c>, <c>downlink_queued</c>, <c>downlink_sent</c>, <c>downlink_acknowledged</c>, <c>downlink_unacknowledged</c>, <c>downlink_failed</c>, <c>log</c>, <c>location</c>, <c>service</c>.</param>
/// <param name="At">When it happened.</param>
/// <param name="BatteryLevel">Percent.</param>
/// <param name="ExternalPower">Whether the device has power from outside.</param>
/// <param name="Margin">Link margin, dB.</param>
/// <param name="Level">How grave a log entry is.</param>
/// <param name="Text">For people.</param>
/// <param name="Downlink">The downlink that is meant.</param>
/// <param name="Location">GeoJSON Point.</param>
public sealed record SignalAnswer(
    string Kind, DateTime At, double? BatteryLevel, bool? ExternalPower, double? Margin, string? Level, string? Text, string? Downlink, JsonElement? Location);

/// <summary>GeoJSON Point.</summary>
sealed record PointAnswer(double[] Coordinates)
{
    public string Type { get; } = "Point";
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PointAnswer))]
sealed partial class SignalJson : JsonSerializerContext;
