using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Allmende.Platform.Telemetry;

/// <summary>
/// Metrics in Prometheus' text format 0.0.4 for <c>/metrics</c>: the platform's own meters, ASP.NET Core's, Npgsql's and the runtime's.
/// Names carry their unit (<c>_seconds</c>, <c>_bytes</c>), counters end in <c>_total</c>, histograms have cumulative buckets.
/// </summary>
sealed class MetricsText : IDisposable
{
    readonly MeterListener listener = new();
    readonly ConcurrentDictionary<string, MetricFamily> families = new(StringComparer.Ordinal);
    readonly Lock writing = new();

    public MetricsText()
    {
        listener.InstrumentPublished = (instrument, meters) =>
        {
            // Instruments of the same name (a meter of each pool, of each host) make one family; the format knows a name once.
            if (IsOurs(instrument.Meter.Name))
                meters.EnableMeasurementEvents(instrument, families.GetOrAdd(MetricFamily.NameOf(instrument), static (_, of) => new MetricFamily(of), instrument));
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.SetMeasurementEventCallback<int>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.SetMeasurementEventCallback<double>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.Start();
    }

    static bool IsOurs(string meter) =>
        meter.StartsWith("Allmende.", StringComparison.Ordinal) || meter is "Microsoft.AspNetCore.Hosting" or "Microsoft.AspNetCore.Server.Kestrel" or "Npgsql" or "System.Runtime";

    /// <summary>All series as they stand.</summary>
    public string Write()
    {
        lock (writing)
        {
            listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (_, family) in families.OrderBy(family => family.Key, StringComparer.Ordinal)) family.Write(text);
            return text.ToString();
        }
    }

    public void Dispose() => listener.Dispose();
}

/// <summary>The series of one name.</summary>
sealed class MetricFamily
{
    // Labels come from us alone, but a bound costs nothing.
    const int MostSeries = 2_000;
    static readonly double[] DurationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    static readonly double[] CountBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

    [ThreadStatic] static StringBuilder? labelText;

    readonly string name, kind;
    readonly string? help;
    readonly bool adds;
    readonly double[]? bounds;
    readonly ConcurrentDictionary<string, Series> series = new(StringComparer.Ordinal);

    public MetricFamily(Instrument instrument)
    {
        name = NameOf(instrument);
        help = instrument.Description;
        kind = KindOf(instrument);
        // Observed instruments tell where they stand; of the others only a gauge does.
        adds = !instrument.IsObservable && !instrument.GetType().Name.StartsWith("Gauge", StringComparison.Ordinal);
        if (kind == "histogram") bounds = BoundsOf(instrument);
    }

    /// <summary>The instrument's name as Prometheus has it.</summary>
    public static string NameOf(Instrument instrument)
    {
        var unit = instrument.Unit switch { "s" => "_seconds", "ms" => "_milliseconds", "By" => "_bytes", _ => "" };
        var plain = Name(instrument.Name);
        if (!plain.EndsWith(unit, StringComparison.Ordinal)) plain += unit;
        return KindOf(instrument) == "counter" ? plain + "_total" : plain;
    }

    static string KindOf(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        if (type.StartsWith("Histogram", StringComparison.Ordinal)) return "histogram";
        return type.StartsWith("Counter", StringComparison.Ordinal) || type.StartsWith("ObservableCounter", StringComparison.Ordinal) ? "counter" : "gauge";
    }

    static double[] BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(bound => (double)bound)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(bound => (double)bound)],
        { Unit: "s" } => DurationBounds,
        _ => CountBounds,
    };

    static string Name(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = (labelText ??= new StringBuilder()).Clear();
        foreach (var (tag, content) in tags)
        {
            labels.Append(labels.Length > 0 ? "," : "").Append(Name(tag)).Append("=\"");
            foreach (var c in Convert.ToString(content, CultureInfo.InvariantCulture) ?? "")
                _ = c switch { '\\' => labels.Append(@"\\"), '"' => labels.Append("\\\""), '\n' => labels.Append(@"\n"), _ => labels.Append(c) };
            labels.Append('"');
        }
        var key = labels.ToString();
        if (!series.TryGetValue(key, out var one))
        {
            if (series.Count >= MostSeries) return;
            one = series.GetOrAdd(key, _ => new Series(bounds is null ? null : new long[bounds.Length + 1]));
        }
        lock (one)
        {
            one.Value = adds ? one.Value + value : value;
            if (one.Buckets is null) return;
            var bucket = Array.BinarySearch(bounds!, value);
            one.Buckets[bucket < 0 ? ~bucket : bucket]++;
        }
    }

    public void Write(StringBuilder text)
    {
        if (series.IsEmpty) return;
        if (help is not null) text.Append("# HELP ").Append(name).Append(' ').Append(help.Replace("\\", @"\\", StringComparison.Ordinal).ReplaceLineEndings(" ")).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');
        foreach (var (labels, one) in series)
        {
            double value;
            long[]? buckets;
            lock (one) (value, buckets) = (one.Value, (long[]?)one.Buckets?.Clone());
            if (buckets is null) Line(text, "", labels, value);
            else WriteHistogram(text, labels, value, buckets);
        }
    }

    void WriteHistogram(StringBuilder text, string labels, double sum, long[] buckets)
    {
        long count = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            count += buckets[i];
            var bound = i < bounds!.Length ? Number(bounds[i]) : "+Inf";
            Line(text, "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", count);
        }
        Line(text, "_sum", labels, sum);
        Line(text, "_count", labels, count);
    }

    void Line(StringBuilder text, string suffix, string labels, double value)
    {
        text.Append(name).Append(suffix);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    /// <param name="buckets">Of a histogram: how many fell into each; the last is for what is above all bounds.</param>
    sealed class Series(long[]? buckets)
    {
        /// <summary>Of a histogram the sum.</summary>
        public double Value;
        public long[]? Buckets => buckets;
    }
}
