using System.Globalization;
using System.Net;
using Allmende.Simulator.LoRaWan;
using Allmende.Simulator.Sending;
using Allmende.Simulator.Town;
using Allmende.Simulator.World;

namespace Allmende.Simulator;

/// <summary>One run: builds the town, registers its devices, delivers what is missing of the past, then goes on with the present.</summary>
sealed class Simulation
{
    static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LivePause = TimeSpan.FromMinutes(10);

    readonly SimulatorOptions options;
    readonly Outbox outbox;
    readonly Schedule schedule;
    readonly Coverage coverage;
    DateTime begun;

    Simulation(SimulatorOptions options, Outbox outbox, Schedule schedule, Coverage coverage) =>
        (this.options, this.outbox, this.schedule, this.coverage) = (options, outbox, schedule, coverage);

    /// <summary>Runs until it is told to stop; returns the exit code.</summary>
    public static async Task<int> RunAsync(SimulatorOptions options, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (options.For is { } time)
            limit.CancelAfter(time);
        void Tell(string line) => Console.WriteLine($"{options.Town}: {line}");
        try
        {
            await RunAsync(options, Tell, limit.Token);
            return 0;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception fault) when (fault is SimulatorException or HttpRequestException)
        {
            await Console.Error.WriteLineAsync($"{options.Town}: {fault.Message}");
            return 1;
        }
    }

    /// <summary>The town of these options.</summary>
    public static (TownPlan Plan, Surroundings World, IReadOnlyList<Sensors.Sensor> Sensors) Build(SimulatorOptions options)
    {
        var seed = new Noise(options.Seed).Of(options.Town).Seed;
        var world = new Surroundings(seed, options.Centre.Longitude, options.Centre.Latitude);
        // 300 sensors stand for a town of 2.2 km from the market to the edge, 30 for a village of 700 m.
        var plan = new TownPlan(world.Noise.Of("plan"), 127 * Math.Sqrt(Math.Clamp(options.Devices, 10, 900)));
        return (plan, world, Inventory.Of(plan, world, options.Devices));
    }

    static async Task RunAsync(SimulatorOptions options, Action<string> tell, CancellationToken stop)
    {
        PlatformFile ReadPlatform() => PlatformFile.Read(options.Platform, options.Town);
        var place = new Place(options.Town, options.Centre.Longitude, options.Centre.Latitude);
        var (plan, world, sensors) = Build(options);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            MaxConnectionsPerServer = options.Connections,
            AutomaticDecompression = DecompressionMethods.None,
            UseProxy = false,
        })
        { Timeout = TimeSpan.FromSeconds(30) };

        sensors = await new Registry(http, ReadPlatform, place, tell).RegisterAsync(sensors, stop);
        var schedule = new Schedule(sensors, new Radio(plan, world.Noise.Of("radio")), world.Noise.Of("devices"));
        var coverage = Coverage.Load(options.State, string.Create(CultureInfo.InvariantCulture, $"{options.Town}/{options.Devices}/{options.Seed}"));
        await using var outbox = new Outbox(http, ReadPlatform, place, options.Connections, tell);
        var simulation = new Simulation(options, outbox, schedule, coverage);
        var telling = simulation.TellProgressAsync(tell, stop);
        try
        {
            if (options.Rate > 0)
                await simulation.LoadAsync(stop);
            else
                await simulation.LiveAsync(tell, stop);
        }
        finally
        {
            simulation.Save();
            tell(simulation.Counts());
        }
        if (stop.IsCancellationRequested)
            await telling;
    }

    async Task LiveAsync(Action<string> tell, CancellationToken stop)
    {
        var start = DateTime.UtcNow - options.History;
        if (options.Speed == 1)
            await DeliverPastAsync(start, tell, stop);
        if (options.PastOnly)
            return;
        var clock = new TownClock(start, options.Speed);
        var from = options.Speed == 1 ? DateTime.UtcNow : start;
        if (options.Speed == 1 && coverage.Missing(start, from) is [var gap])
            from = gap.From;
        begun = from;
        outbox.Reached(from);
        foreach (var message in schedule.From(from))
        {
            while (message.Time > clock.Now)
            {
                var next = clock.Now + SaveEvery * options.Speed;
                await clock.UntilAsync(message.Time < next ? message.Time : next, stop);
                outbox.Reached(message.Time < next ? message.Time : next);
            }
            await outbox.PutAsync(message, wait: options.Speed != 1, stop);
        }
    }

    /// <summary>Delivers what is missing between a time and now, which goes on while it works.</summary>
    async Task DeliverPastAsync(DateTime start, Action<string> tell, CancellationToken stop)
    {
        while (true)
        {
            var missing = coverage.Missing(start, DateTime.UtcNow);
            if (missing.Count == 0 || (missing is [var last] && last.To - last.From < LivePause && !options.PastOnly))
                return;
            var gap = missing[0];
            tell($"delivering {gap.From:yyyy-MM-dd HH:mm} to {gap.To:yyyy-MM-dd HH:mm} UTC");
            begun = gap.From;
            outbox.Reached(gap.From);
            foreach (var message in schedule.From(gap.From))
            {
                if (message.Time >= gap.To)
                    break;
                await outbox.PutAsync(message, wait: true, stop);
            }
            await outbox.DrainAsync(stop);
            outbox.Reached(gap.To);
            Save();
            if (options.PastOnly && missing.Count == 1)
                return;
        }
    }

    async Task LoadAsync(CancellationToken stop)
    {
        var since = System.Diagnostics.Stopwatch.StartNew();
        var sent = 0L;
        foreach (var message in schedule.Round(() => DateTime.UtcNow))
        {
            while (sent > since.Elapsed.TotalSeconds * options.Rate)
                await Task.Delay(1, stop);
            await outbox.PutAsync(message, wait: true, stop);
            sent++;
        }
    }

    async Task TellProgressAsync(Action<string> tell, CancellationToken stop)
    {
        var (told, before, tellAgain) = (System.Diagnostics.Stopwatch.StartNew(), 0L, TimeSpan.FromSeconds(5));
        try
        {
            while (true)
            {
                await Task.Delay(SaveEvery, stop);
                Save();
                if (told.Elapsed < tellAgain)
                    continue;
                var accepted = outbox.Accepted;
                tell($"{Counts()}, {(accepted - before) / told.Elapsed.TotalSeconds:0.0}/s, at {outbox.DoneUntil:yyyy-MM-dd HH:mm} UTC");
                // Often while much happens, seldom once the town has settled.
                tellAgain = accepted - before > 1000 ? TimeSpan.FromSeconds(5) : TimeSpan.FromMinutes(10);
                before = accepted;
                told.Restart();
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    string Counts()
    {
        var lost = (outbox.Dropped > 0 ? $", {outbox.Dropped} given up while the platform was away" : "")
            + (outbox.Rejected > 0 ? $", {outbox.Rejected} refused" : "");
        return $"{outbox.Accepted} messages delivered{lost}";
    }

    void Save()
    {
        // Load is of no town's day: a later run delivers the real one.
        if (options.Rate > 0 || begun == default)
            return;
        lock (coverage)
        {
            coverage.Add(begun > outbox.WholeFrom ? begun : outbox.WholeFrom, outbox.DoneUntil);
            coverage.Save();
        }
    }
}
