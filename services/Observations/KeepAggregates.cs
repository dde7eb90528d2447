using System.Collections.Concurrent;
using System.Diagnostics;
using Allmende.Observations.Store.Aggregates;
using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>
/// Computes the aggregates of what was written, within some seconds. For all municipalities together it takes at most a twentieth of a processor's time, and never
/// much at once: under load it falls behind rather than slow the writers and those who wait for an acknowledgement; who reads meanwhile computes what is behind himself.
/// </summary>
public sealed partial class KeepAggregates(AggregateStore aggregates, Municipalities municipalities, ILogger<KeepAggregates> logger) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    /// <summary>Between two turns of a municipality: an hour that is written into all the time is computed anew each time.</summary>
    static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(5), LongestRest = TimeSpan.FromMinutes(2);
    /// <summary>What one transaction should take: it has a processor for itself meanwhile.</summary>
    static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(50);
    /// <summary>How often is looked for what another instance left; who reads meanwhile computes it himself.</summary>
    static readonly TimeSpan RemindEvery = TimeSpan.FromMinutes(2);
    const int WorkShare = 20, FirstDatastreams = 32;

    readonly ConcurrentDictionary<string, bool> touched = new(StringComparer.Ordinal);

    /// <summary>Something was written.</summary>
    public void Touched(string municipality) => touched.TryAdd(municipality, true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rest = new Dictionary<string, long>(StringComparer.Ordinal);
        var datastreams = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var remindAt = 0L;
        using var timer = new PeriodicTimer(Pause);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (Environment.TickCount64 >= remindAt)
                {
                    remindAt = Environment.TickCount64 + (long)RemindEvery.TotalMilliseconds;
                    foreach (var municipality in municipalities.All) Touched(municipality.Id);
                }
                var due = touched.Keys.Where(municipality => rest.GetValueOrDefault(municipality) <= Environment.TickCount64).ToList();
                // Two at once: one municipality's slow database does not hold up all others.
                var took = new ConcurrentDictionary<string, (TimeSpan Time, bool More)>(StringComparer.Ordinal);
                await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = stoppingToken },
                    async (municipality, cancellation) => took[municipality] = await WorkAsync(municipality, datastreams, cancellation));
                var (working, now) = (Math.Max(touched.Count, due.Count), Environment.TickCount64);
                foreach (var (municipality, (time, more)) in took) rest[municipality] = now + (long)RestOf(time, more, working).TotalMilliseconds;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; the marks are in the database.
        }
    }

    /// <summary>How long a municipality rests after a turn.</summary>
    /// <param name="took">What the turn took.</param>
    /// <param name="more">Whether it left some.</param>
    /// <param name="municipalities">How many share the time.</param>
    internal static TimeSpan RestOf(TimeSpan took, bool more, int municipalities)
    {
        var rest = took * WorkShare * municipalities;
        if (!more && rest < ShortestRest) return ShortestRest;
        return rest < LongestRest ? rest : LongestRest;
    }

    /// <summary>How many Datastreams the next turn should have.</summary>
    /// <param name="datastreams">How many the last one might have had.</param>
    /// <param name="took">What it took.</param>
    /// <param name="wasFull">Whether it had so many.</param>
    internal static int NextOf(int datastreams, TimeSpan took, bool wasFull)
    {
        if (took > Turn) return Math.Max(datastreams / 2, 1);
        return wasFull && took < Turn / 2 ? Math.Min(datastreams * 2, AggregateStore.MostDatastreams) : datastreams;
    }

    async Task<(TimeSpan Time, bool More)> WorkAsync(string municipality, ConcurrentDictionary<string, int> datastreams, CancellationToken cancellation)
    {
        var most = datastreams.GetValueOrDefault(municipality, FirstDatastreams);
        var started = Stopwatch.GetTimestamp();
        // Before reading: what is committed from here on asks again.
        touched.TryRemove(municipality, out _);
        try
        {
            var done = await aggregates.RecomputeAsync(municipality, cancellation, most);
            var (time, isFull) = (Stopwatch.GetElapsedTime(started), done.Datastreams == most);
            datastreams[municipality] = NextOf(most, time, isFull);
            var more = isFull || done.Marks == AggregateStore.MostMarks;
            if (more) Touched(municipality);
            return (time, more);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
            Touched(municipality);
            return (TimeSpan.FromSeconds(1), false);
        }
    }

    [LoggerMessage(420, LogLevel.Warning, "{Municipality}: aggregates could not be computed; it is tried again")]
    partial void LogFailed(string municipality, Exception fault);
}
