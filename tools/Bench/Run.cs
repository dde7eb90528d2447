using System.Diagnostics;
using Allmende.Bench.Measurements;
using Allmende.Bench.Mqtt;
using Allmende.Bench.Report;
using Allmende.Supervisor;
using Allmende.Supervisor.Processes;

namespace Allmende.Bench;

/// <summary>One run: an installation of its own in a temporary directory, all rows, the counts at the end, the table.</summary>
static class Run
{
    /// <summary>Devices of the measured town.</summary>
    public const int Devices = 100;

    const int UplinksPerSecond = 1_000;

    /// <summary>What is measured is what the door can, not what one town of usual size may: that would be refused for fairness' sake.</summary>
    static readonly Dictionary<string, string> Unlimited = new()
    {
        ["Ingestion__MunicipalityRate__PerSecond"] = "1000000",
        ["Ingestion__MunicipalityRate__Burst"] = "1000000",
        ["Ingestion__DeviceRate__PerSecond"] = "10000",
        ["Ingestion__DeviceRate__Burst"] = "10000",
        ["Ingestion__MostWaitingUplinks"] = "2000000",
    };
    static readonly TimeSpan Settling = TimeSpan.FromMinutes(5);

    /// <summary>Returns the exit code: 1 when what is stored is not what was accepted.</summary>
    public static async Task<int> AllAsync(BenchOptions options)
    {
        var data = Directory.CreateTempSubdirectory("allmende-bench-");
        try
        {
            var setting = new InstallationOptions { Data = data.FullName, Port = 0, Simulator = false, DemoTowns = false, Environment = Unlimited };
            Say("Starting a fresh installation …");
            TimeSpan first;
            await using (var fresh = await Installation.StartAsync(setting))
                first = fresh.Timeline.Elapsed;
            await using var installation = await Installation.StartAsync(setting);
            var results = new Results(options, first, installation.Timeline.Elapsed);
            using var town = await Town.BuildAsync(installation, Devices);
            await MeasureAsync(installation, town, results);
            var table = Markdown.Of(results);
            Console.WriteLine($"\n{table}");
            if (options.Output.Length > 0)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Output))!);
                await File.WriteAllTextAsync(options.Output, table);
                Say($"Written to {options.Output}");
            }
            return results.Counted.Stored == results.Counted.Accepted ? 0 : 1;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    static async Task MeasureAsync(Installation installation, Town town, Results results)
    {
        var options = results.Options;
        results.AtRest = await AtRestAsync(installation);
        var accepted = 0L;
        foreach (var scenario in Scenario.All.Where(scenario => options.Only is null || scenario.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase)))
        {
            if (scenario.ObservationsPerRequest == 0)
                accepted += await PreloadAsync(installation, town);
            foreach (var (door, address) in new[] { ("direct", installation.AddressOf(scenario.Service)), ("gateway", installation.Gateway) })
                foreach (var connections in options.Connections)
                {
                    var writer = await town.WriterAsync();
                    Task<LoadResult> RunAsync(int seconds) => Load.RunAsync(
                        installation, address, connections, TimeSpan.FromSeconds(seconds), scenario.Status, worker => scenario.Write(town, writer, worker * 7));
                    var warm = await RunAsync(options.WarmUp);
                    var result = await RunAsync(options.Seconds);
                    accepted += (warm.Requests + result.Requests) * scenario.ObservationsPerRequest;
                    results.Rows.Add(new Row(scenario, door, connections, result));
                    Say($"{scenario.Name}, {door}, {connections} connections: {result.PerSecond:0} requests/s, p99 {result.Latencies.Percentile(0.99):0.0} ms"
                        + (result.Failures.Count > 0 ? $", failed: {Markdown.Failures(result.Failures)}" : ""));
                    // What waits in the log would be measured in the next row.
                    await SettledAsync(town, accepted);
                }
        }
        if (options.Only is null || MqttLoad.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase))
        {
            results.Idle = await MqttIdle.RunAsync(installation, town);
            Say($"{results.Idle.Connections} idle MQTT connections: {(results.Idle.After - results.Idle.Before) / 1048576.0:0} MB more, opened in {results.Idle.Seconds:0.0} s");
            accepted += (await MqttLoad.RunAsync(installation, town, TimeSpan.FromSeconds(options.WarmUp))).Requests * Town.DatastreamsPerDevice;
            results.Mqtt = await MqttLoad.RunAsync(installation, town, TimeSpan.FromSeconds(options.Seconds));
            accepted += results.Mqtt.Requests * Town.DatastreamsPerDevice;
            Say($"{MqttLoad.Name}: {results.Mqtt.PerSecond:0} acknowledged/s, p99 {results.Mqtt.Latencies.Percentile(0.99):0.0} ms, failed: {Markdown.Failures(results.Mqtt.Failures)}");
            await SettledAsync(town, accepted);
        }
        if (options.Only is null || "freshness".Contains(options.Only, StringComparison.OrdinalIgnoreCase))
        {
            await new Freshness(town, installation.Gateway).RunAsync(installation, UplinksPerSecond, TimeSpan.FromSeconds(options.WarmUp)).ContinueWith(
                warm => accepted += warm.Result.Sent * Town.DatastreamsPerDevice, TaskScheduler.Default);
            results.Freshness = await new Freshness(town, installation.Gateway).RunAsync(installation, UplinksPerSecond, TimeSpan.FromSeconds(options.Seconds * 2));
            accepted += results.Freshness.Sent * Town.DatastreamsPerDevice;
            Say($"freshness: live p99 {results.Freshness.Live.Percentile(0.99):0} ms, GET p99 {results.Freshness.Read.Percentile(0.99):0} ms");
        }
        results.Counted = (accepted, await SettledAsync(town, accepted));
        results.AfterLoad = installation.Usage();
    }

    /// <summary>Some minutes of history for every Datastream that is read.</summary>
    static async Task<long> PreloadAsync(Installation installation, Town town)
    {
        var writer = await town.WriterAsync();
        var array = Scenario.All.Single(scenario => scenario.CountsObservations);
        var loaded = await Load.RunAsync(installation, installation.AddressOf(array.Service), 4, TimeSpan.FromSeconds(2), array.Status, worker => array.Write(town, writer, worker * 25));
        return loaded.Requests * array.ObservationsPerRequest;
    }

    /// <summary>Waits until everything accepted is stored, and returns how much is.</summary>
    static async Task<long> SettledAsync(Town town, long accepted)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            var stored = await town.CountAsync();
            if (stored >= accepted || since.Elapsed > Settling)
                return stored;
            await Task.Delay(200);
        }
    }

    /// <summary>Memory once the start is over and nothing has been asked yet.</summary>
    static async Task<IReadOnlyList<ProcessUsage>> AtRestAsync(Installation installation)
    {
        await Task.Delay(TimeSpan.FromSeconds(5));
        return installation.Usage();
    }

    static void Say(string line) => Console.WriteLine(line);
}
