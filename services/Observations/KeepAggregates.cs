using System.Collections.Concurrent;
using System.Diagnostics;
using Allmende.Observations.Store.Aggregates;
using Allmende.Platform;

namespace Allmende.Observations;

/// <summary>
/// Computes the aggregates of what was written, within about a second. It takes at most a twentieth of the time: under load it falls behind rather than slow the
/// writers; who reads meanwhile computes what is behind himself.
/// </summary>
public sealed partial class KeepAggregates(AggregateStore aggregates, Municipalities municipalities, ILogger<KeepAggregates> logger) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    /// <summary>How often is looked for what another instance left; who reads meanwhile computes it himself.</summary>
    static readonly TimeSpan RemindEvery = TimeSpan.FromMinutes(2);
    const int WorkShare = 20;

    readonly ConcurrentDictionary<string, bool> touched = new(StringComparer.Ordinal);

    /// <summary>Something was written.</summary>
    public void Touched(string municipality) => touched.TryAdd(municipality, true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rest = new Dictionary<string, long>(StringComparer.Ordinal);
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
                // Several at once: one municipality's slow database holds up few others.
                var took = new ConcurrentDictionary<string, TimeSpan>(StringComparer.Ordinal);
                await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken },
                    async (municipality, cancellation) => took[municipality] = await WorkAsync(municipality, cancellation));
                foreach (var (municipality, time) in took)
                    rest[municipality] = Environment.TickCount64 + (long)Math.Min(time.TotalMilliseconds * WorkShare, LongestPause.TotalMilliseconds);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; the marks are in the database.
        }
    }

    async Task<TimeSpan> WorkAsync(string municipality, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        // Before reading: what is committed from here on asks again.
        touched.TryRemove(municipality, out _);
        try
        {
            if (await aggregates.RecomputeAsync(municipality, cancellation) == AggregateStore.MostMarks) Touched(municipality);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
            Touched(municipality);
            return TimeSpan.FromSeconds(1);
        }
        return Stopwatch.GetElapsedTime(started);
    }

    [LoggerMessage(420, LogLevel.Warning, "{Municipality}: aggregates could not be computed; it is tried again")]
    partial void LogFailed(string municipality, Exception fault);
}
