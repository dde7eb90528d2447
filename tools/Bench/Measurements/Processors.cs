using System.Diagnostics;
using Allmende.Supervisor;

namespace Allmende.Bench.Measurements;

/// <summary>Processor time of each process over a stretch of time, from /proc; the load generator's own among them.</summary>
sealed class Processors
{
    readonly Installation installation;
    readonly Dictionary<string, TimeSpan> before;
    readonly Stopwatch clock = Stopwatch.StartNew();

    public Processors(Installation installation)
    {
        this.installation = installation;
        before = Read();
    }

    /// <summary>Share of one processor that each process took since this began, the busiest first.</summary>
    public IReadOnlyList<(string Process, double Share)> Shares()
    {
        var seconds = clock.Elapsed.TotalSeconds;
        return [.. Read().Select(now => (now.Key, (now.Value - before.GetValueOrDefault(now.Key)).TotalSeconds / seconds))
            .Where(share => share.Item2 >= 0.005).OrderByDescending(share => share.Item2)];
    }

    Dictionary<string, TimeSpan> Read()
    {
        var used = installation.Usage().ToDictionary(process => process.Name, process => process.Cpu);
        used["load generator"] = Environment.CpuUsage.TotalTime;
        return used;
    }
}
