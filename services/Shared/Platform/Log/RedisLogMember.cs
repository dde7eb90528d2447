using System.Diagnostics;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>
/// One member of a group. Every member computes from the list of members which partitions are whose (rendezvous hashing: a change moves few) and takes
/// a lease before it reads. A lease that cannot be renewed ends the reading; a dead member's leases run out, or are taken over where its death is seen.
/// </summary>
sealed partial class RedisLogMember : IDisposable
{
    /// <summary>How long to wait for records where nothing else is to be done.</summary>
    static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    readonly RedisConnection redis;
    readonly RedisLogTopics topics;
    readonly RedisLogLeases leases;
    readonly LogOptions options;
    readonly string topic, group;
    readonly LogHandler handler;
    readonly ILogger logger;
    readonly string id = MemberId.New();
    readonly Dictionary<string, Holding> held = new(StringComparer.Ordinal);
    readonly Lock heldLock = new();
    readonly SemaphoreSlim readAgain = new(0, 1), balanceAgain = new(0, 1);
    long trimmedAt = Stopwatch.GetTimestamp();

    public RedisLogMember(RedisConnection redis, RedisLogTopics topics, LogOptions options, string topic, string group, LogHandler handler, ILogger logger)
    {
        (this.redis, this.topics, this.options, this.topic, this.group, this.handler, this.logger) = (redis, topics, options, topic, group, handler, logger);
        leases = new RedisLogLeases(redis, options, topic, group, id);
    }

    /// <summary>A partition of ours.</summary>
    sealed class Holding
    {
        public Holding(string stream, RedisLog.GroupState state, long leasedAt, Func<Holding, LogPartition> partition)
        {
            (Stream, ReadUpTo, EntriesRead, LeasedAt) = (stream, state.LastDone, state.EntriesRead, leasedAt);
            Partition = partition(this);
        }

        public string Stream { get; }
        public LogPartition Partition { get; }
        /// <summary>Id of the last record that was read; the next read goes on after it. The reader's.</summary>
        public string ReadUpTo { get; set; }
        /// <summary>Records done since the stream's beginning; Redis computes the lag from it. The worker's.</summary>
        public long? EntriesRead { get; set; }
        /// <summary>When the lease was last known to be ours. The balancer's.</summary>
        public long LeasedAt { get; set; }
        /// <summary>The lease is not ours any more.</summary>
        public bool Lost { get; set; }
    }

    /// <summary>Reads until cancelled; throws what cannot be waited out.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var balance = BalanceLoopAsync(stopping.Token);
        var read = ReadLoopAsync(stopping.Token);
        var first = await Task.WhenAny(balance, read);
        await stopping.CancelAsync();
        await Quiet(Task.WhenAll(balance, read));
        await LeaveAsync();
        cancellation.ThrowIfCancellationRequested();
        await first;
    }

    async Task BalanceLoopAsync(CancellationToken cancellation)
    {
        var interval = TimeSpan.FromMilliseconds(Math.Min(1000, options.MemberTimeout.TotalMilliseconds / 5));
        while (true)
        {
            try
            {
                await BalanceAsync(cancellation);
                if (Stopwatch.GetElapsedTime(trimmedAt) > options.TrimEvery) await TrimAsync().WaitAsync(RedisLog.Limit, cancellation);
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogBalanceFailed(topic, group, fault.Message);
            }
            DropExpiredLeases();
            await balanceAgain.WaitAsync(interval, cancellation);
        }
    }

    async Task BalanceAsync(CancellationToken cancellation)
    {
        var members = await leases.MembersAsync();
        foreach (var dead in members.Where(MemberId.IsDead).ToList())
        {
            await leases.ForgetAsync(dead);
            members.Remove(dead);
        }
        var mine = (await topics.WithAsync(topic).WaitAsync(RedisLog.Limit, cancellation))
            .SelectMany(entry => Enumerable.Range(0, entry.Partitions).Select(partition => (entry.Municipality, Partition: partition)))
            .Select(entry => (entry.Municipality, entry.Partition, Stream: RedisLogTopics.StreamOf(entry.Municipality, topic, entry.Partition)))
            .Where(entry => OwnerOf(entry.Stream, members) == id)
            .ToDictionary(entry => entry.Stream, StringComparer.Ordinal);

        // A partition on its way out stays ours until its handler has returned: two members must not handle it at once.
        foreach (var holding in Held().Where(holding => !mine.ContainsKey(holding.Stream))) GiveUp(holding);
        await LetGoOfEndedAsync();
        await RenewAsync();
        var taken = Held().Select(holding => holding.Stream).ToHashSet(StringComparer.Ordinal);
        foreach (var (municipality, partition, stream) in mine.Values.Where(entry => !taken.Contains(entry.Stream)))
        {
            if (cancellation.IsCancellationRequested) return;
            await TakeAsync(stream, municipality, partition);
        }
    }

    static string? OwnerOf(string stream, List<string> members) =>
        members.MaxBy(member => ((ulong)Hash(stream + member) << 32) | Hash(member + stream));

    static uint Hash(string text)
    {
        var hash = 2166136261u; // FNV-1a, with Murmur's finish: members differ in few characters
        foreach (var c in text) hash = (hash ^ c) * 16777619u;
        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        return hash ^ (hash >> 13);
    }

    async Task TakeAsync(string stream, string municipality, int number)
    {
        var leasedAt = Stopwatch.GetTimestamp();
        if (!await leases.TakeAsync(stream)) return;
        try
        {
            await redis.Commands.ExecuteAsync("XGROUP", "CREATE", stream, group, "0", "MKSTREAM", "ENTRIESREAD", "0").WaitAsync(RedisLog.Limit, CancellationToken.None);
        }
        catch (RedisServerException fault) when (fault.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal))
        {
            // The group has been here before; it goes on from where it stands.
        }
        var state = (await RedisLog.GroupsAsync(redis.Commands, stream).WaitAsync(RedisLog.Limit))[group];
        var taken = new Holding(stream, state, leasedAt, holding => new LogPartition(municipality, topic, number, handler,
            (position, records, stop) => CommitAsync(holding, position, records, stop), ReadAgain, options, logger));
        lock (heldLock) held[stream] = taken;
        taken.Partition.Start();
        ReadAgain();
        LogTaken(stream, group, state.LastDone);
    }

    async Task RenewAsync()
    {
        var at = Stopwatch.GetTimestamp();
        var ours = Held().Where(holding => !holding.Lost).ToList();
        var kept = await leases.RenewAsync(ours.ConvertAll(holding => holding.Stream));
        foreach (var holding in ours)
            if (kept.Contains(holding.Stream)) holding.LeasedAt = at;
            else Lose(holding);
    }

    /// <summary>Hands a partition to another member: its handler is asked to stop, then the lease is released.</summary>
    void GiveUp(Holding holding)
    {
        if (holding.Partition.Stopping) return;
        holding.Partition.Stop(lost: false);
        // The others wait for it: look again as soon as it has ended.
        holding.Partition.Ended.ContinueWith(_ => Wake(balanceAgain), TaskScheduler.Default);
    }

    /// <summary>The lease is, or may be, somebody else's: stop, and leave the group's place alone.</summary>
    void Lose(Holding holding)
    {
        if (holding.Lost) return;
        LogLost(holding.Stream, group);
        holding.Lost = true;
        holding.Partition.Stop(lost: true);
    }

    void DropExpiredLeases()
    {
        foreach (var holding in Held())
            if (Stopwatch.GetElapsedTime(holding.LeasedAt) > options.MemberTimeout) Lose(holding);
    }

    /// <summary>Releases what was given up and has ended; only then it may be taken again, here or elsewhere.</summary>
    async Task LetGoOfEndedAsync()
    {
        foreach (var holding in Held().Where(holding => holding.Partition.Stopping && holding.Partition.Ended.IsCompleted))
        {
            if (!holding.Lost) await leases.ReleaseAsync(holding.Stream);
            lock (heldLock) held.Remove(holding.Stream);
            holding.Partition.Dispose();
        }
    }

    async Task ReadLoopAsync(CancellationToken cancellation)
    {
        using var reader = new RedisBlockingReader(redis, options);
        var patience = 1;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            // What comes for a partition that gathers is read when it has, all at once.
            var (ready, gathers, isFull) = (new Dictionary<string, Holding>(StringComparer.Ordinal), Longest, false);
            foreach (var holding in Held().Where(holding => !holding.Partition.Stopping))
            {
                if (!holding.Partition.HasRoom) isFull = true;
                else if (holding.Partition.Gathers is var left && left > TimeSpan.Zero) gathers = left < gathers ? left : gathers;
                else ready.Add(holding.Stream, holding);
            }
            if (ready.Count == 0)
            {
                await readAgain.WaitAsync(gathers, cancellation);
                continue;
            }
            // A partition that gets room again must not wait until the others have something to say: block shortly while there is one, and
            // a little longer each time, since its handler may be stuck for hours.
            var wait = isFull && patience < gathers.TotalMilliseconds ? TimeSpan.FromMilliseconds(patience) : gathers;
            try
            {
                var read = await reader.ReadAsync(ready.Values.Select(holding => (holding.Stream, holding.ReadUpTo)).ToList(), wait, cancellation);
                patience = read.Count > 0 ? 1 : Math.Min(patience * 2, 64);
                foreach (var (stream, records) in read) Offer(ready[stream], records);
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogReadFailed(topic, group, fault.Message);
                await Task.Delay(250, cancellation);
            }
        }
    }

    static void Offer(Holding holding, List<LogRecord> records)
    {
        foreach (var record in records) holding.Partition.Offer(record);
        holding.ReadUpTo = RedisLog.Format(records[^1].Position);
    }

    /// <summary>Records the group's place. While Redis is away it goes on trying: a place that is behind would make the lag look like work.</summary>
    async Task CommitAsync(Holding holding, LogPosition position, int records, CancellationToken stop)
    {
        holding.EntriesRead += records;
        while (true)
        {
            try
            {
                if (!await leases.CommitAsync(holding.Stream, position, holding.EntriesRead).WaitAsync(RedisLog.Limit, CancellationToken.None)) Lose(holding);
                return;
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogCommitFailed(holding.Stream, group, fault.Message);
                if (stop.IsCancellationRequested) return; // the batch comes again, and is written idempotently
            }
            await Task.Delay(250, stop);
        }
    }

    async Task LeaveAsync()
    {
        foreach (var holding in Held()) holding.Partition.Stop(lost: false);
        await Quiet(Task.WhenAll(Held().Select(holding => holding.Partition.Ended)).WaitAsync(options.MemberTimeout / 2));
        try
        {
            await LetGoOfEndedAsync().WaitAsync(TimeSpan.FromSeconds(1));
            await leases.ForgetAsync(id).WaitAsync(TimeSpan.FromSeconds(1));
        }
        catch (Exception fault) when (fault is RedisException or TimeoutException)
        {
            LogBalanceFailed(topic, group, fault.Message); // what was not released runs out
        }
    }

    /// <summary>Removes what all groups have done and is older than the retention; sooner where memory is scarce.</summary>
    async Task TrimAsync()
    {
        trimmedAt = Stopwatch.GetTimestamp();
        if (!options.Retention.TryGetValue(topic, out var retention)) return;
        var scarce = await UsedMemoryAsync() > options.RedisMemory;
        var keepFrom = scarce ? long.MaxValue : (DateTimeOffset.UtcNow - retention).ToUnixTimeMilliseconds();
        foreach (var stream in Held().Select(holding => holding.Stream))
        {
            var groups = await RedisLog.GroupsAsync(redis.Commands, stream);
            if (groups.Count == 0) continue;
            var until = groups.Values.Select(state => RedisLog.ParsePosition(0, state.LastDone)).Append(new LogPosition(0, keepFrom, 0)).Min();
            await RedisLog.TrimAsync(redis.Commands, stream, until);
        }
    }

    async Task<long> UsedMemoryAsync()
    {
        var info = (string)(await redis.Commands.ExecuteAsync("INFO", "memory"))!;
        const string Field = "used_memory:";
        var line = info.Split('\n').First(line => line.StartsWith(Field, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Field.Length).Trim(), System.Globalization.CultureInfo.InvariantCulture);
    }

    List<Holding> Held() { lock (heldLock) return [.. held.Values]; }

    void ReadAgain() => Wake(readAgain);

    static void Wake(SemaphoreSlim sleeper)
    {
        try { if (sleeper.CurrentCount == 0) sleeper.Release(); }
        catch (SemaphoreFullException) { /* it is awake already */ }
        catch (ObjectDisposedException) { /* nobody sleeps any more */ }
    }

    public void Dispose()
    {
        readAgain.Dispose();
        balanceAgain.Dispose();
    }

    static async Task Quiet(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(110, LogLevel.Debug, "{Stream}: taken by group {Group} after {LastDone}")]
    partial void LogTaken(string stream, string group, string lastDone);

    [LoggerMessage(111, LogLevel.Warning, "{Stream}: group {Group} lost its lease here")]
    partial void LogLost(string stream, string group);

    [LoggerMessage(112, LogLevel.Warning, "{Topic}: group {Group} cannot balance: {Reason}")]
    partial void LogBalanceFailed(string topic, string group, string reason);

    [LoggerMessage(113, LogLevel.Warning, "{Topic}: group {Group} cannot read: {Reason}")]
    partial void LogReadFailed(string topic, string group, string reason);

    [LoggerMessage(114, LogLevel.Warning, "{Stream}: group {Group} cannot record its place yet: {Reason}")]
    partial void LogCommitFailed(string stream, string group, string reason);
}
