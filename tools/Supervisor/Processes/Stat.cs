using System.Globalization;

namespace Allmende.Supervisor.Processes;

/// <summary>What <c>/proc/{pid}/stat</c> says (proc(5)).</summary>
readonly record struct Stat(int Pid, char State, int Parent, TimeSpan Cpu, long StartTime)
{
    /// <summary>Linux counts in hundredths of a second here (USER_HZ), on every architecture that .NET runs on.</summary>
    const int TicksPerSecond = 100;

    public static Stat? Read(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        // The name stands in parentheses and may contain spaces and parentheses.
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        long Number(int field) => long.Parse(fields[field - 3], CultureInfo.InvariantCulture);
        // utime + stime, and cutime + cstime: those of children that ended, such as PostgreSQL's backends.
        var ticks = Number(14) + Number(15) + Number(16) + Number(17);
        return new Stat(pid, fields[0][0], (int)Number(4), TimeSpan.FromSeconds((double)ticks / TicksPerSecond), Number(22));
    }

    /// <summary>All processes of this machine that can be seen.</summary>
    public static IEnumerable<Stat> All() =>
        from directory in Directory.EnumerateDirectories("/proc")
        let name = Path.GetFileName(directory)
        where char.IsAsciiDigit(name[0])
        let stat = Read(int.Parse(name, CultureInfo.InvariantCulture))
        where stat is not null
        select stat.Value;
}
