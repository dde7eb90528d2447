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

    public static void CountUplink(string municipality, string door, string outcome) =>
        Uplinks.Add(1, new("municipality", municipality), new("door", door), new KeyValuePair<string, object?>("outcome", outcome));

    public static void AppendTook(long since) => Append.Record(Stopwatch.GetElapsedTime(since).TotalSeconds);

    public static void CountPublished(string municipality, int events) => Published.Add(events, new KeyValuePair<string, object?>("municipality", municipality));

    public static void SetWaiting(string municipality, long uplinks) => Waiting.Record(uplinks, new KeyValuePair<string, object?>("municipality", municipality));
}
