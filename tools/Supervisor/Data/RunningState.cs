using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor.Data;

/// <summary>What runs now, for whoever comes later: a second <c>up</c>, <c>down</c>, the bench. <c>{data}/supervisor.json</c>.</summary>
public sealed record RunningState
{
    const string FileName = "supervisor.json";

    public required ProcessIdentity Supervisor { get; init; }

    public required string Gateway { get; init; }

    /// <summary>Whether the start is complete.</summary>
    public bool Ready { get; init; }

    /// <summary>The supervised processes, by name, in the order of their start.</summary>
    public required IReadOnlyDictionary<string, Entry> Processes { get; init; }

    /// <summary>A supervised process and what asks it to end.</summary>
    public sealed record Entry(ProcessIdentity Process, Signal Stop);

    /// <summary>What the last supervisor left; null when there is none.</summary>
    public static RunningState? Of(string data) => PrivateFile.Read<RunningState>(Path.Combine(data, FileName));

    /// <summary>What each process of the installation uses.</summary>
    public IReadOnlyList<ProcessUsage> Usage() =>
        [.. from process in Processes where process.Value.Process.IsAlive select ProcessUsage.Of(process.Key, process.Value.Process.Pid)];

    internal void Write(string data) => PrivateFile.Write(Path.Combine(data, FileName), this);

    internal static void Remove(string data) => File.Delete(Path.Combine(data, FileName));

    /// <summary>Ends what a supervisor that was killed may have left, newest first.</summary>
    internal async Task EndStraysAsync()
    {
        foreach (var (process, stop) in Processes.Values.Reverse().Where(entry => entry.Process.IsAlive).ToList())
        {
            process.Send(stop);
            if (await process.WaitForEndAsync(TimeSpan.FromSeconds(15)))
                continue;
            process.Send(Signal.Kill);
            await process.WaitForEndAsync(TimeSpan.FromSeconds(5));
        }
    }
}
