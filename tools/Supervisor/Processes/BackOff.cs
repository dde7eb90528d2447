namespace Allmende.Supervisor.Processes;

/// <summary>How long to wait before a process that died is started again: doubling from one death to the next, from the start again after it ran well.</summary>
public sealed class BackOff
{
    static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Who ran that long ran well.</summary>
    static readonly TimeSpan RanWell = TimeSpan.FromSeconds(30);

    TimeSpan next = First;

    /// <summary>The time to wait after a process ran for <paramref name="uptime"/> and died.</summary>
    public TimeSpan After(TimeSpan uptime)
    {
        if (uptime >= RanWell)
            next = First;
        var wait = next;
        next = wait * 2 < Longest ? wait * 2 : Longest;
        return wait;
    }
}
