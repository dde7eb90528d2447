using Allmende.Ingestion.Mqtt.Sessions;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>A message on its way to subscribers; shared by all of them.</summary>
sealed class MqttMessage
{
    /// <summary>The topic, UTF-8.</summary>
    public required byte[] Topic { get; init; }

    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>0 to 2, as it was published.</summary>
    public required int Qos { get; init; }

    public bool Retain { get; init; }

    /// <summary>MQTT 5 properties that subscribers get as they are, encoded.</summary>
    public byte[] Forwarded { get; init; } = [];

    /// <summary>When it is no longer worth delivering, in <see cref="Environment.TickCount64"/>.</summary>
    public long ExpiresAt { get; init; } = long.MaxValue;

    /// <summary>Who published it, where a session did.</summary>
    public MqttSession? Publisher { get; init; }

    /// <summary>Is told which session's client has acknowledged it, of QoS 1 (PUBACK); once a client at least.</summary>
    public Action<MqttSession>? Acknowledged { get; init; }

    /// <summary>Of a downlink: its correlation, by which an acknowledgement is told after a restart, too.</summary>
    public string? Downlink { get; init; }

    public int Size => Topic.Length + Payload.Length + Forwarded.Length;

    /// <summary>Milliseconds since the process started at which something ends in <paramref name="seconds"/>; null is never.</summary>
    public static long After(uint? seconds) => seconds is { } some ? Environment.TickCount64 + some * 1000L : long.MaxValue;
}

/// <summary>A message for one session.</summary>
/// <param name="Message">What.</param>
/// <param name="Qos">The lower of the publication's and the subscription's.</param>
/// <param name="Retain">The retain flag that the subscriber sees.</param>
/// <param name="Identifiers">Identifiers of the subscriptions that match.</param>
readonly record struct Delivery(MqttMessage Message, int Qos, bool Retain, uint[] Identifiers)
{
    /// <summary>Its place in the order of its session's messages.</summary>
    public long Number { get; init; }
}
