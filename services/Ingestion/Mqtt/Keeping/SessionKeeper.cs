using System.Collections.Concurrent;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Keeping;

/// <summary>
/// Writes sessions that outlast their connections into the municipality's database: what has changed of all of them in one transaction, at once where somebody waits
/// for it, else every second. One process does that for a municipality, the one that has the lease; in others sessions live in memory. While the database is away, or the
/// lease is another's, nobody waits: what is acknowledged then is as safe as this process.
/// </summary>
sealed partial class SessionKeeper(SessionStore store, Municipalities municipalities, MqttOptions options, ILogger<SessionKeeper> logger) : MunicipalityLoops(municipalities)
{
    static readonly TimeSpan LeaseTriedEvery = TimeSpan.FromSeconds(5), HandOverTriedEvery = TimeSpan.FromMilliseconds(100), LongestWrite = TimeSpan.FromSeconds(30);

    /// <summary>Milliseconds.</summary>
    const int EmptyKnownFor = 500;

    readonly ConcurrentDictionary<string, TownKeeping> towns = new(StringComparer.Ordinal);

    /// <summary>Is given the sessions that there are when this process gets the lease; brings those that are not known here to life.</summary>
    public Action<string, IReadOnlyList<KeptSession>>? Restore { get; set; }

    /// <summary>
    /// Held while messages of a feed are put into sessions with their place, and while changes are collected: what is written of a municipality's sessions is of one moment,
    /// and nothing is between a place and the messages before it.
    /// </summary>
    public Lock CutOf(string municipality) => Of(municipality).Cut;

    /// <summary>Something of a session has changed.</summary>
    public void Touch(MqttSession session)
    {
        var town = Of(session.Key.Municipality);
        lock (town.Gate) town.Changed.Add(session);
    }

    /// <summary>Something of a session has changed; completes when it is on disk, or when it cannot be for now.</summary>
    public Task StoredAsync(MqttSession session) => StoredAsync(session.Key.Municipality, town => town.Changed.Add(session));

    /// <summary>A session is over; completes as <see cref="StoredAsync(MqttSession)"/> does.</summary>
    public Task RemovedAsync(MqttSession session) => StoredAsync(session.Key.Municipality, town =>
    {
        town.Changed.Remove(session);
        town.Gone.Add(session.Key);
    });

    /// <summary>What is on disk under this key is nobody's any more.</summary>
    public void Forget(SessionKey key)
    {
        var town = Of(key.Municipality);
        lock (town.Gate) town.Gone.Add(key);
    }

    /// <summary>What is retained for a topic is another message, or none; completes as <see cref="StoredAsync(MqttSession)"/> does.</summary>
    public Task RetainedAsync(MqttTopic topic, MqttMessage? message) => StoredAsync(topic.Municipality, town => town.Retained[topic.Name] = message);

    /// <summary>
    /// Sees to it that a session that is on disk is here before its client is answered. Another process that is about to end is waited for, one that lives on keeps it.
    /// </summary>
    public async ValueTask AwaitedAsync(SessionKey key, CancellationToken cancellation)
    {
        var town = Of(key.Municipality);
        if (town.Lease is not null || town.IsAway || Environment.TickCount64 < town.EmptyUntil) return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.SessionsWrittenWithin);
        try
        {
            // As long as there are none at all, nobody asks again and again.
            if (!await store.HasAsync(key.Municipality, null, limit.Token)) town.EmptyUntil = Environment.TickCount64 + EmptyKnownFor;
            else
                while (await store.HasAsync(key.Municipality, key, limit.Token) && !await TryLeaseAsync(town, limit.Token)) await Task.Delay(HandOverTriedEvery, limit.Token);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && (Infrastructure.IsAtFault(fault) || fault is OperationCanceledException))
        {
            LogNotAsked(key.Municipality, fault.Message);
        }
    }

    /// <summary>Before the municipality is served: its sessions and what is retained come to life, where no other process has them.</summary>
    public async Task<IReadOnlyList<(MqttTopic Topic, MqttMessage Message)>> BeginAsync(string municipality, CancellationToken cancellation)
    {
        if (await store.HasAsync(municipality, null, cancellation)) await TryLeaseAsync(Of(municipality), cancellation);
        return await store.RetainedAsync(municipality, cancellation);
    }

    protected override async Task RunAsync(string municipality, CancellationToken cancellation)
    {
        var town = Of(municipality);
        try
        {
            while (IsOurs(municipality))
            {
                await WakeUpOf(municipality).WaitAsync(options.SessionsWrittenEvery, cancellation);
                await WriteSafelyAsync(town, cancellation);
            }
            await town.ReleaseAsync();
            lock (town.Gate) town.Waiting?.TrySetResult();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The rest is written when all connections are over.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(towns.Values.Select(async town =>
        {
            await WriteSafelyAsync(town, cancellationToken);
            await town.ReleaseAsync();
        }));
    }

    TownKeeping Of(string municipality) => towns.GetOrAdd(municipality, static name => new TownKeeping(name));

    Task StoredAsync(string municipality, Action<TownKeeping> change)
    {
        var town = Of(municipality);
        Task written;
        lock (town.Gate)
        {
            change(town);
            if (town.IsAway || !IsOurs(municipality)) return Task.CompletedTask;
            written = (town.Waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        Wake(municipality);
        return written;
    }

    async Task WriteSafelyAsync(TownKeeping town, CancellationToken cancellation)
    {
        await town.Writing.WaitAsync(CancellationToken.None);
        TaskCompletionSource? waiting = null;
        List<MqttSession> sessions = [];
        List<SessionKey> gone = [];
        List<(string Device, MqttMessage? Message)> retained = [];
        try
        {
            lock (town.Gate)
            {
                (waiting, town.Waiting) = (town.Waiting, null);
                (retained, gone, sessions) = ([.. town.Retained.Select(one => (one.Key, one.Value))], [.. town.Gone], [.. town.Changed]);
                town.Retained.Clear();
                town.Gone.Clear();
                town.Changed.Clear();
            }
            if (retained.Count + gone.Count + sessions.Count == 0 && !town.IsWaiting) return;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(LongestWrite);
            var writing = WriteAsync(town, retained, gone, sessions, limit.Token);
            if (!writing.IsCompleted && await Task.WhenAny(writing, Task.Delay(options.SessionsWrittenWithin, limit.Token)) != writing) LetGo(town, waiting, sessions, "it takes long");
            await writing;
            await limit.CancelAsync();
            if (town.IsAway) LogWritten(town.Municipality);
            town.IsAway = false;
        }
        catch (Exception fault)
        {
            LetGo(town, waiting, sessions, fault.Message);
            lock (town.Gate)
            {
                foreach (var (device, message) in retained) town.Retained.TryAdd(device, message);
                town.Gone.UnionWith(gone);
                town.Changed.UnionWith(sessions);
            }
            // Whether it was committed is not known; the next time all of it is written.
            foreach (var session in sessions) session.NotStored();
            await town.ReleaseAsync();
        }
        finally
        {
            waiting?.TrySetResult();
            town.Writing.Release();
        }
    }

    /// <summary>The database is away, or slow: nobody waits for it until it has written something again.</summary>
    void LetGo(TownKeeping town, TaskCompletionSource? waiting, List<MqttSession> sessions, string reason)
    {
        if (!town.IsAway) LogNotWritten(town.Municipality, reason);
        town.IsAway = true;
        List<MqttSession> let;
        lock (town.Gate) let = [.. sessions];
        foreach (var session in let) session.GoOn();
        waiting?.TrySetResult();
    }

    async Task WriteAsync(
        TownKeeping town, List<(string Device, MqttMessage? Message)> retained, List<SessionKey> gone, List<MqttSession> sessions, CancellationToken cancellation)
    {
        if (retained.Count > 0)
        {
            await store.RetainAsync(town.Municipality, retained, cancellation);
            retained.Clear();
        }
        if (town is { Lease: null, IsWaiting: true }) await LeaseAsync(town, gone, cancellation);
        var changes = Collect(town, sessions);
        if (gone.Count + changes.Count == 0) return;
        if (town.Lease is null && !await LeaseAsync(town, gone, cancellation))
        {
            // Another process keeps this municipality's sessions. Here they live in memory; if that one ends, they are written.
            lock (town.Gate) town.Changed.UnionWith(sessions.Where(session => !session.IsOver));
            foreach (var session in sessions) session.NotStored();
            return;
        }
        await town.Lease!.WriteAsync(gone, changes, cancellation);
        foreach (var change in changes) change.Session.Stored(change);
    }

    static List<SessionChange> Collect(TownKeeping town, List<MqttSession> sessions)
    {
        List<SessionChange> changes = [];
        lock (town.Cut)
        {
            // What came in between is of this moment, too: a group's messages are in the sessions of several.
            lock (town.Gate)
            {
                sessions.AddRange(town.Changed.Except(sessions).ToList());
                town.Changed.Clear();
            }
            foreach (var session in sessions)
                if (session.Change() is { } change) changes.Add(change);
        }
        return changes;
    }

    async Task<bool> TryLeaseAsync(TownKeeping town, CancellationToken cancellation)
    {
        await town.Writing.WaitAsync(cancellation);
        try
        {
            town.LeaseTriedAt = 0;
            return town.Lease is not null || await LeaseAsync(town, [], cancellation);
        }
        finally
        {
            town.Writing.Release();
        }
    }

    /// <summary>Takes the lease, if it is free, and with it the sessions that are on disk.</summary>
    /// <param name="town">Whose.</param>
    /// <param name="gone">Sessions that are over, and still on disk.</param>
    /// <param name="cancellation">Gives up.</param>
    async Task<bool> LeaseAsync(TownKeeping town, IReadOnlyCollection<SessionKey> gone, CancellationToken cancellation)
    {
        if (town.LeaseTriedAt > 0 && Environment.TickCount64 - town.LeaseTriedAt < LeaseTriedEvery.TotalMilliseconds) return false;
        if (await store.TryLeaseAsync(town.Municipality, cancellation) is not { } lease)
        {
            (town.LeaseTriedAt, town.IsWaiting) = (Environment.TickCount64, true);
            return false;
        }
        try
        {
            var kept = await lease.ReadAsync(cancellation);
            HashSet<SessionKey> over;
            lock (town.Gate) over = [.. town.Gone, .. gone];
            Restore?.Invoke(town.Municipality, [.. kept.Where(session => !over.Contains(session.Key))]);
            (town.Lease, town.LeaseTriedAt, town.IsWaiting) = (lease, 0, false);
            return true;
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    [LoggerMessage(2045, LogLevel.Warning, "MQTT sessions of {Municipality} cannot be written and go on in memory: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);

    [LoggerMessage(2047, LogLevel.Information, "whether a session of {Municipality} is on disk cannot be told, or another process keeps it: {Reason}")]
    partial void LogNotAsked(string municipality, string reason);

    [LoggerMessage(2046, LogLevel.Information, "MQTT sessions of {Municipality} are written again")]
    partial void LogWritten(string municipality);

    /// <summary>What is to be written of one municipality.</summary>
    sealed class TownKeeping(string municipality)
    {
        public string Municipality { get; } = municipality;

        public Lock Cut { get; } = new();

        /// <summary>For what follows; nothing else is locked inside.</summary>
        public Lock Gate { get; } = new();

        public HashSet<MqttSession> Changed { get; } = [];

        public HashSet<SessionKey> Gone { get; } = [];

        public Dictionary<string, MqttMessage?> Retained { get; } = new(StringComparer.Ordinal);

        public TaskCompletionSource? Waiting { get; set; }

        /// <summary>One at a time writes, takes the lease or gives it back.</summary>
        public SemaphoreSlim Writing { get; } = new(1, 1);

        public SessionLease? Lease { get; set; }

        public long LeaseTriedAt { get; set; }

        /// <summary>Another process had the lease when it was tried.</summary>
        public bool IsWaiting { get; set; }

        /// <summary>Until then there is nothing on disk that anybody would have to be waited for.</summary>
        public long EmptyUntil { get; set; }

        /// <summary>The last attempt to write has failed.</summary>
        public bool IsAway { get; set; }

        public async Task ReleaseAsync()
        {
            if (Lease is { } lease) await lease.DisposeAsync();
            Lease = null;
        }
    }
}
