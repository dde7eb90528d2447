namespace Allmende.Platform.Log;

/// <summary>
/// The durable, partitioned log between the services. One contract, two implementations: <see cref="RedisLog"/> on one machine,
/// Kafka on a cluster; the same contract tests run on both.
/// </summary>
public interface ILog : IAsyncDisposable
{
    /// <summary>Appends one record. Completes when it is durable: fsynced (Redis) or acknowledged by all in-sync replicas (Kafka).</summary>
    /// <param name="municipality">Whose topic.</param>
    /// <param name="topic">One of <see cref="Contracts.Topics"/>.</param>
    /// <param name="key">Records with the same key keep their order.</param>
    /// <param name="payload">At most 1 MiB.</param>
    /// <param name="cancellation">Stops waiting; the record may be durable all the same.</param>
    /// <exception cref="LogUnavailableException">Not known to be durable: the sender must send again.</exception>
    Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation);

    /// <summary>
    /// Reads <paramref name="topic"/> of all municipalities as a member of <paramref name="group"/> until cancelled. Each partition is read by one
    /// member at a time, in order, from where the group stands (at first from the beginning); partitions run side by side, so one municipality's
    /// slow batch holds up nobody else's. A batch is done when the handler returns; otherwise, and after a death, it comes again: at least once.
    /// </summary>
    Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation);

    /// <summary>Follows one municipality's topic outside any group, from after <paramref name="from"/> (per partition) or from now on.</summary>
    IAsyncEnumerable<LogBatch> TailAsync(string municipality, string topic, IReadOnlyList<LogPosition> from, CancellationToken cancellation);

    /// <summary>How many records of the topic <paramref name="group"/> has not done yet; for back-pressure at the doors.</summary>
    Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation);

    /// <summary>Throws if the log cannot be reached; for readiness.</summary>
    Task PingAsync(CancellationToken cancellation);
}

/// <summary>Handles a batch; called again with the same records when it throws.</summary>
public delegate Task LogHandler(LogBatch batch, CancellationToken cancellation);

/// <summary>Some records of one partition of one municipality's topic, in order.</summary>
public sealed record LogBatch(string Municipality, string Topic, int Partition, IReadOnlyList<LogRecord> Records);

/// <summary>One record.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Key">Its key.</param>
/// <param name="Payload">What was appended.</param>
/// <param name="Traceparent">W3C trace context of whoever appended it.</param>
public sealed record LogRecord(LogPosition Position, string Key, ReadOnlyMemory<byte> Payload, string? Traceparent);

/// <summary>A place in a partition. Comparable within it: Redis has milliseconds and a sequence, Kafka an offset.</summary>
public readonly record struct LogPosition(int Partition, long Major, long Minor) : IComparable<LogPosition>
{
    public int CompareTo(LogPosition other) => Major != other.Major ? Major.CompareTo(other.Major) : Minor.CompareTo(other.Minor);
    public static bool operator <(LogPosition left, LogPosition right) => left.CompareTo(right) < 0;
    public static bool operator >(LogPosition left, LogPosition right) => left.CompareTo(right) > 0;
    public static bool operator <=(LogPosition left, LogPosition right) => left.CompareTo(right) <= 0;
    public static bool operator >=(LogPosition left, LogPosition right) => left.CompareTo(right) >= 0;
}

/// <summary>The log did not confirm an append in time.</summary>
public sealed class LogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>How the log is used; bound from <c>Platform:Log</c>.</summary>
public sealed class LogOptions
{
    /// <summary><c>redis</c> or <c>kafka</c>.</summary>
    public string Kind { get; set; } = "redis";
    /// <summary>Bootstrap servers, for <c>kafka</c>.</summary>
    public string? Kafka { get; set; }
    /// <summary>Partitions of each municipality's topic. More than cores that read it bring nothing.</summary>
    public int Partitions { get; set; } = 2;
    /// <summary>Most records of a batch that a handler gets.</summary>
    public int BatchSize { get; set; } = 500;
    /// <summary>An append that is not confirmed by then has failed.</summary>
    public TimeSpan AppendTimeout { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>A member that has not been heard of for so long has died; its partitions go to others.</summary>
    public TimeSpan MemberTimeout { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>How long records are kept after all groups are done with them.</summary>
    public Dictionary<string, TimeSpan> Retention { get; set; } = new(StringComparer.Ordinal)
    {
        [Contracts.Topics.Uplinks] = TimeSpan.FromDays(7),
        [Contracts.Topics.Observations] = TimeSpan.FromDays(1),
        [Contracts.Topics.DeadLetters] = TimeSpan.FromDays(1),
        [Contracts.Topics.Events] = TimeSpan.FromDays(30),
    };
}

/// <summary>Which partition a key belongs to, alike in every process.</summary>
static class Partitioner
{
    public static int Of(string key, int partitions)
    {
        if (partitions == 1) return 0;
        var hash = 2166136261u; // FNV-1a
        foreach (var c in key) hash = (hash ^ c) * 16777619u;
        hash ^= hash >> 15;
        return (int)(hash % (uint)partitions);
    }
}
