using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.Sessions;

/// <summary>How a session gets to disk and back. One that ends with its connection, or has nothing in it that could be lost, is not written.</summary>
sealed partial class MqttSession
{
    Record? record;

    /// <summary>Whether it is to outlast the process.</summary>
    public bool IsKept => record is not null;

    /// <summary>Whether something of it is, or may be, on disk.</summary>
    public bool IsOnDisk => record?.IsOnDisk == true;

    /// <summary>The will of the connection that has it, where it may outlast that: it has a delay.</summary>
    public WillPacket? DelayedWill { get; set; }

    /// <summary>From now on it is written.</summary>
    public void Keep(SessionKeeper keeper)
    {
        lock (gate) record ??= new Record(keeper);
    }

    /// <summary>It is written no longer: it ends with its connection.</summary>
    public void Unkeep()
    {
        lock (gate) record = null;
        Pump();
    }

    /// <summary>Something has changed that need not be on disk before somebody is answered.</summary>
    public void Touch()
    {
        if (Volatile.Read(ref record) is not { } its) return;
        Interlocked.Increment(ref its.Version);
        its.Keeper.Touch(this);
    }

    /// <summary>Completes when it is on disk as it is now; at once where it is not written.</summary>
    public Task StoredAsync()
    {
        if (Volatile.Read(ref record) is not { } its) return Task.CompletedTask;
        Interlocked.Increment(ref its.Version);
        return its.Keeper.StoredAsync(this);
    }

    /// <summary>Has the change that is being made written. Returns its version; 0 where nobody waits for it.</summary>
    long Storing() => StoredAsync().IsCompleted || record is not { } its ? 0 : Volatile.Read(ref its.Version);

    /// <summary>What has changed since it was written; null if it is over, or there is nothing to write of it.</summary>
    public SessionChange? Change()
    {
        lock (gate)
        {
            if (ended || record is not { } its) return null;
            var now = new Dictionary<long, KeptMessage>();
            if (outgoing is not null)
                foreach (var (id, one) in outgoing) now[one.Number] = new(one.Number, id, one.Delivery);
            if (queue is not null)
                foreach (var delivery in queue)
                    if (delivery.Qos > 0) now[delivery.Number] = new(delivery.Number, null, delivery);
            if (!its.IsOnDisk && now.Count == 0 && subscriptions.Count == 0 && received is null or { Count: 0 } && (DelayedWill ?? PendingWill?.Will) is null)
            {
                GoOn();
                return null;
            }
            var isWhole = its.IsWhole;
            var put = now.Values.Where(message => isWhole || !its.Messages.TryGetValue(message.Number, out var known) || known != Record.StateOf(message)).OrderBy(message => message.Number).ToList();
            var gone = isWhole ? [] : its.Messages.Keys.Where(number => !now.ContainsKey(number)).ToList();
            its.IsOnDisk = true;
            return new(this, Volatile.Read(ref its.Version), isWhole, State(), Owner is null ? Clock.TimeOf(ExpiresAt) : null, put, gone);
        }
    }

    /// <summary>It is on disk as <paramref name="change"/> says.</summary>
    public void Stored(SessionChange change)
    {
        lock (gate)
        {
            if (record is not { } its) return;
            if (change.IsWhole) its.Messages.Clear();
            foreach (var number in change.Gone) its.Messages.Remove(number);
            foreach (var message in change.Put) its.Messages[message.Number] = Record.StateOf(message);
            (its.IsWhole, its.Passed) = (false, Math.Max(its.Passed, change.Version));
        }
        Pump();
    }

    /// <summary>It could not be written, or nobody knows whether it was; what waits for it waits no longer.</summary>
    public void NotStored()
    {
        lock (gate)
            if (record is not null) record.IsWhole = true;
        GoOn();
    }

    /// <summary>What waits for being written waits no longer.</summary>
    public void GoOn()
    {
        lock (gate)
            if (record is { } its) its.Passed = Volatile.Read(ref its.Version);
        Pump();
    }

    /// <summary>Takes what was on disk, for a session that nobody has yet. Its subscriptions are still to be put where they stand.</summary>
    /// <param name="kept">What was on disk.</param>
    /// <param name="keeper">Writes it on.</param>
    public void Restore(KeptSession kept, SessionKeeper keeper)
    {
        lock (gate)
        {
            record = new Record(keeper) { IsOnDisk = true, IsWhole = false };
            (Expiry, lastId) = (kept.State.Expiry, kept.State.LastId);
            // Who was connected when the process ended has from now on what it would have had from then on.
            var now = Environment.TickCount64;
            ExpiresAt = kept.ExpiresAt is null ? now + Expiry * 1000L : Clock.TicksOf(kept.ExpiresAt);
            if (kept.State.Will is { } will) PendingWill = (will, kept.State.WillAt is { } at ? Clock.TicksOf(at) : now + will.Delay * 1000L);
            foreach (var one in kept.State.Received) (received ??= [])[one.Id] = new Incoming(one.At);
            foreach (var message in kept.Messages)
            {
                lastNumber = Math.Max(lastNumber, message.Number);
                record.Messages[message.Number] = Record.StateOf(message);
                if (message.PacketId is { } id) (outgoing ??= [])[id] = new Outgoing(message.Delivery, message.Number) { WasSent = true };
                else if (message.Delivery is { } delivery)
                {
                    (queue ??= new()).Enqueue(delivery);
                    queuedBytes += delivery.Message.Size;
                }
            }
        }
    }

    /// <summary>The subscriptions whose feeds wait for the client; they do so no longer.</summary>
    public IReadOnlyList<Subscription> Asleep()
    {
        lock (gate)
        {
            var asleep = subscriptions.Values.Where(subscription => subscription.IsAsleep).ToList();
            foreach (var subscription in asleep) subscription.IsAsleep = false;
            return asleep;
        }
    }

    KeptState State()
    {
        var (will, at) = PendingWill is { } pending ? (pending.Will, Clock.TimeOf(pending.At)) : (DelayedWill, null);
        return new(
            Expiry, KeptState.ClaimsOf(Client), lastId,
            [.. subscriptions.Select(one => new KeptSubscription(one.Key, one.Value.Options.Qos, one.Value.Options.NoLocal, one.Value.Options.RetainAsPublished, one.Value.Options.RetainHandling, one.Value.Identifier, one.Value.Place))],
            [.. (received ?? []).Select(one => new KeptReceived(one.Key, one.Value.At))], will, at);
    }

    /// <summary>What is known of what is on disk.</summary>
    sealed class Record(SessionKeeper keeper)
    {
        public long Version;

        public SessionKeeper Keeper => keeper;

        public bool IsOnDisk { get; set; }

        /// <summary>What is on disk is not known, or another session's.</summary>
        public bool IsWhole { get; set; } = true;

        /// <summary>Changes up to this one are on disk, or are not waited for.</summary>
        public long Passed { get; set; }

        /// <summary>Messages on disk: with which packet id, and whether only that is left of them.</summary>
        public Dictionary<long, (ushort? Id, bool IsReleased)> Messages { get; } = [];

        public static (ushort? Id, bool IsReleased) StateOf(KeptMessage message) => (message.PacketId, message.Delivery is null);
    }
}
