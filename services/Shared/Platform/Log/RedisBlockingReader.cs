using System.Globalization;
using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>XREAD with BLOCK, on a connection of its own, since it holds up all that comes after it.</summary>
sealed class RedisBlockingReader(RedisConnection redis, LogOptions options) : IDisposable
{
    readonly ConnectionMultiplexer connection = redis.OpenBlocking();

    // XREAD bounds the number of records only; from what came lately follows how many make up a batch's bytes.
    double recordBytes = 64 * 1024;

    /// <summary>Reads what comes after the given ids, waiting up to <paramref name="wait"/>, a millisecond at least, for the first record.</summary>
    public async Task<List<(string Stream, List<LogRecord> Records)>> ReadAsync(
        IReadOnlyList<(string Stream, string After)> streams, TimeSpan wait, CancellationToken cancellation)
    {
        var arguments = new object[5 + 2 * streams.Count];
        arguments[0] = "COUNT";
        arguments[1] = Math.Clamp((int)(options.BatchBytes / recordBytes), 1, options.BatchSize);
        arguments[2] = "BLOCK";
        arguments[3] = (int)wait.TotalMilliseconds;
        arguments[4] = "STREAMS";
        for (var i = 0; i < streams.Count; i++)
        {
            arguments[5 + i] = streams[i].Stream;
            arguments[5 + streams.Count + i] = streams[i].After;
        }
        var answer = await connection.GetDatabase().ExecuteAsync("XREAD", arguments).WaitAsync(wait + TimeSpan.FromSeconds(5), cancellation);
        var read = new List<(string, List<LogRecord>)>();
        if (answer.IsNull) return read;
        foreach (var stream in (RedisResult[])answer!)
        {
            var parts = (RedisResult[])stream!;
            var name = (string)parts[0]!;
            var partition = int.Parse(name.AsSpan(name.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);
            var entries = (RedisResult[])parts[1]!;
            var records = new List<LogRecord>(entries.Length);
            foreach (var entry in entries) records.Add(Parse(partition, (RedisResult[])entry!));
            if (records.Count == 0) continue;
            read.Add((name, records));
            recordBytes = Math.Max(1, Math.Max(recordBytes * 0.5, records.Average(record => (double)record.Payload.Length)));
        }
        return read;
    }

    static LogRecord Parse(int partition, RedisResult[] entry)
    {
        var fields = (RedisResult[])entry[1]!;
        string key = "";
        byte[] payload = [];
        string? trace = null;
        for (var i = 0; i + 1 < fields.Length; i += 2)
        {
            switch ((string)fields[i]!)
            {
                case "k": key = (string)fields[i + 1]!; break;
                case "v": payload = (byte[])fields[i + 1]!; break;
                case "t": trace = (string)fields[i + 1]!; break;
            }
        }
        return new LogRecord(RedisLog.ParsePosition(partition, (string)entry[0]!), key, payload, trace);
    }

    public void Dispose() => RedisConnection.CloseSoon(connection);
}
