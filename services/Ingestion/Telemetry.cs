using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Allmende.Ingestion;

/// <summary>What this service measures.</summary>
static class Telemetry
{
    public static readonly ActivitySource Source = new("Allmende.Ingestion");

    static readonly Meter Meter = new("Allmende.Ingestion");

    /// <summary>Messages at the doors by <c>municipality</c>, <c>door</c> and <c>outcome</c>.</summary>
    static readonly Counter<long> Uplinks = Meter.CreateCounter<long>("allmende.ingestion.uplinks", description: "Messages at the doors for uplinks");

    /// <summary>From the message read to the message durable.</summary>
    static readonly Histogram<double> Append = Meter.CreateHistogram<double>("allmende.ingestion.append", "s", "Time until an uplink is durable");

    static readonly Counter<long> Published = Meter.CreateCounter<long>("allmende.ingestion.events_published", description: "Domain events that left the outbox");

    static readonly Gauge<long> Waiting = Meter.CreateGauge<long>("allmende.ingestion.waiting_uplinks", description: "Uplinks that are not decoded yet");

    /// <summary>Connections that are open.</summary>
    public static readonly UpDownCounter<long> MqttConnections = Meter.CreateUpDownCounter<long>("allmende.ingestion.mqtt.connections", description: "MQTT connections");

    /// <summary>Streams from Observations for SensorThings topics.</summary>
    public static readonly UpDownCounter<long> MqttFeeds = Meter.CreateUpDownCounter<long>("allmende.ingestion.mqtt.feeds", description: "SensorThings topics that are followed");

    /// <summary>By <c>municipality</c>; empty for clients without a credential.</summary>
    static readonly Counter<long> MqttDelivered = Meter.CreateCounter<long>("allmende.ingestion.mqtt.delivered", description: "Messages to MQTT subscribers");

    /// <summary>By <c>municipality</c> and <c>outcome</c> (<c>created</c>, <c>refused</c>, <c>unavailable</c>).</summary>
    static readonly Counter<long> MqttEntities = Meter.CreateCounter<long>("allmende.ingestion.mqtt.entities", description: "Entities created over MQTT");

    /// <summary>By <c>reason</c>.</summary>
    static readonly Counter<long> MqttRefusals = Meter.CreateCounter<long>("allmende.ingestion.mqtt.refusals", description: "MQTT connections, subscriptions and messages that were turned down");

    /// <summary>By <c>municipality</c>.</summary>
    static readonly Counter<long> LostSignals = Meter.CreateCounter<long>("allmende.ingestion.signals_lost", description: "Signals of devices that found no room while the database was away");

    public static void CountLostSignal(string municipality) => LostSignals.Add(1, new KeyValuePair<string, object?>("municipality", municipality));

    /// <summary>By <c>municipality</c> and <c>outcome</c>: a state, or <c>retried</c>.</summary>
    static readonly Counter<long> Downlinks = Meter.CreateCounter<long>("allmende.ingestion.downlinks", description: "What became of downlinks");

    public static void CountDownlink(string municipality, string outcome) =>
        Downlinks.Add(1, new("municipality", municipality), new KeyValuePair<string, object?>("outcome", outcome));

    public static void CountMqttDelivery(string municipality) => MqttDelivered.Add(1, new KeyValuePair<string, object?>("municipality", municipality));

    public static void CountMqttEntity(string municipality, string outcome) =>
        MqttEntities.Add(1, new("municipality", municipality), new KeyValuePair<string, object?>("outcome", outcome));

    public static void CountMqttRefusal(string reason) => MqttRefusals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public static void CountUplink(string municipality, string door, string outcome) =>
        Uplinks.Add(1, new("municipality", municipality), new("door", door), new KeyValuePair<string, object?>("outcome", outcome));

    public static void AppendTook(long since) => Append.Record(Stopwatch.GetElapsedTime(since).TotalSeconds);

    public static void CountPublished(string municipality, int events) => Published.Add(events, new KeyValuePair<string, object?>("municipality", municipality));

    public static void SetWaiting(string municipality, long uplinks) => Waiting.Record(uplinks, new KeyValuePair<string, object?>("municipality", municipality));
}
