using System.Text;
using Allmende.Ingestion.Devices;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>What a topic is for.</summary>
enum TopicKind
{
    /// <summary><c>{m}/devices/{device}/up</c>.</summary>
    Uplink,
    /// <summary><c>{m}/devices/{device}/down</c>.</summary>
    Downlink,
    /// <summary><c>{m}/devices/{device}/down/ack</c>: the device says that it has a downlink.</summary>
    DownlinkAnswer,
    /// <summary><c>{m}/sta/v1.1/{path}[?query]</c>, and for who belongs to a municipality just <c>v1.1/{path}[?query]</c> (OGC 18-088, 14).</summary>
    SensorThings,
}

/// <summary>A topic that the platform has.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Municipality">Whose.</param>
/// <param name="Name">The device, or SensorThings' path with its query.</param>
/// <param name="Text">The whole topic, as it was said.</param>
/// <param name="Utf8">The same as it goes over the wire.</param>
sealed record MqttTopic(TopicKind Kind, string Municipality, string Name, string Text, byte[] Utf8)
{
    const string Devices = "devices/", SensorThings = "sta/v1.1/", OwnSensorThings = "v1.1/";

    /// <summary>The topic, or null if there is none of that name.</summary>
    /// <param name="text">What is said.</param>
    /// <param name="own">The municipality of who says it, whose SensorThings the standard's own topics are; null if he has none.</param>
    public static MqttTopic? Parse(string text, string? own = null)
    {
        if (own is not null && text.StartsWith(OwnSensorThings, StringComparison.Ordinal) && text.Length > OwnSensorThings.Length)
            return new(TopicKind.SensorThings, own, text[OwnSensorThings.Length..], text, Encoding.UTF8.GetBytes(text));
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !Municipalities.IsSlug(text[..slash])) return null;
        var (municipality, rest) = (text[..slash], text[(slash + 1)..]);
        if (rest.StartsWith(SensorThings, StringComparison.Ordinal) && rest.Length > SensorThings.Length)
            return Of(TopicKind.SensorThings, rest[SensorThings.Length..]);
        if (!rest.StartsWith(Devices, StringComparison.Ordinal)) return null;
        var end = rest.IndexOf('/', Devices.Length);
        if (end < 0) return null;
        var device = rest[Devices.Length..end];
        if (!Device.IsId(device)) return null;
        return rest[(end + 1)..] switch
        {
            "up" => Of(TopicKind.Uplink, device),
            "down" => Of(TopicKind.Downlink, device),
            "down/ack" => Of(TopicKind.DownlinkAnswer, device),
            _ => null,
        };

        MqttTopic Of(TopicKind kind, string name) => new(kind, municipality, name, text, Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The topic of a device.</summary>
    public static MqttTopic OfDevice(TopicKind kind, string municipality, string device) =>
        Parse($"{municipality}/{Devices}{device}/{(kind == TopicKind.Uplink ? "up" : "down")}") ?? throw new ArgumentException($"'{device}' is no device's id", nameof(device));
}
