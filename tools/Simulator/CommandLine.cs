using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Allmende.Simulator.Mapping;

namespace Allmende.Simulator;

/// <summary>The options, what they mean and what they are when not given.</summary>
static class CommandLine
{
    static readonly Option<string> Platform = new("--platform")
    {
        Description = "file that says where the platform is",
        DefaultValueFactory = _ => ".run/platform.json",
    };

    static readonly Option<string> Town = new("--town") { Description = "municipality to feed", DefaultValueFactory = _ => "musterstadt" };

    static readonly Option<int> Devices = new("--devices") { Description = "number of devices", DefaultValueFactory = _ => 300 };

    static readonly Option<ulong> Seed = new("--seed") { Description = "the same seed makes the same town", DefaultValueFactory = _ => 1 };

    static readonly Option<(double, double)> Centre = new("--center")
    {
        Description = "longitude,latitude of the town's centre (8.38,51.90; nachbardorf: 8.47,51.94)",
        CustomParser = ParseCentre,
    };

    static readonly Option<TimeSpan?> History = Span("--history", "where nothing was delivered yet, start this far back (24h)");

    static readonly Option<TimeSpan?> Backfill = Span("--backfill", "deliver what is missing of this past, and end (30d)");

    static readonly Option<double> Speed = new("--speed")
    {
        Description = "start --history ago and let time run this much faster until it has caught up",
        DefaultValueFactory = _ => 1,
    };

    static readonly Option<double> Rate = new("--rate") { Description = "load: this many messages a second, all of the present moment" };

    static readonly Option<TimeSpan?> For = Span("--for", "stop after this time (60s)");

    static readonly Option<int> Connections = new("--connections") { Description = "connections to the platform", DefaultValueFactory = _ => 8 };

    static readonly Option<string?> State = new("--state") { Description = "file that remembers what was delivered (simulator/TOWN.json beside --platform)" };

    static readonly Option<string?> WriteBasemap = new("--write-basemap") { Description = "write the town's map to this file (GeoJSON), and end" };

    /// <summary>The command; <paramref name="run"/> gets its options.</summary>
    public static RootCommand Command(Func<SimulatorOptions, CancellationToken, Task<int>> run)
    {
        var command = new RootCommand("A small town's sensors: sends their LoRaWAN uplinks to the platform as a network server would.");
        foreach (var option in new Option[] { Platform, Town, Devices, Seed, Centre, History, Backfill, Speed, Rate, For, Connections, State, WriteBasemap })
            command.Add(option);
        Positive(Devices);
        Positive(Connections);
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(WriteBasemap) is not { } file)
                return await run(Options(parsed), stop);
            await BasemapFile.WriteAsync(Options(parsed), file, stop);
            return 0;
        });
        return command;
    }

    static SimulatorOptions Options(ParseResult parsed)
    {
        var platform = parsed.GetValue(Platform)!;
        var town = parsed.GetValue(Town)!;
        var backfill = parsed.GetValue(Backfill);
        return new SimulatorOptions
        {
            Platform = platform,
            Town = town,
            Devices = parsed.GetValue(Devices),
            Seed = parsed.GetValue(Seed),
            Centre = parsed.GetResult(Centre) is null ? KnownCentre(town) : parsed.GetValue(Centre),
            History = backfill ?? parsed.GetValue(History) ?? TimeSpan.FromHours(24),
            Speed = Math.Max(1, parsed.GetValue(Speed)),
            Rate = parsed.GetValue(Rate),
            For = parsed.GetValue(For),
            PastOnly = backfill is not null,
            Connections = parsed.GetValue(Connections),
            State = parsed.GetValue(State) ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(platform))!, "simulator", $"{town}.json"),
        };
    }

    // Where tools/up puts the demo towns.
    static (double, double) KnownCentre(string town) => town == "nachbardorf" ? (8.47, 51.94) : (8.38, 51.90);

    static (double, double) ParseCentre(ArgumentResult result)
    {
        var parts = result.Tokens.Single().Value.Split(',');
        if (parts.Length == 2 && Number(parts[0]) is >= -180 and <= 180 and var longitude && Number(parts[1]) is > -89 and < 89 and var latitude)
            return (longitude, latitude);
        result.AddError("--center takes longitude,latitude, for example 8.38,51.90");
        return default;
    }

    static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    static Option<TimeSpan?> Span(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var span = Duration.Parse(result.Tokens.Single().Value);
            if (span is null)
                result.AddError($"{name} takes a time such as 90s, 15m, 24h, 30d");
            return span;
        },
    };

    static void Positive(Option<int> option) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < 1)
            result.AddError($"{option.Name} must be at least 1");
    });
}
