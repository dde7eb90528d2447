using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allmende.Contracts;

/// <summary>One message of a device, as it was sent; payload of topic <c>uplinks</c>, key is the device.</summary>
/// <param name="Id">Made from device, time, counter and content: the same message sent twice has the same id.</param>
/// <param name="Device">The device's id.</param>
/// <param name="Profile">The device's profile at the time of the uplink.</param>
/// <param name="Time">When the network server (or the device) says it was sent; becomes the phenomenonTime.</param>
/// <param name="ReceivedAt">When our door took it.</param>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="FCnt">LoRaWAN frame counter.</param>
/// <param name="Bytes">The payload, base64 in JSON; null where the sender decoded it.</param>
/// <param name="Data">Fields decoded by the sender.</param>
/// <param name="Radio">What the network says of the reception.</param>
public sealed record Uplink(
    string Id,
    string Device,
    string Profile,
    DateTimeOffset Time,
    DateTimeOffset ReceivedAt,
    int FPort = 0,
    long? FCnt = null,
    byte[]? Bytes = null,
    JsonElement? Data = null,
    RadioMetadata? Radio = null);

/// <summary>Reception of an uplink.</summary>
/// <param name="Rssi">Received signal strength, dBm.</param>
/// <param name="Snr">Signal to noise ratio, dB.</param>
/// <param name="SpreadingFactor">7 to 12.</param>
/// <param name="Gateways">How many gateways heard it.</param>
public sealed record RadioMetadata(double? Rssi, double? Snr, int? SpreadingFactor, int? Gateways);

/// <summary>What could not be processed, why, and what it was; payload of topic <c>dead-letters</c>.</summary>
/// <param name="Id">Id of the uplink or record; the same broken thing twice has the same id.</param>
/// <param name="Topic">The topic that a replay appends it to.</param>
/// <param name="Key">Its key there.</param>
/// <param name="Device">The device, where known.</param>
/// <param name="Type">Stable name of the reason (snake_case).</param>
/// <param name="Reason">What a person should read.</param>
/// <param name="At">When it was given up.</param>
/// <param name="Payload">The record's payload as it was.</param>
public sealed record DeadLetter(
    string Id,
    string Topic,
    string Key,
    string? Device,
    string Type,
    string Reason,
    DateTimeOffset At,
    byte[] Payload);

/// <summary>Names of the topics of each municipality.</summary>
public static class Topics
{
    public const string Uplinks = "uplinks";
    public const string Observations = "observations";
    public const string DeadLetters = "dead-letters";
    public const string Events = "events";
    /// <summary>What has become of the entities of SensorThings; key is <see cref="EntityChange.Key"/>.</summary>
    public const string Entities = "entities";
    /// <summary>What devices are to be told; <see cref="DeviceCommand"/>, keyed by the device.</summary>
    public const string Commands = "commands";
}

/// <summary>Source-generated JSON of everything that crosses the log or <c>/internal</c>.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Uplink))]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(Municipality))]
[JsonSerializable(typeof(Municipality[]))]
[JsonSerializable(typeof(CloudEvent))]
[JsonSerializable(typeof(DeviceRegistered))]
[JsonSerializable(typeof(DeviceCondition))]
[JsonSerializable(typeof(DatasetChanged))]
[JsonSerializable(typeof(DatasetNeeded))]
[JsonSerializable(typeof(Removed))]
[JsonSerializable(typeof(ApiKeyRevoked))]
[JsonSerializable(typeof(DeviceProfile))]
[JsonSerializable(typeof(EntityChange))]
[JsonSerializable(typeof(DeviceCommand))]
[JsonSerializable(typeof(TaskChanged))]
[JsonSerializable(typeof(ObservationKey[]))]
[JsonSerializable(typeof(StoredResult[]))]
public sealed partial class ContractsJson : JsonSerializerContext;
