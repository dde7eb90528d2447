using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Uplinks;

namespace Allmende.Ingestion.Inbox;

/// <summary>Somebody who sends uplinks and is not registered.</summary>
/// <param name="Name">DevEUI, or the id as it was sent.</param>
/// <param name="DeviceId">What the network server calls it, beside its DevEUI.</param>
/// <param name="Door">The door that it came to last.</param>
/// <param name="FirstSeen">Its first uplink.</param>
/// <param name="LastSeen">Its last one.</param>
/// <param name="Count">How many came.</param>
/// <param name="Uplinks">The first ones, as they came.</param>
/// <param name="IgnoredUntil">Not shown among those that wait until then.</param>
sealed partial record UnknownDevice(
    string Name, string? DeviceId, string Door, DateTime FirstSeen, DateTime LastSeen, long Count, IReadOnlyList<KeptUplink> Uplinks, DateTime? IgnoredUntil)
{
    /// <summary>What the sender of a message is filed under; null for what cannot stand in an address or is no name.</summary>
    public static string? NameOf(in UplinkMessage message)
    {
        if (message.DevEui is { } sent && Device.NormalizeDevEui(sent) is { } devEui) return devEui;
        return message.DeviceId is { } id && NamePattern().IsMatch(id) ? id : null;
    }

    /// <summary>Whether a name is a DevEUI, else it is an id.</summary>
    public static bool IsDevEui(string name) => Device.NormalizeDevEui(name) == name;

    /// <summary>True for what may be a name.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    [GeneratedRegex(@"^[\p{L}\p{Nd}][\p{L}\p{Nd} ._:@-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

/// <summary>An uplink with all that its id is made from, so that it can be taken later as if it had been taken at the time.</summary>
/// <param name="Time">What the message says.</param>
/// <param name="ReceivedAt">When it came.</param>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="FCnt">LoRaWAN frame counter.</param>
/// <param name="Bytes">The payload.</param>
/// <param name="Data">What the sender decoded, letter by letter.</param>
/// <param name="LeftOut">What was too large to be kept: <c>bytes</c>, <c>data</c> or both, with a space between.</param>
/// <param name="Radio">How it was received.</param>
/// <param name="Deduplication">The network server's own name for it.</param>
sealed record KeptUplink(
    DateTimeOffset? Time, DateTimeOffset ReceivedAt, int FPort, long? FCnt, byte[]? Bytes, string? Data, string? LeftOut, RadioMetadata? Radio, string? Deduplication)
{
    /// <summary>Keeps what a message says.</summary>
    public static KeptUplink Of(in UplinkMessage message, DateTimeOffset receivedAt, int largest)
    {
        var bytes = message.Bytes is { } payload && payload.Length <= largest ? payload : null;
        var data = message.Data is { } decoded && JsonMarshal.GetRawUtf8Value(decoded) is { } text && text.Length <= largest ? Encoding.UTF8.GetString(text) : null;
        var leftOut = (message.Bytes is not null && bytes is null, message.Data is not null && data is null) switch
        {
            (true, true) => "bytes data",
            (true, false) => "bytes",
            (false, true) => "data",
            _ => null,
        };
        return new(message.Time, receivedAt, message.FPort, message.FCnt, bytes, data, leftOut, message.Radio.ToMetadata(), message.Deduplication);
    }

    /// <summary>
    /// The message, to be taken as <paramref name="device"/>'s; null where the part of it that the device is read by was not kept.
    /// </summary>
    public UplinkMessage? ToMessage(KnownDevice device)
    {
        var needed = device.DecodedBySender ? "data" : "bytes";
        if (LeftOut?.Contains(needed, StringComparison.Ordinal) == true) return null;
        return new UplinkMessage
        {
            IsUplink = true,
            DeviceId = device.Id,
            Time = Time,
            TimeField = "time",
            FPort = FPort,
            FCnt = FCnt,
            Bytes = Bytes,
            Data = Data is null ? null : JsonElement.Parse(Data),
            Radio = Reception.Of(Radio),
            Deduplication = Deduplication,
        };
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<KeptUplink>))]
sealed partial class InboxJson : JsonSerializerContext;
