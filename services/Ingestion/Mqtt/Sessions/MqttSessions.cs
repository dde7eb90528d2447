using System.Collections.Concurrent;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Protocol;

namespace Allmende.Ingestion.Mqtt.Sessions;

/// <summary>All sessions of this process, bounded per municipality and per device, and what happens to them when their time is over.</summary>
sealed class MqttSessions(MqttOptions options, MqttBroker broker, PublishDoor door, SessionKeeper keeper) : BackgroundService
{
    readonly ConcurrentDictionary<SessionKey, MqttSession> sessions = new();
    readonly ConcurrentDictionary<MqttSession, bool> disconnected = new();
    readonly Dictionary<(string Municipality, string Holder), int> counts = [];
    readonly Lock gate = new();

    /// <summary>Gives a connection its session (3.1.4): the one that there is, or a new one.</summary>
    /// <param name="key">Which.</param>
    /// <param name="connection">Who takes it; whoever has it is let go.</param>
    /// <param name="client">Who that is.</param>
    /// <param name="cleanStart">Whether what there is is to be thrown away.</param>
    /// <param name="expiry">Seconds that it outlives the connection.</param>
    /// <param name="will">The connection's will.</param>
    /// <returns>The session, null if there are too many; whether it was there; and what must be on disk before the client is answered.</returns>
    public (MqttSession? Session, bool IsPresent, Task Stored) Attach(SessionKey key, MqttConnection connection, MqttClient client, bool cleanStart, uint expiry, WillPacket? will)
    {
        bool isPresent;
        MqttConnection? before = null;
        MqttSession? over = null;
        MqttSession? session;
        lock (gate)
        {
            isPresent = sessions.TryGetValue(key, out session);
            // With other rights than those that its messages were collected with, it is another.
            if (isPresent && (cleanStart || session!.ExpiresAt <= Environment.TickCount64 || (key.Municipality.Length > 0 && session.Client.AccessClass(key.Municipality) != client.AccessClass(key.Municipality))))
            {
                (over, isPresent) = (session, false);
                Forget(session!);
            }
            if (!isPresent)
            {
                if (!TryCount(key, client))
                    session = null;
                else
                {
                    session = new MqttSession(key, client, options) { Overflowed = Overflow };
                    sessions[key] = session;
                }
            }
            else disconnected.TryRemove(session!, out _);
            before = session?.TakeOver(connection, client);
        }
        var stored = over is null ? Task.CompletedTask : End(over, ReasonCode.SessionTakenOver);
        // 3.1.3.2.2: a will that waits is void when its client is back.
        before?.Stop(ReasonCode.SessionTakenOver, "another connection has the same client id", willIsVoid: before.WillDelay > 0);
        if (session is not null && Prepare(session, expiry, will) is { IsCompleted: false } prepared) stored = prepared;
        return (session, isPresent, stored);
    }

    /// <summary>The session as this connection wants it. Who wants it to end with the connection, or has no municipality, has it in memory alone.</summary>
    Task Prepare(MqttSession session, uint expiry, WillPacket? will)
    {
        session.Expiry = expiry;
        if (expiry == 0 || session.Key.Municipality.Length == 0)
        {
            var wasOnDisk = session.IsOnDisk;
            session.Unkeep();
            return wasOnDisk ? keeper.RemovedAsync(session) : Task.CompletedTask;
        }
        session.Keep(keeper);
        session.DelayedWill = will is { Delay: > 0 } ? will : null;
        if (session.DelayedWill is not null) return session.StoredAsync();
        session.Touch();
        return Task.CompletedTask;
    }

    /// <summary>Takes in a session that was on disk; null if it is here already, which then counts.</summary>
    public MqttSession? Restore(KeptSession kept)
    {
        var session = new MqttSession(kept.Key, kept.State.ClientOf(kept.Key.Municipality), options) { Overflowed = Overflow };
        session.Restore(kept, keeper);
        lock (gate)
        {
            if (sessions.TryGetValue(kept.Key, out var here))
            {
                if (!here.IsOnDisk) keeper.Forget(kept.Key);
                return null;
            }
            sessions[kept.Key] = session;
            Count(kept.Key, session.Client, 1);
            disconnected[session] = true;
        }
        return session;
    }

    /// <summary>A connection is over. Its session waits for the next, as long as it may; its will is published when it is due.</summary>
    public void Detach(MqttSession session, MqttConnection connection, WillPacket? will)
    {
        var isOver = false;
        lock (gate)
        {
            if (session.Leave(connection))
            {
                session.DelayedWill = null;
                var now = Environment.TickCount64;
                if (will is { Delay: > 0 } && session.Expiry > 0) (session.PendingWill, will) = ((will, now + will.Delay * 1000L), null);
                session.ExpiresAt = session.Expiry == uint.MaxValue ? long.MaxValue : now + session.Expiry * 1000L;
                isOver = session.Expiry == 0;
                if (isOver) Forget(session);
                else disconnected[session] = true;
            }
        }
        session.Touch();
        if (will is not null) _ = door.PublishWillAsync(session, will);
        if (isOver) _ = End(session, ReasonCode.Success);
    }

    /// <summary>Ends a session with its connection; completes when it is gone from the disk, too.</summary>
    Task End(MqttSession session, ReasonCode code, string? reason = null)
    {
        disconnected.TryRemove(session, out _);
        var (subscriptions, owner) = session.End();
        foreach (var subscription in subscriptions) broker.Leave(subscription);
        // 3.1.2.5: a will that waits is published when the session ends.
        if (session.PendingWill is { } pending) _ = door.PublishWillAsync(session, pending.Will);
        session.PendingWill = null;
        owner?.Stop(code, reason);
        return session.IsOnDisk ? keeper.RemovedAsync(session) : Task.CompletedTask;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        broker.SubscriptionLost = (session, code, reason) => Drop(session, code, reason);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) Sweep();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down: what waits is on disk, where it is kept.
        }
    }

    void Sweep()
    {
        foreach (var session in disconnected.Keys)
        {
            WillPacket? will = null;
            bool isOver;
            lock (gate)
            {
                var now = Environment.TickCount64;
                if (session.Owner is not null) continue;
                isOver = session.ExpiresAt <= now;
                if (isOver) Forget(session);
                else if (session.PendingWill is { } pending && pending.At <= now) (will, session.PendingWill) = (pending.Will, null);
            }
            if (will is not null) session.Touch();
            if (isOver) _ = End(session, ReasonCode.Success);
            if (will is not null) _ = door.PublishWillAsync(session, will);
        }
    }

    void Overflow(MqttSession session) => Drop(session, ReasonCode.QuotaExceeded, "messages come faster than they are taken");

    void Drop(MqttSession session, ReasonCode code, string? reason)
    {
        lock (gate) Forget(session);
        _ = End(session, code, reason);
    }

    void Forget(MqttSession session)
    {
        if (sessions.TryRemove(KeyValuePair.Create(session.Key, session))) Count(session.Key, session.Client, -1);
    }

    /// <summary>Counts a new session; false if there is no room for it.</summary>
    bool TryCount(SessionKey key, MqttClient client)
    {
        if (counts.GetValueOrDefault((key.Municipality, "")) >= options.MostSessions) return false;
        if (DeviceKeys.OwnDevice(client.Principal) is not null && counts.GetValueOrDefault((key.Municipality, key.Holder)) >= options.MostSessionsOfDevice) return false;
        Count(key, client, 1);
        return true;
    }

    void Count(SessionKey key, MqttClient client, int count)
    {
        Add((key.Municipality, ""), count);
        if (DeviceKeys.OwnDevice(client.Principal) is not null) Add((key.Municipality, key.Holder), count);
    }

    void Add((string, string) whose, int count)
    {
        var now = counts.GetValueOrDefault(whose) + count;
        if (now == 0) counts.Remove(whose);
        else counts[whose] = now;
    }
}
