using System.Globalization;

namespace Allmende.Supervisor.Processes;

/// <summary>What a process and its children use.</summary>
/// <param name="Name">The process's short name.</param>
/// <param name="Pid">Its id.</param>
/// <param name="PssBytes">Memory with shared pages counted in proportion (PSS): sums over processes are honest.</param>
/// <param name="RssBytes">Memory with shared pages counted in full (RSS).</param>
/// <param name="Cpu">Time on the processors since its start.</param>
public sealed record ProcessUsage(string Name, int Pid, long PssBytes, long RssBytes, TimeSpan Cpu)
{
    /// <summary>Measures a process with all its descendants.</summary>
    public static ProcessUsage Of(string name, int pid)
    {
        var children = Stat.All().ToLookup(stat => stat.Parent);
        var (pss, rss, cpu) = (0L, 0L, TimeSpan.Zero);
        var open = new Stack<int>([pid]);
        while (open.TryPop(out var next))
        {
            var (p, r) = Memory(next);
            pss += p;
            rss += r;
            cpu += Stat.Read(next)?.Cpu ?? TimeSpan.Zero;
            foreach (var child in children[next])
                open.Push(child.Pid);
        }
        return new ProcessUsage(name, pid, pss, rss, cpu);
    }

    static (long Pss, long Rss) Memory(int pid)
    {
        try
        {
            var lines = File.ReadLines($"/proc/{pid}/smaps_rollup").ToList();
            return (Bytes(lines, "Pss:"), Bytes(lines, "Rss:"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or belongs to another user.
            return (0, 0);
        }
    }

    static long Bytes(IEnumerable<string> lines, string key) =>
        lines.Where(line => line.StartsWith(key, StringComparison.Ordinal))
            .Select(line => long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024)
            .FirstOrDefault();
}
