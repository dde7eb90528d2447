using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>
/// Who is a member of a group and which partitions are whose, in Redis: a sorted set of heartbeats and one expiring key a partition. Scripts make
/// each step one; time is Redis' own. They are sent as text, since a restarted Redis knows no digests.
/// </summary>
sealed class RedisLogLeases(RedisConnection redis, LogOptions options, string topic, string group, string member)
{
    const string Heartbeat = """
        local t = redis.call('time')
        local now = t[1] * 1000 + math.floor(t[2] / 1000)
        redis.call('zadd', KEYS[1], now, ARGV[1])
        redis.call('zremrangebyscore', KEYS[1], '-inf', now - ARGV[2])
        return redis.call('zrange', KEYS[1], 0, -1)
        """;

    // Takes a lease that is free, ours already, or that of a member known to be dead; else says whose it is.
    const string Take = """
        local owner = redis.call('get', KEYS[1])
        if owner and owner ~= ARGV[1] and owner ~= ARGV[3] then return owner end
        redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return false
        """;

    const string Renew = """
        local kept = {}
        for i, key in ipairs(KEYS) do
          kept[i] = redis.call('get', key) == ARGV[1] and redis.call('pexpire', key, ARGV[2]) or 0
        end
        return kept
        """;

    const string Release = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

    // Only who holds the lease moves the group's place: a member that was paused and overtaken must not set it back.
    const string Commit = """
        if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
        if ARGV[4] == '' then redis.call('xgroup', 'setid', KEYS[2], ARGV[2], ARGV[3])
        else redis.call('xgroup', 'setid', KEYS[2], ARGV[2], ARGV[3], 'entriesread', ARGV[4]) end
        return 1
        """;

    readonly string membersKey = $"log:members:{topic}:{group}";
    readonly TimeSpan limit = options.MemberTimeout / 2 < RedisLog.Limit ? options.MemberTimeout / 2 : RedisLog.Limit;
    readonly long timeout = (long)options.MemberTimeout.TotalMilliseconds;

    /// <summary>Says that we live; answers who else does.</summary>
    public async Task<List<string>> MembersAsync() =>
        ((RedisResult[])(await EvalAsync(Heartbeat, [membersKey], member, timeout))!).Select(name => (string)name!).ToList();

    /// <summary>Takes the partition unless a living member has it.</summary>
    public async Task<bool> TakeAsync(string stream)
    {
        var owner = await EvalAsync(Take, [LeaseOf(stream)], member, timeout, "");
        if (owner.IsNull) return true;
        return MemberId.IsDead((string)owner!) && (await EvalAsync(Take, [LeaseOf(stream)], member, timeout, (string)owner!)).IsNull;
    }

    /// <summary>Renews leases; answers which of them are still ours.</summary>
    public async Task<HashSet<string>> RenewAsync(IReadOnlyList<string> streams)
    {
        if (streams.Count == 0) return [];
        var kept = (RedisResult[])(await EvalAsync(Renew, streams.Select(LeaseOf).ToArray(), member, timeout))!;
        return streams.Where((_, i) => (long)kept[i] == 1).ToHashSet(StringComparer.Ordinal);
    }

    public Task ReleaseAsync(string stream) => EvalAsync(Release, [LeaseOf(stream)], member);

    /// <summary>Records the group's place; false if the lease is somebody else's by now.</summary>
    public async Task<bool> CommitAsync(string stream, LogPosition position, long? entriesRead) =>
        (long)await EvalAsync(Commit, [LeaseOf(stream), stream], member, group, RedisLog.Format(position), entriesRead is { } count ? count : "") == 1;

    /// <summary>Takes a dead member's name, or our own, off the list.</summary>
    public Task ForgetAsync(string name) => redis.Commands.SortedSetRemoveAsync(membersKey, name).WaitAsync(limit);

    string LeaseOf(string stream) => $"lease:{group}:{stream}";

    Task<RedisResult> EvalAsync(string script, string[] keys, params object[] arguments) =>
        redis.Commands.ExecuteAsync("EVAL", [script, keys.Length, .. keys, .. arguments]).WaitAsync(limit);
}
