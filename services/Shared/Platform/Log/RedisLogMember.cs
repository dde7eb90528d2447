using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>
/// One member of a group. Members announce themselves in a sorted set; every one computes from it which partitions are whose (rendezvous hashing:
/// a change moves few) and takes a lease before it reads. A lease that cannot be renewed ends the reading; a dead member's leases run out.
/// </summary>
sealed partial class RedisLogMember(
    RedisConnection redis, RedisLog log, LogOptions options, string topic, string group, LogHandler handler, ILogger logger) : IAsyncDisposable
{
    const string RenewScript = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) else return 0 end";
    const string ReleaseScript = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";

    readonly string id = Guid.CreateVersion7().ToString("N");
    readonly string membersKey = $"log:members:{topic}:{group}";
    readonly Dictionary<string, RedisLogPartition> owned = new(StringComparer.Ordinal);
    readonly Lock ownedLock = new();
    readonly SemaphoreSlim wake = new(0, 1);
    readonly TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    DateTimeOffset lastTrim = DateTimeOffset.MinValue;

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var reader = new BlockingReader(redis);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var balance = BalanceLoopAsync(stopping.Token);
        var read = ReadLoopAsync(reader, stopping.Token);
        var first = await Task.WhenAny(balance, read, failed.Task);
        await stopping.CancelAsync();
        await Task.WhenAll(Quiet(balance), Quiet(read));
        await LeaveAsync();
        cancellation.ThrowIfCancellationRequested();
        await first;
    }

    async Task BalanceLoopAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Min(1000, options.MemberTimeout.TotalMilliseconds / 5)));
        do
        {
            try
            {
                await BalanceAsync(cancellation);
                if (DateTimeOffset.UtcNow - lastTrim > TimeSpan.FromMinutes(1)) await TrimAsync();
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogBalanceFailed(topic, group, fault);
                DropExpiredLeases();
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    async Task BalanceAsync(CancellationToken cancellation)
    {
        var database = redis.Commands;
        var limit = TimeSpan.FromSeconds(5);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await database.SortedSetAddAsync(membersKey, id, now).WaitAsync(limit, cancellation);
        await database.SortedSetRemoveRangeByScoreAsync(membersKey, double.NegativeInfinity, now - options.MemberTimeout.TotalMilliseconds).WaitAsync(limit, cancellation);
        var members = (await database.SortedSetRangeByRankAsync(membersKey).WaitAsync(limit, cancellation)).Select(member => (string)member!).ToList();

        var mine = new HashSet<string>(StringComparer.Ordinal);
        var municipalities = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var municipality in await log.MunicipalitiesAsync(topic).WaitAsync(limit, cancellation))
            for (var partition = 0; partition < options.Partitions; partition++)
            {
                var stream = RedisLog.StreamOf(municipality, topic, partition);
                if (Owner(stream, members) != id) continue;
                mine.Add(stream);
                municipalities[stream] = municipality;
            }

        foreach (var stream in Owned().Where(stream => !mine.Contains(stream))) await GiveUpAsync(stream);
        foreach (var stream in Owned())
            if (!await RenewAsync(database, stream).WaitAsync(limit, cancellation)) Drop(stream);
        foreach (var stream in mine.Except(Owned()))
            await TakeAsync(database, stream, municipalities[stream], cancellation);
    }

    static string Owner(string stream, List<string> members) =>
        members.MaxBy(member => ((ulong)Hash(stream + member) << 32) | Hash(member + stream)) ?? "";

    static uint Hash(string text)
    {
        var hash = 2166136261u;
        foreach (var c in text) hash = (hash ^ c) * 16777619u;
        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        return hash ^ (hash >> 13);
    }

    string LeaseOf(string stream) => $"lease:{group}:{stream}";

    async Task TakeAsync(IDatabase database, string stream, string municipality, CancellationToken cancellation)
    {
        var limit = TimeSpan.FromSeconds(5);
        if (!await database.StringSetAsync(LeaseOf(stream), id, options.MemberTimeout, When.NotExists).WaitAsync(limit, cancellation)) return;
        var leasedAt = DateTimeOffset.UtcNow;
        try
        {
            await database.ExecuteAsync("XGROUP", "CREATE", stream, group, "0", "MKSTREAM", "ENTRIESREAD", "0").WaitAsync(limit, cancellation);
        }
        catch (RedisServerException fault) when (fault.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal))
        {
            // The group has been here before; it goes on from where it stands.
        }
        var state = (await RedisLog.GroupsAsync(database, stream).WaitAsync(limit, cancellation))[group];
        var partition = new RedisLogPartition(municipality, topic, stream, state, handler, CommitAsync, Wake, failed) { LeasedAt = leasedAt };
        lock (ownedLock) owned[stream] = partition;
        partition.Start();
        Wake();
        LogTaken(stream, group, state.LastDone);
    }

    async Task<bool> RenewAsync(IDatabase database, string stream)
    {
        var at = DateTimeOffset.UtcNow;
        var renewed = (long)await database.ScriptEvaluateAsync(RenewScript, [LeaseOf(stream)], [id, (long)options.MemberTimeout.TotalMilliseconds]) == 1;
        lock (ownedLock) if (renewed && owned.TryGetValue(stream, out var partition)) partition.LeasedAt = at;
        return renewed;
    }

    /// <summary>Hands a partition to another member: finishes the batch in hand, then releases the lease.</summary>
    async Task GiveUpAsync(string stream)
    {
        var partition = Remove(stream);
        if (partition is null) return;
        await partition.DisposeAsync();
        await redis.Commands.ScriptEvaluateAsync(ReleaseScript, [LeaseOf(stream)], [id]).WaitAsync(TimeSpan.FromSeconds(5));
    }

    /// <summary>The lease is somebody else's: stop at once, their reading has begun.</summary>
    void Drop(string stream)
    {
        LogLost(stream, group);
        _ = Remove(stream)?.DisposeAsync().AsTask();
    }

    void DropExpiredLeases()
    {
        foreach (var stream in Owned())
        {
            bool expired;
            lock (ownedLock) expired = owned.TryGetValue(stream, out var partition) && DateTimeOffset.UtcNow - partition.LeasedAt > options.MemberTimeout;
            if (expired) Drop(stream);
        }
    }

    async Task ReadLoopAsync(BlockingReader reader, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            List<RedisLogPartition> ready;
            bool someBusy;
            lock (ownedLock)
            {
                ready = owned.Values.Where(partition => partition.HasRoom).ToList();
                someBusy = ready.Count < owned.Count;
            }
            if (ready.Count == 0)
            {
                await wake.WaitAsync(TimeSpan.FromMilliseconds(500), cancellation);
                continue;
            }
            try
            {
                // A busy partition must not wait for the others to speak, so do not block for long while there is one.
                var wait = TimeSpan.FromMilliseconds(someBusy ? 2 : 500);
                var read = await reader.ReadAsync(ready.Select(partition => (partition.Stream, partition.ReadUpTo)).ToList(), options.BatchSize, wait, cancellation);
                foreach (var (stream, records) in read)
                    ready.Find(partition => partition.Stream == stream)!.Offer(records);
            }
            catch (Exception fault) when (fault is RedisException or TimeoutException)
            {
                LogReadFailed(topic, group, fault);
                await Task.Delay(250, cancellation);
            }
        }
    }

    void Wake()
    {
        try { if (wake.CurrentCount == 0) wake.Release(); }
        catch (SemaphoreFullException) { /* it is awake already */ }
    }

    async Task LeaveAsync()
    {
        foreach (var stream in Owned())
            try { await GiveUpAsync(stream); }
            catch (Exception fault) when (fault is RedisException or TimeoutException) { LogBalanceFailed(topic, group, fault); }
        try { await redis.Commands.SortedSetRemoveAsync(membersKey, id).WaitAsync(TimeSpan.FromSeconds(1)); }
        catch (Exception fault) when (fault is RedisException or TimeoutException) { LogBalanceFailed(topic, group, fault); }
    }

    /// <summary>Removes what is older than the retention and done by all groups.</summary>
    async Task TrimAsync()
    {
        lastTrim = DateTimeOffset.UtcNow;
        if (!options.Retention.TryGetValue(topic, out var retention)) return;
        foreach (var stream in Owned())
        {
            var groups = await RedisLog.GroupsAsync(redis.Commands, stream).WaitAsync(TimeSpan.FromSeconds(5));
            if (groups.Count == 0) continue;
            var until = groups.Values.Select(state => RedisLog.ParsePosition(0, state.LastDone))
                .Append(new LogPosition(0, (lastTrim - retention).ToUnixTimeMilliseconds(), 0)).Min();
            await redis.Commands.ExecuteAsync("XTRIM", stream, "MINID", "~", RedisLog.Format(until)).WaitAsync(TimeSpan.FromSeconds(5));
        }
    }

    List<string> Owned() { lock (ownedLock) return [.. owned.Keys]; }

    RedisLogPartition? Remove(string stream)
    {
        lock (ownedLock) return owned.Remove(stream, out var partition) ? partition : null;
    }

    static async Task Quiet(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        wake.Dispose();
    }

    /// <summary>An unconfirmed place is no harm: a later one is recorded, or the batch comes again and is written idempotently.</summary>
    async Task CommitAsync(string stream, LogPosition position, long? entriesRead, CancellationToken cancellation)
    {
        object[] arguments = entriesRead is { } count
            ? ["SETID", stream, group, RedisLog.Format(position), "ENTRIESREAD", count]
            : ["SETID", stream, group, RedisLog.Format(position)];
        try { await redis.Commands.ExecuteAsync("XGROUP", arguments).WaitAsync(TimeSpan.FromSeconds(5), cancellation); }
        catch (Exception fault) when (fault is RedisException or TimeoutException) { LogCommitFailed(topic, group, fault); }
    }

    [LoggerMessage(110, LogLevel.Debug, "{Stream}: taken by group {Group} after {LastDone}")]
    partial void LogTaken(string stream, string group, string lastDone);

    [LoggerMessage(111, LogLevel.Warning, "{Stream}: group {Group} lost its lease here")]
    partial void LogLost(string stream, string group);

    [LoggerMessage(112, LogLevel.Warning, "{Topic}: group {Group} cannot balance")]
    partial void LogBalanceFailed(string topic, string group, Exception fault);

    [LoggerMessage(113, LogLevel.Warning, "{Topic}: group {Group} cannot read")]
    partial void LogReadFailed(string topic, string group, Exception fault);

    [LoggerMessage(114, LogLevel.Warning, "{Topic}: group {Group} could not record its place; the batch will come again")]
    partial void LogCommitFailed(string topic, string group, Exception fault);
}
