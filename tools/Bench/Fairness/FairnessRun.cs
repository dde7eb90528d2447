using System.Diagnostics;
using System.Globalization;
using System.Text;
using Allmende.Bench.Measurements;
using Allmende.Bench.Report;
using Allmende.Supervisor;

namespace Allmende.Bench.Fairness;

/// <summary>One kind of flood, and what the neighbours saw without it and with it.</summary>
sealed record FloodRow(string Name, IReadOnlyList<(Seen Quiet, Seen Flooded)> Windows, (double Accepted, double Refused, double Broken) PerSecond, IReadOnlyList<(string Process, double Share)> Processors);

/// <summary>
/// What a flood does to others: neighbours send steadily; in turn nobody floods, and somebody does. The limits are those that the platform ships with. Quiet means that
/// no flooding client runs at all, though its processors are those of the platform: what it takes of them counts against the platform.
/// </summary>
static class FairnessRun
{
    const int Pairs = 5, Connections = 64, MqttClients = 64, AtOnce = 32, OneDevice = 0, Towns = 5;
    /// <summary>After its beginning a flood spends what it had saved; that is its right, and counts apart.</summary>
    static readonly TimeSpan Beginning = TimeSpan.FromSeconds(5);

    /// <summary>Returns the exit code: 1 when a neighbour was refused something.</summary>
    public static async Task<int> RunAsync(BenchOptions options)
    {
        var data = Directory.CreateTempSubdirectory("allmende-bench-");
        try
        {
            await using var installation = await Installation.StartAsync(new InstallationOptions { Data = data.FullName, Port = 0, Simulator = false, DemoTowns = false });
            var port = int.Parse(installation.Access.Mqtt.Split(':')[1], CultureInfo.InvariantCulture);
            var towns = new List<Town>();
            for (var number = 0; number < Towns; number++) towns.Add(await Town.BuildAsync(installation, Neighbours.Devices));
            using var flooding = await Town.BuildAsync(installation, Run.Devices);
            var direct = installation.AddressOf("ingestion");
            var all = new Neighbours(towns, installation.Gateway, port);
            // Who shares the device's municipality: of the others none could notice.
            var fellows = new Neighbours(towns[..1], installation.Gateway, port);
            var kinds = new (string Name, Neighbours Neighbours, Func<Flood> Make)[]
            {
                ($"nobody, for comparison", all, () => new Flood(flooding, Each)),
                ($"another municipality, {Connections} connections of HTTP through the gateway", all, () => Posting(new Flood(flooding, Each), installation.Gateway)),
                ($"another municipality, {Connections} connections of HTTP at the service itself", all, () => Posting(new Flood(flooding, Each), direct)),
                ($"another municipality, {MqttClients} MQTT clients with {AtOnce} messages each", all, () => Publishing(new Flood(flooding, Each), port)),
                ($"one device of the same municipality, {Connections} connections of HTTP", fellows, () => Posting(new Flood(towns[0], _ => OneDevice), installation.Gateway)),
                ($"one device of the same municipality, 16 MQTT clients with {AtOnce} messages each", fellows, () => Publishing(new Flood(towns[0], _ => OneDevice), port, 16)),
            };
            await WarmUpAsync(all, () => Publishing(Posting(new Flood(flooding, Each), installation.Gateway), port), options);
            var rows = new List<FloodRow>();
            foreach (var (name, neighbours, make) in kinds.Where(kind => options.Only is null || kind.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase)))
            {
                rows.Add(await MeasureAsync(installation, name, neighbours, make, TimeSpan.FromSeconds(options.Seconds)));
                Console.WriteLine(Cells(rows[^1]));
            }
            var page = Page(rows, options);
            Console.WriteLine($"\n{page}");
            if (options.Output.Length > 0) await File.WriteAllTextAsync(options.Output, page);
            towns.ForEach(town => town.Dispose());
            return rows.All(row => row.Windows.All(window => window.Quiet.Failed + window.Flooded.Failed == 0)) ? 0 : 1;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    static int Each(int number) => number % Run.Devices;

    static Flood Posting(Flood flood, Uri door)
    {
        flood.Post(door, Connections);
        return flood;
    }

    static Flood Publishing(Flood flood, int port, int clients = MqttClients)
    {
        flood.Publish(port, clients, AtOnce);
        return flood;
    }

    /// <summary>Until all that the rows do was done so often that it is compiled: for a minute and more that takes over half of two processors, and would be taken for the flood's doing.</summary>
    static async Task WarmUpAsync(Neighbours neighbours, Func<Flood> make, BenchOptions options)
    {
        var flood = make();
        await neighbours.SendAsync(TimeSpan.FromSeconds(options.WarmUp));
        await flood.StopAsync();
    }

    static async Task<FloodRow> MeasureAsync(Installation installation, string name, Neighbours neighbours, Func<Flood> make, TimeSpan time)
    {
        // What it had saved is spent before the first window; between windows it stays away for a moment only.
        var first = make();
        await Task.Delay(Beginning);
        await first.StopAsync();
        var windows = new List<(Seen, Seen)>();
        var (accepted, refused, broken, seconds) = (0L, 0L, 0L, 0.0);
        IReadOnlyList<(string, double)> shares = [];
        for (var pair = 0; pair < Pairs; pair++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            var quiet = await neighbours.SendAsync(time);
            var flood = make();
            await Task.Delay(Beginning);
            var (since, before, processors) = (Stopwatch.StartNew(), flood.Counts, new Processors(installation));
            windows.Add((quiet, await neighbours.SendAsync(time)));
            shares = processors.Shares();
            var now = flood.Counts;
            (accepted, refused, broken, seconds) = (accepted + now.Accepted - before.Accepted, refused + now.Refused - before.Refused, broken + now.Broken - before.Broken, seconds + since.Elapsed.TotalSeconds);
            await flood.StopAsync();
        }
        return new FloodRow(name, windows, (accepted / seconds, refused / seconds, broken / seconds), shares);
    }

    static string Page(IReadOnlyList<FloodRow> rows, BenchOptions options)
    {
        var page = new StringBuilder();
        void Line(FormattableString line) => page.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"# What a flood does to its neighbours, {DateTime.UtcNow:yyyy-MM-dd}\n");
        Line($"{Machine.Description()} Everything ran on it at once, the flooding clients too. The limits are those that the platform ships with. Neighbours: {Towns} municipalities, each of which sends");
        Line($"{Neighbours.PerSecond} webhooks/s through the gateway and {Neighbours.PerSecond} MQTT messages/s of QoS 1, each by one client that waits for the acknowledgement; for the floods of one device, its own municipality alone.");
        Line($"{Pairs} times in turn, after {options.WarmUp} s of warm-up with flood: {options.Seconds} s in which nobody floods, and {options.Seconds} s");
        Line($"in which somebody does, after {Beginning.TotalSeconds:0} s in which he spends what he had saved. The figure is the median of the {Pairs} windows'; the ratio is the median of the {Pairs} ratios of a window to the quiet");
        Line($"one before it (goal for p99: at most 1.2). Made by `tools/bench --fairness`.\n");
        Line($"| who floods | neighbours' | quiet p50 ms | p99 ms | flooded p50 ms | p99 ms | × p50 | × p99 | taken of the flood/s | refused/s | hung up on/s | CPU |");
        Line($"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        foreach (var row in rows) page.AppendLine(Cells(row));
        return page.ToString();
    }

    static string Cells(FloodRow row)
    {
        var flood = string.Create(CultureInfo.InvariantCulture, $"{row.PerSecond.Accepted:N0} | {row.PerSecond.Refused:N0} | {row.PerSecond.Broken:N1} | {Markdown.Shares(row.Processors)}");
        return $"| {row.Name} | webhooks | {Times(row, seen => seen.Http)} | {flood} |\n| | MQTT | {Times(row, seen => seen.Mqtt)} | | | | |";
    }

    static string Times(FloodRow row, Func<Seen, Latencies> kind)
    {
        double Of(Func<(Seen Quiet, Seen Flooded), double> figure) => Median(row.Windows.Select(figure));
        double Ratio(double share) => Of(window => kind(window.Flooded).Percentile(share) / kind(window.Quiet).Percentile(share));
        return string.Create(CultureInfo.InvariantCulture, $"{Of(window => kind(window.Quiet).Percentile(0.5)):0.00} | {Of(window => kind(window.Quiet).Percentile(0.99)):0.00} | {Of(window => kind(window.Flooded).Percentile(0.5)):0.00} | {Of(window => kind(window.Flooded).Percentile(0.99)):0.00} | {Ratio(0.5):0.00} | {Ratio(0.99):0.00}");
    }

    static double Median(IEnumerable<double> figures)
    {
        var sorted = figures.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
