using System.Globalization;

namespace Allmende.Platform.Log;

/// <summary>
/// Name of a member of a group, made so that another process on the same machine can tell that it has died without waiting for its lease to run
/// out: boot id, PID namespace, process id and its start. A service that was killed and started again goes on at once.
/// </summary>
static class MemberId
{
    static readonly string? Here = Machine();

    /// <summary>A new name for this process.</summary>
    public static string New()
    {
        var unique = Guid.CreateVersion7().ToString("N");
        return Here is not null && StartOf(Environment.ProcessId) is { } start
            ? string.Create(CultureInfo.InvariantCulture, $"{Here}/{Environment.ProcessId}/{start}/{unique}")
            : unique;
    }

    /// <summary>True if the member's process was on this machine, in this PID namespace, and is gone; false where that cannot be known.</summary>
    public static bool IsDead(string member) =>
        member.Split('/') is [var machine, var pid, var start, _] && machine == Here && int.TryParse(pid, CultureInfo.InvariantCulture, out var id)
        && StartOf(id) != start;

    static string? Machine()
    {
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            var space = new FileInfo("/proc/self/ns/pid").LinkTarget;
            return space is null ? null : boot + "." + string.Concat(space.Where(char.IsAsciiDigit));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Clock ticks from boot to the process' start; null if there is no such process, or it is a zombie.</summary>
    static string? StartOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The command, in parentheses, may hold anything; the fields after it begin with the state (3) and have the start as 22nd.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
