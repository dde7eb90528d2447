using System.Globalization;
using System.Text.Json.Serialization;

namespace Allmende.Supervisor.Processes;

/// <summary>A process beyond doubt: ids are used again, but not together with the same start time.</summary>
/// <param name="Pid">The process id.</param>
/// <param name="StartTime">Its start, in clock ticks since boot (field 22 of <c>/proc/{pid}/stat</c>).</param>
public sealed record ProcessIdentity(int Pid, long StartTime)
{
    /// <summary>Who has this id now; null when nobody has.</summary>
    public static ProcessIdentity? Of(int pid) => Stat.Read(pid) is { } stat ? new ProcessIdentity(pid, stat.StartTime) : null;

    /// <summary>Whether it still runs; one that ended and was not yet waited for does not.</summary>
    [JsonIgnore]
    public bool IsAlive => Stat.Read(Pid) is { } stat && stat.StartTime == StartTime && stat.State is not ('Z' or 'X');

    /// <summary>Sends it a signal, if it still runs.</summary>
    public void Send(Signal signal)
    {
        if (IsAlive)
            Posix.Send(Pid, signal);
    }

    /// <summary>Waits until it ended; false when it did not in time.</summary>
    public async Task<bool> WaitForEndAsync(TimeSpan timeout)
    {
        var until = DateTime.UtcNow + timeout;
        while (IsAlive)
        {
            if (DateTime.UtcNow > until)
                return false;
            await Task.Delay(20);
        }
        return true;
    }

    public override string ToString() => Pid.ToString(CultureInfo.InvariantCulture);
}
