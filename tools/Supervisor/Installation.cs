using System.Collections.Concurrent;
using Allmende.Supervisor.Data;
using Allmende.Supervisor.Engines;
using Allmende.Supervisor.Onboarding;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary>The whole platform on one machine: engines, services, gateway, demo towns, simulator; kept alive until it is stopped.</summary>
public sealed class Installation : IAsyncDisposable
{
    readonly InstallationOptions options;
    readonly DataDirectory data;
    readonly Wiring wiring;
    readonly Timeline timeline;
    readonly ConcurrentDictionary<string, ManagedProcess> processes = [];
    readonly Lock stateGate = new();
    readonly List<string> startOrder = [];
    bool ready;
    bool stopping;

    Installation(InstallationOptions options, DataDirectory data, Wiring wiring, Timeline timeline)
    {
        this.options = options;
        this.data = data;
        this.wiring = wiring;
        this.timeline = timeline;
        Access = new PlatformFile
        {
            Gateway = wiring.PublicUrl,
            Mqtt = $"localhost:{wiring.Ports.Mqtt}",
            TokenEndpoint = $"{wiring.Issuer}/protocol/openid-connect/token",
            Operator = options.Operator ?? wiring.Secrets.Operator,
            Municipalities = PlatformFile.Of(data.Path)?.Municipalities ?? [],
        };
    }

    /// <summary>What clients need: addresses, clients and their secrets, as in <c>platform.json</c>.</summary>
    public PlatformFile Access { get; }

    /// <summary>The gateway's address.</summary>
    public Uri Gateway => new(wiring.PublicUrl);

    /// <summary>What services show each other at <c>/internal</c>.</summary>
    public string InternalKey => wiring.Secrets.InternalKey;

    /// <summary>The database server, with its superuser.</summary>
    public PostgresServer Postgres => wiring.Postgres;

    /// <summary>Redis, as <c>host:port</c>.</summary>
    public string Redis => wiring.Redis;

    /// <summary>The names of the supervised processes in the order of their start.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (stateGate)
                return [.. startOrder];
        }
    }

    /// <summary>The steps of the start.</summary>
    public Timeline Timeline => timeline;

    /// <summary>A supervised process: <c>postgres</c>, <c>redis</c>, <c>provider</c>, a service's name, <c>simulator-musterstadt</c>.</summary>
    public ManagedProcess this[string name] =>
        processes.TryGetValue(name, out var process) ? process : throw new ArgumentException($"There is no process {name}, only {string.Join(", ", Names)}.", nameof(name));

    /// <summary>A service's own address, past the gateway.</summary>
    public Uri AddressOf(string service) => new(wiring.Url(service));

    /// <summary>Starts everything and returns when it is ready.</summary>
    /// <param name="options">What to start, and where.</param>
    /// <param name="progress">Is told each step in plain words.</param>
    /// <param name="cancellation">Gives up and stops what was started.</param>
    /// <exception cref="InstallationException">Something is missing or does not start; the message says what.</exception>
    public static async Task<Installation> StartAsync(InstallationOptions options, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var timeline = new Timeline(progress ?? new Silence());
        var data = DataDirectory.Take(options.Data) ?? throw new InstallationException($"An installation runs in {options.Data} already.");
        Installation? installation = null;
        try
        {
            if (RunningState.Of(data.Path) is { } left)
                await left.EndStraysAsync();
            var ports = new Ports(options.Port == 0 ? FreePorts.Block(Ports.Count) : options.Port);
            installation = new Installation(options, data, Wiring.Of(options, ports, Secrets.Of(data.Path)), timeline);
            await installation.StartAllAsync(cancellation);
            return installation;
        }
        catch
        {
            if (installation is not null)
                await installation.StopAsync();
            else
                data.Dispose();
            throw;
        }
    }

    /// <summary>What each process uses now.</summary>
    public IReadOnlyList<ProcessUsage> Usage() => [.. Names.Select(name => processes[name].Usage()).OfType<ProcessUsage>()];

    /// <summary>Stops everything in the reverse order of the start; the data stays.</summary>
    public async Task StopAsync()
    {
        stopping = true;
        foreach (var group in (Func<string, bool>[])
                 [
                     name => name.StartsWith("simulator", StringComparison.Ordinal),
                     name => name == "gateway",
                     name => Services.Names.Contains(name),
                     name => name == "provider",
                     _ => true,
                 ])
        {
            var ending = processes.Keys.Where(group).Select(name => processes.TryRemove(name, out var process) ? process : null).OfType<ManagedProcess>().ToList();
            await Task.WhenAll(ending.Select(process => process.DisposeAsync().AsTask()));
        }
        RunningState.Remove(data.Path);
        data.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (!stopping)
            await StopAsync();
    }

    async Task StartAllAsync(CancellationToken cancellation)
    {
        Ports.MustBeFree(NeededPorts());
        // Before anything starts, it shows whether everything is built.
        var services = options.Services.Select(name => Services.Spec(name, options, wiring)).ToList();
        var simulators = options is { Simulator: true, DemoTowns: true } ? Municipality.Demo.Select(town => Simulator.Spec(town, options, data.Path)).ToList() : [];
        WriteState();
        // What one of them cannot do, the others need not finish.
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await AllAsync(failing, [.. Engines(failing.Token), .. Basemaps(failing.Token)]);
        await AllAsync(failing, [.. services.Select(spec => StartAsync(spec, failing.Token))]);
        Access.Write(data.Path);
        if (options.DemoTowns)
            await new DemoTowns(Access, access => access.Write(data.Path), timeline).OnboardAsync(cancellation);
        await Task.WhenAll(simulators.Select(spec => StartAsync(spec, cancellation)));
        ready = true;
        WriteState();
    }

    IEnumerable<(string Name, int Port)> NeededPorts()
    {
        foreach (var service in options.Services)
            yield return (service, wiring.Ports[service]);
        if (options.Services.Contains("ingestion"))
            yield return ("MQTT", wiring.Ports.Mqtt);
        if (options.Issuer is null)
            yield return ("the OpenID provider", wiring.Ports.Provider);
        if (options.Redis is null)
            yield return ("Redis", wiring.Ports.Redis);
        if (options.Postgres is null)
            yield return ("PostgreSQL", wiring.Ports.Postgres);
    }

    IEnumerable<Task> Engines(CancellationToken cancellation)
    {
        yield return StartPostgresAsync(cancellation);
        if (options.Redis is null)
            yield return timeline.StepAsync("redis", () => RedisEngine.StartAsync(Path.Combine(data.Path, "redis"), wiring.Ports.Redis, data.Logs, Tell, cancellation));
        if (options.Issuer is null)
            yield return StartAsync(OpenIdProvider.Spec(options, wiring), cancellation);
    }

    IEnumerable<Task> Basemaps(CancellationToken cancellation) =>
        options.DemoTowns && options.Services.Contains("dashboards")
            ? Municipality.Demo.Select(town => timeline.StepAsync($"map of {town.Municipality.Name}", () => Basemap.WriteAsync(town, options, cancellation)))
            : [];

    async Task StartPostgresAsync(CancellationToken cancellation)
    {
        if (options.Postgres is null)
            await timeline.StepAsync("postgres", () => PostgresEngine.StartAsync(
                Path.Combine(data.Path, "postgres"), wiring.Ports.Postgres, wiring.Secrets.Postgres, data.Logs, Tell, cancellation));
        await timeline.StepAsync("databases and roles", () => Databases.PrepareAsync(wiring.Postgres, wiring.Secrets.Roles, cancellation));
    }

    Task StartAsync(ProcessSpec spec, CancellationToken cancellation)
    {
        var process = new ManagedProcess(spec, data.Logs, Tell);
        Tell(process, "");
        return timeline.StepAsync(spec.Name, () => process.StartAsync(cancellation));
    }

    /// <summary>A process started, ended or has something to say.</summary>
    void Tell(ManagedProcess process, string what)
    {
        if (processes.TryAdd(process.Name, process))
            lock (stateGate)
                startOrder.Add(process.Name);
        if (stopping)
            return;
        if (what.Length > 0)
            timeline.Say(what);
        WriteState();
    }

    void WriteState()
    {
        lock (stateGate)
            new RunningState
            {
                Supervisor = ProcessIdentity.Of(System.Environment.ProcessId)!,
                Gateway = wiring.PublicUrl,
                Ready = ready,
                Processes = startOrder
                    .Where(name => processes.TryGetValue(name, out var process) && process.Identity is not null)
                    .ToDictionary(name => name, name => new RunningState.Entry(processes[name].Identity!, processes[name].StopSignal)),
            }.Write(data.Path);
    }

    static async Task AllAsync(CancellationTokenSource failing, List<Task> tasks)
    {
        while (tasks.Count > 0)
        {
            var done = await Task.WhenAny(tasks);
            if (done.IsFaulted)
            {
                await failing.CancelAsync();
                await Task.WhenAll(tasks).ContinueWith(_ => { }, TaskScheduler.Default);
            }
            await done;
            tasks.Remove(done);
        }
    }

    sealed class Silence : IProgress<string>
    {
        public void Report(string value)
        {
        }
    }
}
