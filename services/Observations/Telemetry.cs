using System.Diagnostics.Metrics;

namespace Allmende.Observations;

/// <summary>What this service counts.</summary>
static class Telemetry
{
    static readonly Meter Meter = new("Allmende.Observations");
    static readonly Counter<long> StoredObservations = Meter.CreateCounter<long>("allmende.observations.stored", description: "Observations stored for the first time");
    static readonly Counter<long> RepeatedObservations = Meter.CreateCounter<long>("allmende.observations.repeated", description: "Observations that were stored already");
    static readonly UpDownCounter<long> LiveSubscribers = Meter.CreateUpDownCounter<long>("allmende.live.subscribers", description: "Open live streams");
    static readonly Counter<long> LiveDropped = Meter.CreateCounter<long>("allmende.live.dropped", description: "Live streams closed because their reader was too slow");

    static readonly Counter<long> PackedObservations = Meter.CreateCounter<long>("allmende.observations.packed", description: "Observations moved from rows into chunks");
    static readonly Counter<long> WrittenChunks = Meter.CreateCounter<long>("allmende.observations.chunks", description: "Chunks written");

    public static void Packed(string municipality, long observations, long chunks)
    {
        var tag = new KeyValuePair<string, object?>("municipality", municipality);
        PackedObservations.Add(observations, tag);
        WrittenChunks.Add(chunks, tag);
    }

    public static void Stored(string municipality, int added, int repeated)
    {
        var tag = new KeyValuePair<string, object?>("municipality", municipality);
        StoredObservations.Add(added, tag);
        if (repeated > 0) RepeatedObservations.Add(repeated, tag);
    }

    public static void Subscribed(string municipality, int change) => LiveSubscribers.Add(change, new KeyValuePair<string, object?>("municipality", municipality));

    public static void Dropped(string municipality, int count = 1) => LiveDropped.Add(count, new KeyValuePair<string, object?>("municipality", municipality));
}
