namespace Allmende.Platform.Log;

/// <summary>
/// The durable, partitioned log between the services. One contract, two implementations: <see cref="RedisLog"/> on one machine,
/// Kafka on a cluster; the same contract tests run on both.
/// </summary>
public interface ILog : IAsyncDisposable
{
    /// <summary>Largest payload in bytes. Doors take at most half of it, so that what they took still fits into a dead letter, as base64 in JSON.</summary>
    const int MaxPayload = 2 * 1024 * 1024;

    /// <summary>Appends one record. Completes when it is durable: fsynced (Redis) or acknowledged by all in-sync replicas (Kafka).</summary>
    /// <param name="municipality">Whose topic.</param>
    /// <param name="topic">One of <see cref="Contracts.Topics"/>.</param>
    /// <param name="key">Records with the same key keep their order.</param>
    /// <param name="payload">At most <see cref="MaxPayload"/> bytes.</param>
    /// <param name="cancellation">Stops waiting; the record may be durable all the same.</param>
    /// <exception cref="LogUnavailableException">Not known to be durable: the sender must send again.</exception>
    /// <exception cref="ArgumentException">The payload is too large.</exception>
    Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation);

    /// <summary>
    /// Reads <paramref name="topic"/> of all municipalities as a member of <paramref name="group"/> until cancelled. Each partition is read by one
    /// member at a time, in order, from where the group stands (at first from the beginning); partitions run side by side, so one municipality's
    /// slow batch holds up nobody else's. A batch is done when the handler returns. A handler that throws gets the batch again after a pause, as long as
    /// it throws; after a death another member gets it: at least once. A handler heeds its cancellation, which says that the partition moves on.
    /// </summary>
    Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation);

    /// <summary>Where each partition of the topic ends now: the place of its last record, or before the first.</summary>
    /// <exception cref="LogUnavailableException">The log cannot be reached.</exception>
    Task<IReadOnlyList<LogPosition>> EndAsync(string municipality, string topic, CancellationToken cancellation);

    /// <summary>
    /// After which place each partition of the topic is kept: that of the last record that is gone, or before the first where none is. Whoever stands before
    /// it has missed something.
    /// </summary>
    /// <exception cref="LogUnavailableException">The log cannot be reached.</exception>
    Task<IReadOnlyList<LogPosition>> KeptAfterAsync(string municipality, string topic, CancellationToken cancellation);

    /// <summary>Follows one municipality's topic outside any group, from after <paramref name="from"/> or from now on. Rides out failures of the engine.</summary>
    /// <param name="municipality">Whose topic.</param>
    /// <param name="topic">One of <see cref="Contracts.Topics"/>.</param>
    /// <param name="from">At most one per partition; a partition that is not named is followed from now on. <see cref="LogPosition.BeforeFirst"/> is the beginning.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
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
    /// <summary>The place before all that a partition holds.</summary>
    public static LogPosition BeforeFirst(int partition) => new(partition, -1, 0);

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
    /// <summary>Partitions of each municipality's topic, fixed when the topic is first used. More than cores that read it bring nothing.</summary>
    public int Partitions { get; set; } = 2;
    /// <summary>Most records of a batch that a handler gets.</summary>
    public int BatchSize { get; set; } = 500;
    /// <summary>A batch holds no further record once it has so many bytes of payload; about three times as much of each partition is in memory at most.</summary>
    public int BatchBytes { get; set; } = 4 * 1024 * 1024;
    /// <summary>
    /// How soon after the beginning of a batch a partition begins the next one, if that would be of a few records only. Fewer, larger batches are much cheaper, and who sends
    /// seldom is not delayed; nothing where somebody waits for each record.
    /// </summary>
    public TimeSpan Gather { get; set; }
    /// <summary>How often a group's place is recorded at the most, while it moves on. What was done since comes again after a crash.</summary>
    public TimeSpan RecordEvery { get; set; } = TimeSpan.FromMilliseconds(250);
    /// <summary>An append that is not confirmed by then has failed.</summary>
    public TimeSpan AppendTimeout { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>A member that has not been heard of for so long has died; its partitions go to others.</summary>
    public TimeSpan MemberTimeout { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>
    /// Redis keeps the log in memory. When it uses more than so many bytes, records that all groups are done with go before their retention is over;
    /// what a group has not done is never removed.
    /// </summary>
    public long RedisMemory { get; set; } = 1024L * 1024 * 1024;
    /// <summary>How often a Redis partition is looked at for records whose time is over.</summary>
    internal TimeSpan TrimEvery { get; set; } = TimeSpan.FromSeconds(15);
    /// <summary>How long records are kept after all groups are done with them.</summary>
    public Dictionary<string, TimeSpan> Retention { get; set; } = new(StringComparer.Ordinal)
    {
        [Contracts.Topics.Uplinks] = TimeSpan.FromDays(7),
        [Contracts.Topics.Observations] = TimeSpan.FromDays(1),
        [Contracts.Topics.DeadLetters] = TimeSpan.FromDays(1),
        [Contracts.Topics.Events] = TimeSpan.FromDays(30),
        [Contracts.Topics.Entities] = TimeSpan.FromDays(1),
        [Contracts.Topics.Commands] = TimeSpan.FromDays(1),
    };
}

/// <summary>Which partition of a Redis topic a key belongs to, alike in every process; on Kafka, Murmur2 does this as in all Kafka clients.</summary>
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
