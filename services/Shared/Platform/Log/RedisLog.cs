using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>
/// The log on Redis Streams. A partition is a stream <c>log:{municipality}:{topic}:{partition}</c>; durable because Redis runs with
/// <c>appendfsync always</c>. A group's place is the last-delivered-id of the stream's consumer group, moved on with XGROUP SETID once a batch is
/// done: one small write a batch where XREADGROUP and XACK make two for every record, and <c>XINFO GROUPS</c> shows the lag all the same.
/// </summary>
public sealed partial class RedisLog(RedisConnection redis, LogOptions options, ILogger<RedisLog> logger) : ILog
{
    const string TopicsKey = "log:topics";
    readonly HashSet<string> knownTopics = new(StringComparer.Ordinal);

    internal static string StreamOf(string municipality, string topic, int partition) =>
        string.Create(CultureInfo.InvariantCulture, $"log:{municipality}:{topic}:{partition}");

    /// <inheritdoc/>
    public async Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        var partition = Partitioner.Of(key, options.Partitions);
        try
        {
            await AnnounceAsync(municipality, topic).WaitAsync(options.AppendTimeout, cancellation);
            var arguments = Activity.Current?.Id is { } trace
                ? new object[] { StreamOf(municipality, topic, partition), "*", "k", key, "v", Bytes(payload), "t", trace }
                : [StreamOf(municipality, topic, partition), "*", "k", key, "v", Bytes(payload)];
            var id = await redis.Commands.ExecuteAsync("XADD", arguments).WaitAsync(options.AppendTimeout, cancellation);
            return ParsePosition(partition, (string)id!);
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: not confirmed by Redis", fault);
        }
    }

    /// <summary>Consumers find the topics of municipalities in one set.</summary>
    async Task AnnounceAsync(string municipality, string topic)
    {
        var name = municipality + "/" + topic;
        lock (knownTopics) if (knownTopics.Contains(name)) return;
        await redis.Commands.SetAddAsync(TopicsKey, name);
        lock (knownTopics) knownTopics.Add(name);
    }

    /// <inheritdoc/>
    public async Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation)
    {
        await using var member = new RedisLogMember(redis, this, options, topic, group, handler, logger);
        await member.RunAsync(cancellation);
    }

    /// <summary>The municipalities that have the topic.</summary>
    internal async Task<List<string>> MunicipalitiesAsync(string topic)
    {
        var names = await redis.Commands.SetMembersAsync(TopicsKey);
        var suffix = "/" + topic;
        return names.Select(name => (string)name!).Where(name => name.EndsWith(suffix, StringComparison.Ordinal))
            .Select(name => name[..^suffix.Length]).Order(StringComparer.Ordinal).ToList();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogBatch> TailAsync(
        string municipality, string topic, IReadOnlyList<LogPosition> from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = new BlockingReader(redis);
        var positions = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var partition = 0; partition < options.Partitions; partition++)
        {
            var stream = StreamOf(municipality, topic, partition);
            var known = from.FirstOrDefault(position => position.Partition == partition);
            positions[stream] = known.Major > 0 ? Format(known) : await LastIdAsync(stream);
        }
        while (!cancellation.IsCancellationRequested)
        {
            var read = await reader.ReadAsync(positions.Select(pair => (pair.Key, pair.Value)).ToList(), options.BatchSize, TimeSpan.FromMilliseconds(500), cancellation);
            foreach (var (stream, records) in read)
            {
                positions[stream] = Format(records[^1].Position);
                yield return new LogBatch(municipality, topic, records[0].Position.Partition, records);
            }
        }
    }

    async Task<string> LastIdAsync(string stream)
    {
        var last = (RedisResult[]?)await redis.Commands.ExecuteAsync("XREVRANGE", stream, "+", "-", "COUNT", "1");
        return last is { Length: > 0 } ? (string)((RedisResult[])last[0]!)[0]! : "0-0";
    }

    /// <inheritdoc/>
    public async Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation)
    {
        long lag = 0;
        for (var partition = 0; partition < options.Partitions; partition++)
        {
            var stream = StreamOf(municipality, topic, partition);
            var info = await GroupsAsync(redis.Commands, stream).WaitAsync(options.AppendTimeout, cancellation);
            lag += info.TryGetValue(group, out var state) && state.Lag is { } known
                ? known
                : (long)await redis.Commands.ExecuteAsync("XLEN", stream).WaitAsync(options.AppendTimeout, cancellation);
        }
        return lag;
    }

    /// <inheritdoc/>
    public async Task PingAsync(CancellationToken cancellation) =>
        await redis.Commands.PingAsync().WaitAsync(TimeSpan.FromSeconds(2), cancellation);

    /// <summary>Where each group of a stream stands; empty if there is no such stream.</summary>
    internal static async Task<Dictionary<string, GroupState>> GroupsAsync(IDatabase database, string stream)
    {
        var groups = new Dictionary<string, GroupState>(StringComparer.Ordinal);
        try
        {
            foreach (var group in (RedisResult[])(await database.ExecuteAsync("XINFO", "GROUPS", stream))!)
            {
                var fields = (RedisResult[])group!;
                var byName = new Dictionary<string, RedisResult>(StringComparer.Ordinal);
                for (var i = 0; i + 1 < fields.Length; i += 2) byName[(string)fields[i]!] = fields[i + 1];
                groups[(string)byName["name"]!] = new GroupState(
                    (string)byName["last-delivered-id"]!,
                    byName["entries-read"].IsNull ? null : (long)byName["entries-read"],
                    byName["lag"].IsNull ? null : (long)byName["lag"]);
            }
        }
        catch (RedisServerException fault) when (fault.Message.Contains("no such key", StringComparison.OrdinalIgnoreCase))
        {
            // Nothing was ever appended: no group has anything to do.
        }
        return groups;
    }

    internal sealed record GroupState(string LastDone, long? EntriesRead, long? Lag);

    internal static string Format(LogPosition position) => string.Create(CultureInfo.InvariantCulture, $"{position.Major}-{position.Minor}");

    internal static LogPosition ParsePosition(int partition, string id)
    {
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return new LogPosition(partition, long.Parse(id.AsSpan(0, dash), CultureInfo.InvariantCulture), long.Parse(id.AsSpan(dash + 1), CultureInfo.InvariantCulture));
    }

    static byte[] Bytes(ReadOnlyMemory<byte> payload) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(payload, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : payload.ToArray();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>XREAD with BLOCK, on a connection of its own, since it holds up all that comes after it.</summary>
sealed class BlockingReader(RedisConnection redis) : IDisposable
{
    readonly ConnectionMultiplexer connection = redis.OpenBlocking();

    /// <summary>Reads what comes after the given ids, waiting up to <paramref name="wait"/> for the first record.</summary>
    public async Task<List<(string Stream, List<LogRecord> Records)>> ReadAsync(
        IReadOnlyList<(string Stream, string After)> streams, int count, TimeSpan wait, CancellationToken cancellation)
    {
        var arguments = new object[5 + 2 * streams.Count];
        arguments[0] = "COUNT";
        arguments[1] = count;
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
            if (records.Count > 0) read.Add((name, records));
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

    public void Dispose() => connection.Close(allowCommandsToComplete: false);
}
