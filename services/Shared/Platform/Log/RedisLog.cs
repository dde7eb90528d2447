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
    /// <summary>What to wait for Redis where nobody else sets a limit.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    readonly RedisLogTopics topics = new(redis, options);

    /// <inheritdoc/>
    public async Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (payload.Length > ILog.MaxPayload) throw new ArgumentException($"{payload.Length} bytes are more than a record takes", nameof(payload));
        try
        {
            return await SendAsync(municipality, topic, key, payload).WaitAsync(options.AppendTimeout, cancellation);
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: not confirmed by Redis", fault);
        }
    }

    async Task<LogPosition> SendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload)
    {
        var partition = Partitioner.Of(key, await topics.PartitionsAsync(municipality, topic));
        var stream = RedisLogTopics.StreamOf(municipality, topic, partition);
        object[] arguments = Activity.Current?.Id is { } trace
            ? [stream, "*", "k", key, "v", Bytes(payload), "t", trace]
            : [stream, "*", "k", key, "v", Bytes(payload)];
        return ParsePosition(partition, (string)(await redis.Commands.ExecuteAsync("XADD", arguments))!);
    }

    /// <inheritdoc/>
    public async Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation)
    {
        using var member = new RedisLogMember(redis, topics, options, topic, group, handler, logger);
        await member.RunAsync(cancellation);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogBatch> TailAsync(
        string municipality, string topic, IReadOnlyList<LogPosition> from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reader = new RedisBlockingReader(redis, options);
        Dictionary<string, string>? positions = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            List<(string Stream, List<LogRecord> Records)> read;
            try
            {
                positions ??= await StartAsync(municipality, topic, from).WaitAsync(Limit, cancellation);
                read = await reader.ReadAsync(positions.Select(pair => (pair.Key, pair.Value)).ToList(), TimeSpan.FromMilliseconds(500), cancellation);
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogTailFailed(topic, municipality, fault.Message);
                await Task.Delay(250, cancellation);
                continue;
            }
            foreach (var (stream, records) in read)
            {
                positions[stream] = Format(records[^1].Position);
                yield return new LogBatch(municipality, topic, records[0].Position.Partition, records);
            }
        }
    }

    /// <summary>The ids to read after, by stream.</summary>
    async Task<Dictionary<string, string>> StartAsync(string municipality, string topic, IReadOnlyList<LogPosition> from)
    {
        var positions = new Dictionary<string, string>(StringComparer.Ordinal);
        var partitions = await topics.PartitionsAsync(municipality, topic);
        for (var partition = 0; partition < partitions; partition++)
        {
            var stream = RedisLogTopics.StreamOf(municipality, topic, partition);
            positions[stream] = from.Where(position => position.Partition == partition).Select(Format).FirstOrDefault() ?? await LastIdAsync(stream);
        }
        return positions;
    }

    async Task<string> LastIdAsync(string stream)
    {
        var last = (RedisResult[]?)await redis.Commands.ExecuteAsync("XREVRANGE", stream, "+", "-", "COUNT", "1");
        return last is { Length: > 0 } ? (string)((RedisResult[])last[0]!)[0]! : Format(LogPosition.BeforeFirst(0));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogPosition>> EndAsync(string municipality, string topic, CancellationToken cancellation)
    {
        try
        {
            var ends = await StartAsync(municipality, topic, []).WaitAsync(options.AppendTimeout, cancellation);
            // Where all was removed, the last record is the last one removed.
            var removed = await KeptAfterAsync(municipality, topic, cancellation);
            return ends.Values.Select((id, partition) => ParsePosition(partition, id)).Select((end, partition) => end < removed[partition] ? removed[partition] : end).ToList();
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Redis does not tell where it ends", fault);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogPosition>> KeptAfterAsync(string municipality, string topic, CancellationToken cancellation)
    {
        try
        {
            return await AskAsync().WaitAsync(options.AppendTimeout, cancellation);
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Redis does not tell what it keeps", fault);
        }

        async Task<IReadOnlyList<LogPosition>> AskAsync()
        {
            var partitions = await topics.PartitionsIfAnyAsync(municipality, topic);
            var streams = Enumerable.Range(0, partitions).Select(partition => (RedisValue)RedisLogTopics.StreamOf(municipality, topic, partition)).ToArray();
            var last = await redis.Commands.HashGetAsync(RemovedKey, streams);
            return last.Select((id, partition) => id.IsNull ? LogPosition.BeforeFirst(partition) : ParsePosition(partition, (string)id!)).ToList();
        }
    }

    /// <summary>Hash of the last record of each stream that was removed.</summary>
    const string RemovedKey = "log:removed";

    // Redis does not tell what it has removed; so that is written down in the same step, for those who come back with an older place. Before the first
    // record lies nothing, and Redis refuses to look there.
    const string TrimScript = """
        if ARGV[1] == '0-0' then return 0 end
        local last = redis.call('XREVRANGE', KEYS[1], '(' .. ARGV[1], '-', 'COUNT', 1)[1]
        if not last then return 0 end
        redis.call('HSET', KEYS[2], KEYS[1], last[1])
        return redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
        """;

    /// <summary>Removes what lies before <paramref name="until"/>.</summary>
    internal static Task TrimAsync(IDatabase database, string stream, LogPosition until) =>
        database.ExecuteAsync("EVAL", TrimScript, 2, stream, RemovedKey, Format(until));

    /// <inheritdoc/>
    public async Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation)
    {
        try
        {
            return await SumAsync().WaitAsync(options.AppendTimeout, cancellation);
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Redis does not tell how far {group} is", fault);
        }

        async Task<long> SumAsync()
        {
            var partitions = await topics.PartitionsIfAnyAsync(municipality, topic);
            var streams = Enumerable.Range(0, partitions).Select(partition => RedisLogTopics.StreamOf(municipality, topic, partition));
            return (await Task.WhenAll(streams.Select(stream => LagAsync(stream, group)))).Sum();
        }
    }

    async Task<long> LagAsync(string stream, string group) =>
        (await GroupsAsync(redis.Commands, stream)).TryGetValue(group, out var state) && state.Lag is { } lag
            ? lag
            : (long)await redis.Commands.ExecuteAsync("XLEN", stream);

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

    /// <param name="LastDone">Id of the last record that the group has done.</param>
    /// <param name="EntriesRead">How many it has done since the stream's beginning.</param>
    /// <param name="Lag">How many it has not; null where Redis cannot tell.</param>
    internal sealed record GroupState(string LastDone, long? EntriesRead, long? Lag);

    internal static string Format(LogPosition position) =>
        position.Major < 0 ? "0-0" : string.Create(CultureInfo.InvariantCulture, $"{position.Major}-{position.Minor}");

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

    [LoggerMessage(116, LogLevel.Warning, "{Topic} of {Municipality} cannot be followed for now: {Reason}")]
    partial void LogTailFailed(string topic, string municipality, string reason);
}
