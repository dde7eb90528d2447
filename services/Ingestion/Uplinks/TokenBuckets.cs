using System.Collections.Concurrent;
using System.Diagnostics;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// A token bucket for each of those whom a limit concerns. A bucket is one number, the moment at which it is full again; who rests has none, so that their number is
/// bounded by those who have just sent.
/// </summary>
/// <param name="rateOf">How much each may.</param>
sealed class TokenBuckets<TKey>(Func<TKey, RateOptions> rateOf) : IDisposable where TKey : notnull
{
    static readonly TimeSpan SweptEvery = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<TKey, Bucket> buckets = new();
    Timer? sweep;

    /// <summary>Takes a token, also one that is not there yet but will be within <paramref name="credit"/>.</summary>
    /// <param name="who">Whose.</param>
    /// <param name="credit">How far ahead may be lived.</param>
    /// <param name="wait">If it was taken, when it is really there; else when there will be one without credit.</param>
    public bool TryTake(TKey who, TimeSpan credit, out TimeSpan wait)
    {
        var taken = Of(who).TryTake(Stopwatch.GetTimestamp(), Ticks(credit), out var ticks);
        wait = Stopwatch.GetElapsedTime(0, ticks);
        return taken;
    }

    /// <summary>When there will be a token; zero if there is one.</summary>
    public TimeSpan WaitOf(TKey who) => buckets.TryGetValue(who, out var bucket) ? Stopwatch.GetElapsedTime(0, bucket.WaitAt(Stopwatch.GetTimestamp())) : TimeSpan.Zero;

    /// <summary>Gives a token back that was of no use.</summary>
    public void GiveBack(TKey who)
    {
        if (buckets.TryGetValue(who, out var bucket)) bucket.GiveBack();
    }

    Bucket Of(TKey who)
    {
        if (buckets.TryGetValue(who, out var bucket)) return bucket;
        if (sweep is null) Interlocked.CompareExchange(ref sweep, new Timer(_ => Sweep(), null, SweptEvery, SweptEvery), null);
        return buckets.GetOrAdd(who, static (who, rateOf) => new Bucket(rateOf(who)), rateOf);
    }

    /// <summary>A full bucket is as good as none; who takes from it at this very moment has one token more.</summary>
    void Sweep()
    {
        var now = Stopwatch.GetTimestamp();
        foreach (var (who, bucket) in buckets)
            if (bucket.IsFullAt(now)) buckets.TryRemove(KeyValuePair.Create(who, bucket));
    }

    static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    public void Dispose() => sweep?.Dispose();

    sealed class Bucket(RateOptions rate)
    {
        readonly long interval = Math.Max(1, Stopwatch.Frequency / rate.PerSecond);
        readonly long depth = Math.Max(1, Stopwatch.Frequency / rate.PerSecond) * (rate.Burst - 1);
        long fullAt;

        public bool IsFullAt(long now) => Volatile.Read(ref fullAt) <= now;

        public long WaitAt(long now) => Math.Max(0, Volatile.Read(ref fullAt) - now - depth);

        public bool TryTake(long now, long credit, out long wait)
        {
            while (true)
            {
                var before = Volatile.Read(ref fullAt);
                var from = Math.Max(before, now);
                wait = Math.Max(0, from - now - depth);
                if (wait > credit) return false;
                if (Interlocked.CompareExchange(ref fullAt, from + interval, before) == before) return true;
            }
        }

        public void GiveBack() => Interlocked.Add(ref fullAt, -interval);
    }
}
