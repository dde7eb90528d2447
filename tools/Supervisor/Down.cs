using Allmende.Supervisor.Data;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary><c>down</c>: ends what <c>up</c> started, also what a killed supervisor left.</summary>
static class Down
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task<int> RunAsync(string data, bool wipe)
    {
        if (!Directory.Exists(data))
        {
            Console.WriteLine($"Nothing runs in {data}; there is no such directory.");
            return 0;
        }
        var running = RunningState.Of(data);
        if (running is { Supervisor.IsAlive: true })
        {
            running.Supervisor.Send(Signal.Terminate);
            if (!await running.Supervisor.WaitForEndAsync(Patience))
                throw new InstallationException($"The supervisor (process {running.Supervisor}) does not end; its log is {Path.Combine(data, "logs")}.");
        }
        using var directory = DataDirectory.Take(data) ?? throw new InstallationException($"Another supervisor has just started in {data}.");
        if (RunningState.Of(data) is { } left)
        {
            await left.EndStraysAsync();
            RunningState.Remove(data);
        }
        Console.WriteLine(running is null ? "Nothing was running." : "Stopped.");
        if (wipe)
        {
            directory.Wipe();
            Console.WriteLine($"Removed the data in {Path.GetFullPath(data)}.");
        }
        return 0;
    }
}
