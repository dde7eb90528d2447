using System.Diagnostics;

namespace Allmende.Supervisor.Processes;

/// <summary>What to run and how one sees that it is ready.</summary>
public sealed record ProcessSpec
{
    /// <summary>The short name, also of the log file.</summary>
    public required string Name { get; init; }

    public required string File { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Added to the supervisor's own environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string? WorkingDirectory { get; init; }

    /// <summary>The account to run as when the supervisor is root.</summary>
    public string? User { get; init; }

    /// <summary>What asks the process to end in good order.</summary>
    public Signal StopSignal { get; init; } = Signal.Terminate;

    /// <summary>How long it may take to end in good order before it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>True when the process answers; exceptions count as false.</summary>
    public required Func<CancellationToken, Task<bool>> IsReady { get; init; }

    /// <summary>How long the process may take until it is ready.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// The command with its wrappers: a session of its own, so that the terminal's Ctrl-C reaches the supervisor alone and children end in order;
    /// a parent-death signal, so that nothing is left when the supervisor is killed; another user where asked for. Each wrapper replaces
    /// itself, so the process id is the program's own.
    /// </summary>
    internal ProcessStartInfo ToStartInfo()
    {
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = WorkingDirectory ?? "",
        };
        start.ArgumentList.Add("setpriv");
        start.ArgumentList.Add("--pdeathsig");
        start.ArgumentList.Add(StopSignal == Signal.Interrupt ? "INT" : "TERM");
        foreach (var argument in Account.Switch(User, WorkingDirectory))
            start.ArgumentList.Add(argument);
        start.ArgumentList.Add("--");
        start.ArgumentList.Add(File);
        foreach (var argument in Arguments)
            start.ArgumentList.Add(argument);
        foreach (var (key, value) in Environment)
            start.Environment[key] = value;
        return start;
    }
}
