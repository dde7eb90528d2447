using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.RegularExpressions;
using Allmende.Platform.Telemetry;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed partial class When_metrics_are_read
{
    Meter meter = null!;
    MetricsText metrics = null!;

    [SetUp]
    public void Listen() => (meter, metrics) = (new Meter("Allmende.Tests." + Guid.NewGuid().ToString("N")), new MetricsText());

    [TearDown]
    public void End()
    {
        metrics.Dispose();
        meter.Dispose();
    }

    [Test]
    public async Task Should_be_valid_text_of_Prometheus_over_HTTP()
    {
        await using var service = await ServiceUnderTest.StartAsync(PlatformNeeds.None);
        await service.Client.GetAsync(new Uri("/health/live", UriKind.Relative));
        using var answer = await service.Client.GetAsync(new Uri("/metrics", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();

        Assert.That(answer.Content.Headers.ContentType!.ToString(), Does.StartWith("text/plain; version=0.0.4"));
        var samples = Parse(text);
        Assert.That(samples.Keys, Has.Some.StartsWith("http_server_request_duration_seconds_count").And.Some.StartsWith("dotnet_gc_collections_total").And.Some.StartsWith("dotnet_process_memory_working_set_bytes"));
    }

    [Test]
    public void Should_have_cumulative_buckets()
    {
        var waits = meter.CreateHistogram<double>("wait", "s");
        foreach (var wait in new[] { 0.0004, 0.003, 0.005, 0.3, 60 }) waits.Record(wait, new KeyValuePair<string, object?>("door", "http"));

        var samples = Parse(metrics.Write());
        Assert.Multiple(() =>
        {
            Assert.That(samples["wait_seconds_bucket{door=\"http\",le=\"0.001\"}"], Is.EqualTo(1));
            Assert.That(samples["wait_seconds_bucket{door=\"http\",le=\"0.005\"}"], Is.EqualTo(3), "bounds are inclusive");
            Assert.That(samples["wait_seconds_bucket{door=\"http\",le=\"10\"}"], Is.EqualTo(4));
            Assert.That(samples["wait_seconds_bucket{door=\"http\",le=\"+Inf\"}"], Is.EqualTo(5));
            Assert.That(samples["wait_seconds_count{door=\"http\"}"], Is.EqualTo(5));
            Assert.That(samples["wait_seconds_sum{door=\"http\"}"], Is.EqualTo(60.3084).Within(1e-9));
        });
    }

    [Test]
    public void Should_name_units_and_kinds()
    {
        meter.CreateCounter<long>("sent.size", "By").Add(7);
        meter.CreateCounter<long>("sent.size", "By").Add(5); // a second instrument of the same name
        meter.CreateGauge<long>("queue.length", "{record}").Record(3);
        var open = meter.CreateUpDownCounter<int>("open");
        open.Add(5);
        open.Add(-2);
        meter.CreateObservableGauge("age", () => 1.5, "s");

        var text = metrics.Write();
        var samples = Parse(text);
        Assert.Multiple(() =>
        {
            Assert.That(samples["sent_size_bytes_total"], Is.EqualTo(12));
            Assert.That(samples["queue_length"], Is.EqualTo(3));
            Assert.That(samples["open"], Is.EqualTo(3));
            Assert.That(samples["age_seconds"], Is.EqualTo(1.5));
            Assert.That(text, Does.Contain("# TYPE sent_size_bytes_total counter\n").And.Contain("# TYPE open gauge\n"));
        });
    }

    [Test]
    public void Should_escape_labels()
    {
        meter.CreateCounter<long>("odd").Add(1, new KeyValuePair<string, object?>("reason.text", "a \"b\" \\ c\nd"));
        Assert.That(Parse(metrics.Write()).Keys, Does.Contain("""odd_total{reason_text="a \"b\" \\ c\nd"}"""));
    }

    /// <summary>Parses text format 0.0.4 strictly: a TYPE before its samples, each name and each series once, numbers that are numbers.</summary>
    static Dictionary<string, double> Parse(string text)
    {
        var samples = new Dictionary<string, double>(StringComparer.Ordinal);
        var types = new HashSet<string>(StringComparer.Ordinal);
        var family = "";
        Assert.That(text, Does.EndWith("\n"));
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal)) continue;
            if (TypeLine().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                Assert.That(types.Add(family), Is.True, "second TYPE of " + family);
                continue;
            }
            var sample = SampleLine().Match(line);
            Assert.That(sample.Success, Is.True, line);
            Assert.That(sample.Groups[1].Value, Does.Match($"^{family}(_bucket|_sum|_count)?$"), "sample outside its family");
            var number = sample.Groups[3].Value switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, var digits => double.Parse(digits, CultureInfo.InvariantCulture) };
            Assert.That(samples.TryAdd(sample.Groups[1].Value + sample.Groups[2].Value, number), Is.True, "second " + line);
        }
        return samples;
    }

    [GeneratedRegex("^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? ([-+]?[0-9.eE+-]+|[-+]Inf|NaN)$""")]
    private static partial Regex SampleLine();
}
