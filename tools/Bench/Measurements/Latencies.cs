using System.Diagnostics;

namespace Allmende.Bench.Measurements;

/// <summary>Counts of durations in steps of at most 2 %, from 1 µs to minutes, without allocation. One per thread of load; added up at the end.</summary>
sealed class Latencies
{
    const int StepsPerDoubling = 36;
    readonly long[] counts = new long[StepsPerDoubling * 28];

    public long Count { get; private set; }

    /// <summary>Notes the time since a <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public void AddSince(long timestamp) => Add(Stopwatch.GetElapsedTime(timestamp));

    public void Add(TimeSpan duration)
    {
        var micros = Math.Max(1, duration.TotalMicroseconds);
        counts[Math.Min(counts.Length - 1, (int)(Math.Log2(micros) * StepsPerDoubling))]++;
        Count++;
    }

    public void Add(Latencies other)
    {
        for (var i = 0; i < counts.Length; i++)
            counts[i] += other.counts[i];
        Count += other.Count;
    }

    /// <summary>The duration in milliseconds that a <paramref name="share"/> of all stays under.</summary>
    public double Percentile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        var seen = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= rank && seen > 0)
                return Math.Pow(2, (i + 0.5) / StepsPerDoubling) / 1000;
        }
        return double.NaN;
    }
}
