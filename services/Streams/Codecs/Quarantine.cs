using System.Collections.Concurrent;

namespace Allmende.Streams.Codecs;

/// <summary>
/// Codecs whose calls had to be killed again and again get no more for a while, and longer each time: every kill costs a thread, and the
/// time of everybody behind it. It counts for each municipality alone, also where the codec is the library's. A changed text starts with a clean slate.
/// </summary>
sealed partial class Quarantine(CodecOptions options, TimeProvider clock, ILogger<Quarantine> logger)
{
    static readonly TimeSpan StrikesCount = TimeSpan.FromMinutes(1);
    static readonly TimeSpan ForgivenAfter = TimeSpan.FromHours(1);
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);
    readonly ConcurrentDictionary<(string Municipality, string Codec), Record> records = new();

    sealed class Record
    {
        public readonly Queue<DateTimeOffset> Strikes = new();
        public int Times;
        public DateTimeOffset Until;
    }

    /// <summary>Until when the codec is given no calls; null if it is.</summary>
    public DateTimeOffset? Until(string municipality, Codec codec)
    {
        if (!records.TryGetValue((municipality, codec.Key), out var record)) return null;
        lock (record)
        {
            var now = clock.GetUtcNow();
            if (record.Until > now) return record.Until;
            if (record.Times > 0 && now - record.Until > ForgivenAfter) records.TryRemove((municipality, codec.Key), out _);
            return null;
        }
    }

    /// <summary>One of its calls was killed.</summary>
    public void Strike(string municipality, Codec codec)
    {
        var record = records.GetOrAdd((municipality, codec.Key), _ => new Record());
        lock (record)
        {
            var now = clock.GetUtcNow();
            while (record.Strikes.TryPeek(out var oldest) && now - oldest > StrikesCount) record.Strikes.Dequeue();
            record.Strikes.Enqueue(now);
            if (record.Strikes.Count < options.StrikesToQuarantine) return;
            var length = options.FirstQuarantine * Math.Pow(2, Math.Min(record.Times++, 10));
            record.Until = now + (length < Longest ? length : Longest);
            record.Strikes.Clear();
            Telemetry.Quarantines.Add(1);
            LogQuarantined(codec.Id, municipality, record.Until);
        }
    }

    [LoggerMessage(3001, LogLevel.Warning, "codec {Codec} of {Municipality} was killed repeatedly and is in quarantine until {Until}")]
    partial void LogQuarantined(string codec, string municipality, DateTimeOffset until);
}
