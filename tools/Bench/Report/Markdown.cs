using System.Globalization;
using System.Text;
using Allmende.Bench.Measurements;
using Allmende.Bench.Mqtt;
using Allmende.Supervisor.Processes;

namespace Allmende.Bench.Report;

/// <summary>The results as a page.</summary>
static class Markdown
{
    const double RestGoalMegabytes = 1536;
    const double FreshnessGoalMilliseconds = 500;

    public static string Of(Results results)
    {
        var page = new StringBuilder();
        Line(page, $"# Benchmarks of {DateTime.UtcNow:yyyy-MM-dd}\n");
        Line(page, $"{Machine.Description()} Everything ran on it at once: load generator, gateway, all services, Redis (append-only file, fsync always), PostgreSQL (fsync on).");
        Line(page, $"Each row: {results.Options.WarmUp} s of warm-up, {results.Options.Seconds} s measured, every connection with one request at a time; before the next row all that was");
        Line(page, $"accepted had to be stored. Written times are new ones each; reads are anonymous, of open data. *Direct* asks the service itself, *gateway* comes in as clients do.");
        Line(page, $"CPU is in shares of one processor. Made by `tools/bench`.\n");
        Throughput(page, results);
        Freshness(page, results.Freshness);
        Mqtt(page, results);
        Counts(page, results);
        Memory(page, results);
        Line(page, $"## Time to ready\n");
        Line(page, $"Fresh installation {results.FirstStart.TotalSeconds:0.0} s, second start {results.SecondStart.TotalSeconds:0.0} s (goal: under 45 s).");
        return page.ToString();
    }

    /// <summary>Failures by status.</summary>
    public static string Failures(IReadOnlyDictionary<int, long> failures) =>
        string.Join(", ", failures.Select(failure => $"{failure.Value} × {(failure.Key == 0 ? "broken connection" : failure.Key.ToString(CultureInfo.InvariantCulture))}"));

    static void Throughput(StringBuilder page, Results results)
    {
        Line(page, $"## Throughput\n");
        Line(page, $"| request | door | connections | requests/s | observations/s | p50 ms | p99 ms | goal/s | × goal | best peer/s | × peer | failed | CPU |");
        Line(page, $"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---|");
        foreach (var (scenario, door, connections, result) in results.Rows)
        {
            var observations = result.PerSecond * scenario.ObservationsPerRequest;
            var compared = scenario.CountsObservations ? observations : result.PerSecond;
            Line(page, $"| {scenario.Name} | {door} | {connections} | {result.PerSecond:N0} | {(observations > 0 ? $"{observations:N0}" : "")} | {result.Latencies.Percentile(0.5):0.00} | {result.Latencies.Percentile(0.99):0.00} | {scenario.Goal:N0} | {compared / scenario.Goal:0.00} | {scenario.Peer:N0} | {compared / scenario.Peer:0.0} | {Failures(result.Failures)} | {Shares(result.Processors)} |");
        }
        page.AppendLine();
    }

    static void Freshness(StringBuilder page, FreshnessResult? fresh)
    {
        if (fresh is null)
            return;
        Line(page, $"## Freshness at {fresh.PerSecond:N0} uplinks/s ({fresh.PerSecond * Town.DatastreamsPerDevice:N0} observations/s), through the gateway\n");
        Line(page, $"From the moment a device's POST was due, whether or not the sender was late.\n");
        Line(page, $"| seen by | measured | p50 ms | p99 ms | goal p99 ms |");
        Line(page, $"|---|---:|---:|---:|---:|");
        Line(page, $"| event on `/live` | {fresh.Live.Count:N0} | {fresh.Live.Percentile(0.5):0} | {fresh.Live.Percentile(0.99):0} | {FreshnessGoalMilliseconds} |");
        Line(page, $"| answer of a GET | {fresh.Read.Count:N0} | {fresh.Read.Percentile(0.5):0} | {fresh.Read.Percentile(0.99):0} | {FreshnessGoalMilliseconds} |\n");
        Line(page, $"Acknowledged {fresh.Sent:N0}, refused {fresh.Failed:N0}, never seen on `/live` {fresh.Unseen:N0}. CPU: {Shares(fresh.Processors)}.\n");
    }

    static void Mqtt(StringBuilder page, Results results)
    {
        if (results is not { Mqtt: { } load, Idle: { } idle })
            return;
        Line(page, $"## MQTT\n");
        Line(page, $"{MqttLoad.Clients} clients, each with {MqttLoad.AtOnce} messages unacknowledged; PUBACK says that the message is in the log, fsynced. Decoding and storing went on beside it.\n");
        Line(page, $"| messages | acknowledged/s | p50 ms | p99 ms | goal/s | × goal | failed | CPU |");
        Line(page, $"|---|---:|---:|---:|---:|---:|---|---|");
        Line(page, $"| {MqttLoad.Name} | {load.PerSecond:N0} | {load.Latencies.Percentile(0.5):0.00} | {load.Latencies.Percentile(0.99):0.00} | {MqttLoad.Goal:N0} | {load.PerSecond / MqttLoad.Goal:0.00} | {Failures(load.Failures)} | {Shares(load.Processors)} |\n");
        Line(page, $"{idle.Connections:N0} connections that do nothing (goal {MqttIdle.Goal:N0}; a process may have no more files open here where it is less): ingestion {idle.Before / 1048576.0:N0} MB without,");
        Line(page, $"{idle.After / 1048576.0:N0} MB with them, {(idle.After - idle.Before) / 1024.0 / idle.Connections:0.0} kB each (goal: under {MqttIdle.GoalMegabytes:N0} MB for {MqttIdle.Goal:N0}, {MqttIdle.GoalMegabytes * 1024 / MqttIdle.Goal:0.0} kB each). Opened in {idle.Seconds:0.0} s.\n");
    }

    static void Counts(StringBuilder page, Results results)
    {
        var (accepted, stored) = results.Counted;
        Line(page, $"## Counts\n");
        Line(page, $"Accepted {accepted:N0} observations, stored {stored:N0}: {(accepted == stored ? "exact" : $"**{stored - accepted:+#,0;-#,0} of difference**")}.\n");
    }

    static void Memory(StringBuilder page, Results results)
    {
        Line(page, $"## Memory\n");
        Line(page, $"Proportional set size (shared pages counted in proportion), children included, MB: at rest, with one municipality of {Run.Devices} devices that send nothing, and after all of the load above.\n");
        Line(page, $"| process | at rest | after load |");
        Line(page, $"|---|---:|---:|");
        foreach (var process in results.AtRest.OrderByDescending(process => process.PssBytes))
            Line(page, $"| {process.Name} | {Megabytes(process):N0} | {results.AfterLoad.Where(after => after.Name == process.Name).Select(Megabytes).FirstOrDefault():N0} |");
        var sum = results.AtRest.Sum(Megabytes);
        Line(page, $"| **all** (goal at rest: under {RestGoalMegabytes:N0}) | **{sum:N0}** | **{results.AfterLoad.Sum(Megabytes):N0}** |\n");
    }

    static double Megabytes(ProcessUsage process) => process.PssBytes / 1048576.0;

    /// <summary>Shares of one processor, those that count.</summary>
    public static string Shares(IReadOnlyList<(string Process, double Share)> shares) =>
        string.Join(", ", shares.Where(share => share.Share >= 0.02).Select(share => string.Create(CultureInfo.InvariantCulture, $"{share.Process} {share.Share:0.00}")));

    static void Line(StringBuilder page, FormattableString line) => page.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
