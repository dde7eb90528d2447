using System.Diagnostics;

namespace Allmende.Supervisor.Processes;

/// <summary>One process that is kept alive: started, watched until ready, started again when it dies, ended on request.</summary>
public sealed class ManagedProcess : IAsyncDisposable
{
    const int DeathsUntilGivenUp = 4;

    readonly ProcessSpec spec;
    readonly LogFile log;
    readonly Action<ManagedProcess, string> tell;
    readonly BackOff backOff = new();
    readonly CancellationTokenSource stopping = new();
    readonly TaskCompletionSource firstStart = new(TaskCreationOptions.RunContinuationsAsynchronously);

    Task running = Task.CompletedTask;
    Process? process;
    volatile bool restart = true;
    volatile int deaths;

    /// <param name="spec">What to run.</param>
    /// <param name="logs">The directory of the log file <c>{name}.log</c>.</param>
    /// <param name="tell">Is told of starts and deaths, in plain words.</param>
    public ManagedProcess(ProcessSpec spec, string logs, Action<ManagedProcess, string>? tell = null)
    {
        this.spec = spec;
        this.tell = tell ?? ((_, _) => { });
        log = new LogFile(Path.Combine(logs, $"{spec.Name}.log"));
    }

    public string Name => spec.Name;

    /// <summary>The running process, or null.</summary>
    public ProcessIdentity? Identity { get; private set; }

    /// <summary>What asks it to end in good order.</summary>
    public Signal StopSignal => spec.StopSignal;

    /// <summary>How often it died since it was started.</summary>
    public int Deaths => deaths;

    public bool IsRunning => Identity is { } identity && identity.IsAlive;

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="InstallationException">It does not become ready; the message has its last words.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        restart = true;
        deaths = 0;
        if (running.IsCompleted)
            running = Task.Run(() => KeepAliveAsync(stopping.Token), CancellationToken.None);
        await firstStart.Task.WaitAsync(cancellation);
        await WhenReadyAsync(cancellation);
    }

    /// <summary>Waits until it answers, across restarts.</summary>
    /// <exception cref="InstallationException">It does not become ready; the message has its last words.</exception>
    public async Task WhenReadyAsync(CancellationToken cancellation = default)
    {
        var since = Stopwatch.StartNew();
        var deathsBefore = deaths;
        while (!(IsRunning && await AnswersAsync(cancellation)))
        {
            if (deaths - deathsBefore >= DeathsUntilGivenUp || (running.IsCompleted && !IsRunning))
                throw new InstallationException($"{Name} does not start. The end of {log.Path}:\n{log.Tail()}");
            if (since.Elapsed > spec.ReadyTimeout)
                throw new InstallationException($"{Name} is not ready after {spec.ReadyTimeout.TotalSeconds:0} s. The end of {log.Path}:\n{log.Tail()}");
            await Task.Delay(since.ElapsedMilliseconds < 2000 ? 20 : 100, cancellation);
        }
    }

    /// <summary>Kills it at once (SIGKILL), as a crash would.</summary>
    /// <param name="restart">Whether it is started again, as after any death; otherwise it stays down until <see cref="StartAsync"/>.</param>
    public async Task KillAsync(bool restart = true)
    {
        this.restart = restart;
        if (Identity is not { } identity)
            return;
        identity.Send(Signal.Kill);
        await identity.WaitForEndAsync(TimeSpan.FromSeconds(10));
        if (!restart)
            await running;
    }

    /// <summary>Asks it to end, and kills it when it does not in time.</summary>
    public async Task StopAsync()
    {
        restart = false;
        await stopping.CancelAsync();
        await EndAsync();
        await running;
    }

    /// <summary>What it and its children use now; null when it does not run.</summary>
    public ProcessUsage? Usage() => Identity is { IsAlive: true } identity ? ProcessUsage.Of(Name, identity.Pid) : null;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        log.Dispose();
    }

    async Task KeepAliveAsync(CancellationToken stop)
    {
        while (restart && !stop.IsCancellationRequested)
        {
            var since = Stopwatch.StartNew();
            var ending = await RunOnceAsync();
            if (!restart || stop.IsCancellationRequested)
                return;
            deaths++;
            var wait = backOff.After(since.Elapsed);
            tell(this, $"{Name} ended ({ending}) after {since.Elapsed.TotalSeconds:0.0} s; starting it again in {wait.TotalSeconds:0.0} s");
            try
            {
                await Task.Delay(wait, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    async Task<string> RunOnceAsync()
    {
        try
        {
            process = await Spawner.StartAsync(spec.ToStartInfo());
        }
        catch (Exception e)
        {
            firstStart.TrySetResult();
            return e.Message;
        }
        using (process)
        {
            Identity = ProcessIdentity.Of(process.Id);
            process.StandardInput.Close();
            var output = PumpAsync(process.StandardOutput.BaseStream);
            var errors = PumpAsync(process.StandardError.BaseStream);
            tell(this, "");
            firstStart.TrySetResult();
            if (stopping.IsCancellationRequested)
                await EndAsync();
            await process.WaitForExitAsync();
            var ending = process.ExitCode > 128 ? $"signal {process.ExitCode - 128}" : $"exit code {process.ExitCode}";
            // Children that it left behind are of its process group; they hold ports and pipes.
            Posix.Send(-process.Id, Signal.Kill);
            await Task.WhenAny(Task.WhenAll(output, errors), Task.Delay(500));
            Identity = null;
            tell(this, "");
            return ending;
        }
    }

    async Task EndAsync()
    {
        if (Identity is not { } identity)
            return;
        identity.Send(spec.StopSignal);
        if (await identity.WaitForEndAsync(spec.StopTimeout))
            return;
        tell(this, $"{Name} did not end within {spec.StopTimeout.TotalSeconds:0} s and is killed");
        identity.Send(Signal.Kill);
        await identity.WaitForEndAsync(TimeSpan.FromSeconds(10));
    }

    async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            return await spec.IsReady(limit.Token);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    async Task PumpAsync(Stream output)
    {
        var buffer = new byte[8192];
        try
        {
            for (int read; (read = await output.ReadAsync(buffer)) > 0;)
                log.Write(buffer.AsSpan(0, read));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process is gone and its pipe with it.
        }
    }
}
