using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Allmende.Platform.Telemetry;

/// <summary>
/// Metrics in Prometheus' text format 0.0.4 for <c>/metrics</c>: the platform's own meters, ASP.NET Core's, Npgsql's and the runtime's.
/// Counters, gauges, and histograms as sum and count.
/// </summary>
sealed class MetricsText : IDisposable
{
    const int MostSeries = 5_000;
    readonly MeterListener listener = new();
    readonly ConcurrentDictionary<(Instrument Instrument, string Labels), Series> series = new();

    public MetricsText()
    {
        listener.InstrumentPublished = (instrument, meters) =>
        {
            if (IsOurs(instrument.Meter.Name)) meters.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.Start();
    }

    static bool IsOurs(string meter) =>
        meter.StartsWith("Allmende.", StringComparison.Ordinal) || meter is "Microsoft.AspNetCore.Hosting" or "Microsoft.AspNetCore.Server.Kestrel" or "Npgsql" or "System.Runtime";

    void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = (instrument, Labels(tags));
        if (!series.TryGetValue(key, out var one))
        {
            if (series.Count >= MostSeries) return; // labels come from us alone, but a bound costs nothing
            one = series.GetOrAdd(key, _ => new Series());
        }
        lock (one)
        {
            one.Count++;
            one.Sum = instrument.IsObservable ? value : one.Sum + value;
            one.Last = value;
        }
    }

    static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0) return "";
        var text = new StringBuilder("{");
        foreach (var (name, value) in tags)
        {
            if (text.Length > 1) text.Append(',');
            text.Append(Name(name)).Append("=\"")
                .Append(Convert.ToString(value, CultureInfo.InvariantCulture)?.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
                .Append('"');
        }
        return text.Append('}').ToString();
    }

    static string Name(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    /// <summary>All series as they stand.</summary>
    public string Write()
    {
        listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var group in series.GroupBy(pair => pair.Key.Instrument).OrderBy(group => group.Key.Name, StringComparer.Ordinal))
        {
            var instrument = group.Key;
            var name = Name(instrument.Name) + Unit(instrument.Unit);
            var type = instrument.GetType().Name;
            var histogram = type.StartsWith("Histogram", StringComparison.Ordinal);
            var counter = type.StartsWith("Counter", StringComparison.Ordinal) || type.StartsWith("ObservableCounter", StringComparison.Ordinal);
            if (counter) name += "_total";
            if (instrument.Description is { } help) text.Append("# HELP ").Append(name).Append(' ').Append(help.ReplaceLineEndings(" ")).Append('\n');
            text.Append("# TYPE ").Append(name).Append(histogram ? " summary\n" : counter ? " counter\n" : " gauge\n");
            foreach (var ((_, labels), one) in group)
            {
                double sum;
                long count;
                lock (one) (sum, count) = (type.StartsWith("Gauge", StringComparison.Ordinal) ? one.Last : one.Sum, one.Count);
                if (histogram)
                {
                    Line(text, name + "_sum", labels, sum);
                    Line(text, name + "_count", labels, count);
                }
                else Line(text, name, labels, sum);
            }
        }
        return text.ToString();
    }

    static string Unit(string? unit) => unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };

    static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels).Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');

    public void Dispose() => listener.Dispose();

    sealed class Series
    {
        public long Count;
        public double Sum;
        public double Last;
    }
}
