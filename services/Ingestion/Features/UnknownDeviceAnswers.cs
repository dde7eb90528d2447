using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Inbox;

namespace Allmende.Ingestion.Features;

/// <summary>Somebody who sends and is not registered.</summary>
/// <param name="Name">DevEUI, or the id as it was sent.</param>
/// <param name="DeviceId">What the network server calls it, beside its DevEUI.</param>
/// <param name="Door">The door that it came to last, e.g. <c>tts</c>, <c>mqtt</c>.</param>
/// <param name="FirstSeen">Its first uplink.</param>
/// <param name="LastSeen">Its last one; some seconds behind.</param>
/// <param name="Count">How many came.</param>
/// <param name="IgnoredUntil">Ignored until then.</param>
/// <param name="Uplinks">The first ones.</param>
public sealed record UnknownDeviceAnswer(
    string Name, string? DeviceId, string Door, DateTime FirstSeen, DateTime LastSeen, long Count, DateTime? IgnoredUntil, IReadOnlyList<UnknownUplink> Uplinks)
{
    internal static UnknownDeviceAnswer Of(UnknownDevice device) => new(
        device.Name, device.DeviceId, device.Door, device.FirstSeen, device.LastSeen, device.Count, device.IgnoredUntil, [.. device.Uplinks.Select(UnknownUplink.Of)]);
}

/// <summary>An uplink of an unknown sender.</summary>
/// <param name="Time">When it was sent, where the message says so.</param>
/// <param name="ReceivedAt">When it came.</param>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="FCnt">LoRaWAN frame counter.</param>
/// <param name="Bytes">The payload, hexadecimal.</param>
/// <param name="Data">What the sender decoded.</param>
/// <param name="LeftOut">What was too large to be kept: <c>bytes</c>, <c>data</c>, <c>bytes data</c>.</param>
/// <param name="Radio">How it was received.</param>
public sealed record UnknownUplink(
    DateTimeOffset? Time, DateTimeOffset ReceivedAt, int FPort, long? FCnt, string? Bytes, JsonElement? Data, string? LeftOut, RadioMetadata? Radio)
{
    internal static UnknownUplink Of(KeptUplink kept) => new(
        kept.Time, kept.ReceivedAt, kept.FPort, kept.FCnt, kept.Bytes is { } bytes ? Convert.ToHexStringLower(bytes) : null,
        kept.Data is { } data ? JsonElement.Parse(data) : null, kept.LeftOut, kept.Radio);
}

/// <summary>A page of unknown senders.</summary>
/// <param name="Items">The last seen first.</param>
/// <param name="Next">Link of the next page; missing on the last.</param>
public sealed record UnknownDevicePage(IReadOnlyList<UnknownDeviceAnswer> Items, string? Next);
