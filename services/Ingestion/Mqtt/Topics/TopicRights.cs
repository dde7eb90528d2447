using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mqtt.Sessions;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>
/// Who may do what with a topic. What is another municipality's, another device's, or not there at all gets the same answer, and a wildcard reaches no further than
/// the topics that could be named one by one.
/// </summary>
static class TopicRights
{
    /// <summary>Whether somebody may publish to a topic at all; whose the device is, the door for uplinks sees to, and the SensorThings API to its own.</summary>
    public static bool MayPublish(MqttClient client, MqttTopic topic) => client.Municipality == topic.Municipality && topic.Kind switch
    {
        TopicKind.Uplink or TopicKind.DownlinkAnswer => DeviceKeys.MayWriteUplinks(client.Principal, topic.Municipality) && DeviceKeys.MayWriteUplinksOf(client.Principal, topic.Name),
        TopicKind.SensorThings => true,
        _ => false,
    };

    /// <summary>Whether somebody may subscribe with a filter.</summary>
    public static bool MaySubscribe(MqttClient client, MqttFilter filter)
    {
        // Open data is for everybody; Observations decides what is open, by the credential that goes along.
        if (filter.SensorThings is not null) return client.IsAnonymous || client.Municipality == filter.Municipality;
        if (client.Municipality != filter.Municipality || filter.Levels is not [_, "devices", var device, ..]) return false;
        if (!DeviceKeys.MayWriteUplinks(client.Principal, filter.Municipality)) return false;
        if (device is "+" or "#") return DeviceKeys.OwnDevice(client.Principal) is null;
        if (!DeviceKeys.MayWriteUplinksOf(client.Principal, device)) return false;
        return filter.Levels.Length == 4 && (filter.Levels[3] is "down" or "+" or "#" || (filter.Levels[3] == "up" && DeviceKeys.OwnDevice(client.Principal) == device));
    }

    /// <summary>
    /// Whether a message of a topic may reach somebody, whatever filter it matches. What a device sent is read by the device alone: it may be of persons,
    /// and whoever may write it may not for that read it.
    /// </summary>
    public static bool MayReceive(MqttClient client, MqttTopic topic) => client.Municipality == topic.Municipality && topic.Kind switch
    {
        TopicKind.Uplink => DeviceKeys.OwnDevice(client.Principal) == topic.Name,
        TopicKind.Downlink => DeviceKeys.MayWriteUplinks(client.Principal, topic.Municipality) && DeviceKeys.MayWriteUplinksOf(client.Principal, topic.Name),
        _ => false,
    };
}
