using System.Buffers;
using System.Text.Json;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mqtt;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// The way by our own broker: topic <c>{m}/devices/{device}/down</c>, QoS 1, JSON <c>{"id","fPort","bytes","data","expiresAt"}</c>. Who listens is known to the
/// process that has its connection, so that is the one that sends. A client's PUBACK says that it has the downlink.
/// </summary>
sealed class DeviceTopics(MqttBroker broker, DownlinkReports reports)
{
    /// <summary>Whether somebody who would get the device's downlinks is connected here.</summary>
    public bool IsHeard(string municipality, string device) => broker.IsHeard(MqttTopic.OfDevice(TopicKind.Downlink, municipality, device));

    /// <summary>Whether anybody has subscribed here to anything of the municipality's devices.</summary>
    public bool IsAnythingHeard(string municipality) => !broker.IsUnheard(municipality);

    /// <summary>Hands one to whoever listens. With whom it waits though they are not connected any more, it is on disk then.</summary>
    public async Task<SendingOutcome> SendAsync(string municipality, Downlink downlink)
    {
        var topic = MqttTopic.OfDevice(TopicKind.Downlink, municipality, downlink.Device);
        var message = new MqttMessage
        {
            Topic = topic.Utf8,
            Payload = PayloadOf(downlink.Name, downlink.Content),
            Qos = 1,
            ExpiresAt = Environment.TickCount64 + Math.Max(0, (long)(downlink.Content.ExpiresAt - DateTime.UtcNow).TotalMilliseconds),
            Downlink = downlink.Correlation,
            Acknowledged = Telling(reports, municipality, downlink.Device, downlink.Correlation),
        };
        var published = broker.Publish(topic, message);
        await published.Stored;
        return published.IsHeard ? new(DownlinkState.Sent) : SendingOutcome.Again("nobody listens any more");
    }

    /// <summary>What is to be done when a client has acknowledged a downlink.</summary>
    public static Action<MqttSession> Telling(DownlinkReports reports, string municipality, string device, string correlation) => session => reports.Note(
        municipality, device, correlation, DownlinkReport.Acknowledged, DateTimeOffset.UtcNow, DeviceKeys.OwnDevice(session.Client.Principal) == device ? "device" : "mqtt", "PUBACK");

    /// <summary>What is published.</summary>
    public static byte[] PayloadOf(string id, DownlinkContent content)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            if (content.FPort is { } port) json.WriteNumber("fPort", port);
            if (content.Bytes is { } bytes) json.WriteString("bytes", Convert.ToHexStringLower(bytes));
            if (content.Data is { } data)
            {
                json.WritePropertyName("data");
                data.WriteTo(json);
            }
            json.WriteString("expiresAt", content.ExpiresAtText);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
