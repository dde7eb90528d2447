using System.Collections.Concurrent;
using System.Diagnostics;

namespace Allmende.Supervisor.Processes;

/// <summary>
/// Starts all children from one thread that lives as long as the program. The kernel sends a child's parent-death signal when the
/// <em>thread</em> that forked it ends; from a thread of the pool, which retires when idle, a healthy child would be ended by chance.
/// </summary>
static class Spawner
{
    static readonly BlockingCollection<Action> Work = [];

    static Spawner() => new Thread(Run) { IsBackground = true, Name = "spawner" }.Start();

    public static Task<Process> StartAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start."));
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    static void Run()
    {
        foreach (var work in Work.GetConsumingEnumerable())
            work();
    }
}
