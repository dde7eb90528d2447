using System.Diagnostics.Metrics;

namespace Allmende.Platform.Telemetry;

/// <summary>
/// All instruments of the platform's own parts, in one place, since their names are API. Labels: <c>topic</c>, <c>group</c>, <c>municipality</c> where
/// an operator has to know whose, <c>outcome</c> (<c>ok</c>, <c>failed</c>).
/// </summary>
static class Instruments
{
    static readonly Meter Meter = PlatformTelemetry.Meter;

    static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    static readonly InstrumentAdvice<long> Counts = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] };

    /// <summary>By topic and outcome; its count is the number of appends.</summary>
    public static readonly Histogram<double> AppendDuration =
        Meter.CreateHistogram("allmende.log.append.duration", "s", "Time until an appended record is durable", advice: Durations);

    /// <summary>By topic.</summary>
    public static readonly Counter<long> AppendedBytes = Meter.CreateCounter<long>("allmende.log.appended", "By", "Payload that was appended");

    /// <summary>By topic and group.</summary>
    public static readonly Histogram<long> BatchRecords =
        Meter.CreateHistogram("allmende.log.batch.size", "{record}", "Records of a batch that a handler was given", advice: Counts);

    /// <summary>By topic, group and outcome.</summary>
    public static readonly Histogram<double> HandleDuration =
        Meter.CreateHistogram("allmende.log.handle.duration", "s", "Time that a handler took for a batch", advice: Durations);

    /// <summary>By topic, group and municipality.</summary>
    public static readonly Gauge<long> Lag = Meter.CreateGauge<long>("allmende.log.lag", "{record}", "Records that a group has not done yet");

    /// <summary>By topic and type.</summary>
    public static readonly Counter<long> DeadLetters = Meter.CreateCounter<long>("allmende.log.dead_letters", "{record}", "Records that were set aside");

    /// <summary>By type and outcome.</summary>
    public static readonly Counter<long> EventsHandled = Meter.CreateCounter<long>("allmende.events.handled", "{event}", "Domain events that were handed to handlers");
}
