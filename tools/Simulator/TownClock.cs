using System.Diagnostics;

namespace Allmende.Simulator;

/// <summary>The town's time: that of the real world, or one that starts in the past and runs faster until it has caught up.</summary>
/// <param name="start">Where a fast clock starts.</param>
/// <param name="speed">How many seconds of the town pass in one; 1 for the real time.</param>
sealed class TownClock(DateTime start, double speed)
{
    static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    readonly Stopwatch running = Stopwatch.StartNew();

    public DateTime Now
    {
        get
        {
            var real = DateTime.UtcNow;
            if (speed == 1)
                return real;
            var fast = start + running.Elapsed * speed;
            return fast < real ? fast : real;
        }
    }

    /// <summary>Waits until the town's time is <paramref name="time"/>.</summary>
    public async Task UntilAsync(DateTime time, CancellationToken stop)
    {
        while (time - Now is { Ticks: > 0 } left)
        {
            var wait = left / speed;
            // A laptop sleeps, a clock is set: look again now and then.
            await Task.Delay(wait > Glance ? Glance : wait, stop);
        }
    }
}
