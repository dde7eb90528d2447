using System.Diagnostics.Metrics;

namespace Allmende.Streams;

/// <summary>What Streams measures of itself.</summary>
static class Telemetry
{
    static readonly Meter Meter = new("Allmende.Streams");

    /// <summary>Uplinks by what became of them: <c>decoded</c>, or a dead letter's type.</summary>
    public static readonly Counter<long> Uplinks = Meter.CreateCounter<long>("allmende.streams.uplinks", description: "Uplinks processed, by outcome");

    /// <summary>Observations handed on.</summary>
    public static readonly Counter<long> Observations = Meter.CreateCounter<long>("allmende.streams.observations", description: "Observations made of uplinks");

    /// <summary>Observations that replays handed on.</summary>
    public static readonly Counter<long> Replayed = Meter.CreateCounter<long>("allmende.streams.replayed", description: "Observations made of kept uplinks by replays");

    /// <summary>Time from the door to the end of decoding.</summary>
    public static readonly Histogram<double> Age = Meter.CreateHistogram<double>("allmende.streams.age", "s", "Age of an uplink when its observations were handed on");

    /// <summary>Codecs put in quarantine.</summary>
    public static readonly Counter<long> Quarantines = Meter.CreateCounter<long>("allmende.streams.quarantines", description: "Codecs put in quarantine");
}
