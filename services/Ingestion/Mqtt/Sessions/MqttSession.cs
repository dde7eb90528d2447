using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.Sessions;

/// <summary>
/// Names a session. A client id counts within a municipality and a credential's holder, so that nobody ends another's session by calling itself the same:
/// two devices with their own keys may even have the same id.
/// </summary>
/// <param name="Municipality">Whose; empty without a credential.</param>
/// <param name="Holder">The device, key or client; the address where there is no credential.</param>
/// <param name="ClientId">As the client named itself.</param>
readonly record struct SessionKey(string Municipality, string Holder, string ClientId);

/// <summary>
/// What outlives a connection (4.1): subscriptions, messages that wait or are not acknowledged, and the ids of messages of QoS 2 that are not released.
/// </summary>
sealed partial class MqttSession(SessionKey key, MqttClient client, MqttOptions options)
{
    readonly Lock gate = new();
    MqttConnection? connection;
    Queue<Delivery>? queue;
    int queuedBytes;
    OrderedDictionary<ushort, Outgoing>? outgoing;
    int sent;
    ushort lastId;
    long lastNumber;
    Dictionary<ushort, Incoming>? received;
    readonly Dictionary<string, Subscription> subscriptions = new(StringComparer.Ordinal);
    bool ended;

    public SessionKey Key { get; } = key;

    /// <summary>Who it belongs to, as of the latest connection.</summary>
    public MqttClient Client { get; private set; } = client;

    /// <summary>Seconds that it outlives a connection.</summary>
    public uint Expiry { get; set; }

    /// <summary>When it ends, in <see cref="Environment.TickCount64"/>, while nobody is connected.</summary>
    public long ExpiresAt { get; set; } = long.MaxValue;

    /// <summary>The will of the connection that broke, and when it is due.</summary>
    public (WillPacket Will, long At)? PendingWill { get; set; }

    /// <summary>Called once, when a message could not be kept for it.</summary>
    public Action<MqttSession>? Overflowed { get; init; }

    /// <summary>The connection that has it, from the moment that it was taken over.</summary>
    public MqttConnection? Owner { get; private set; }

    public bool IsConnected => Volatile.Read(ref connection) is not null;

    /// <summary>True once it has ended.</summary>
    public bool IsOver
    {
        get
        {
            lock (gate) return ended;
        }
    }

    /// <summary>A connection takes the session; it gets nothing yet. Returns the connection that had it.</summary>
    public MqttConnection? TakeOver(MqttConnection by, MqttClient its)
    {
        lock (gate)
        {
            var before = Owner;
            (Owner, connection, Client) = (by, null, its);
            (ExpiresAt, PendingWill) = (long.MaxValue, null);
            return before;
        }
    }

    /// <summary>After CONNACK: sends what is not acknowledged (4.4), then what waits.</summary>
    public void Resume(MqttConnection by)
    {
        lock (gate)
        {
            if (Owner != by || ended) return;
            connection = by;
            sent = 0;
            if (outgoing is not null)
                foreach (var one in outgoing.Values) one.IsSent = false;
        }
        Pump();
    }

    /// <summary>The connection is over; false if another has the session already.</summary>
    public bool Leave(MqttConnection by)
    {
        lock (gate)
        {
            if (Owner != by) return false;
            (Owner, connection) = (null, null);
            // What is worth nothing later does not wait (4.1: QoS 0 is no session state).
            if (queue is { Count: > 0 })
            {
                var kept = queue.Where(delivery => delivery.Qos > 0).ToList();
                queue = new(kept);
                queuedBytes = kept.Sum(delivery => delivery.Message.Size);
            }
            return true;
        }
    }

    /// <summary>Ends it. Returns its subscriptions, which are to be taken out where they stand, and the connection that had it.</summary>
    public (IReadOnlyList<Subscription> Subscriptions, MqttConnection? Owner) End()
    {
        lock (gate)
        {
            ended = true;
            var (left, owner) = (subscriptions.Values.ToList(), Owner);
            subscriptions.Clear();
            (queue, outgoing, received, connection, Owner) = (null, null, null, null, null);
            return (left, owner);
        }
    }

    /// <summary>Notes a subscription under its filter, and returns the one that it replaces.</summary>
    /// <param name="filter">The filter as it was sent.</param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="isKept">False if there is no room for it.</param>
    public Subscription? Add(string filter, Subscription subscription, out bool isKept)
    {
        lock (gate)
        {
            var before = subscriptions.GetValueOrDefault(filter);
            isKept = !ended && (before is not null || subscriptions.Count < options.MostSubscriptions);
            if (isKept) subscriptions[filter] = subscription;
            return before;
        }
    }

    /// <summary>Forgets a subscription; null if there is none.</summary>
    public Subscription? Remove(string filter)
    {
        lock (gate) return subscriptions.Remove(filter, out var removed) ? removed : null;
    }

    /// <summary>Takes a message for the client. Never waits: who is slow has a queue, and who is too slow loses QoS 0, or the session.</summary>
    public void Enqueue(in Delivery delivery)
    {
        if (TryEnqueue(delivery)) Pump();
        else Overflow();
    }

    /// <summary>Takes a message, and sends nothing yet. False if there is no room for it, and the session is lost.</summary>
    public bool TryEnqueue(in Delivery delivery)
    {
        lock (gate)
        {
            if (ended || (delivery.Qos == 0 && connection is null)) return true;
            queue ??= new Queue<Delivery>();
            if (queue.Count >= options.MostQueued || queuedBytes + delivery.Message.Size > options.MostBytesQueued)
            {
                Telemetry.CountMqttRefusal(delivery.Qos == 0 ? "dropped" : "queue_full");
                return delivery.Qos == 0;
            }
            queue.Enqueue(delivery with { Number = ++lastNumber });
            queuedBytes += delivery.Message.Size;
        }
        if (delivery.Qos > 0) Touch();
        return true;
    }

    /// <summary>A session whose queue is full is over.</summary>
    public void Overflow() => Overflowed?.Invoke(this);

    /// <summary>Sends as much as the client takes.</summary>
    public void Pump()
    {
        MqttSender? sender = null;
        lock (gate)
        {
            if (connection is not { } to) return;
            if (outgoing is { Count: > 0 } && sent < outgoing.Count) SendAgain(to);
            while (queue is { Count: > 0 } && to.Sender.HasRoom)
            {
                var delivery = queue.Peek();
                if (delivery.Qos > 0 && (outgoing?.Count ?? 0) >= to.ReceiveMaximum) break;
                queue.Dequeue();
                queuedBytes -= delivery.Message.Size;
                if (delivery.Message.ExpiresAt > Environment.TickCount64) Send(to, delivery);
            }
            sender = to.Sender;
        }
        sender.Flush();
    }

    /// <summary>PUBACK of the client.</summary>
    public void Acknowledge(ushort id, ReasonCode code)
    {
        Delivery? delivery;
        lock (gate)
        {
            delivery = outgoing?.GetValueOrDefault(id)?.Delivery;
            Forget(id, released: false);
        }
        if (code < ReasonCode.Unspecified) delivery?.Message.Acknowledged?.Invoke(this);
        Touch();
        Pump();
    }

    /// <summary>PUBREC of the client: it has the message. PUBREL follows, where the session is kept once that is on disk. False if there is no such message.</summary>
    public bool Received(ushort id, ReasonCode code)
    {
        lock (gate)
        {
            if (outgoing is null || !outgoing.TryGetValue(id, out var one)) return false;
            if (code >= ReasonCode.Unspecified) Forget(id, released: false);
            else
            {
                if (one.IsSent) sent--;
                outgoing[id] = new Outgoing(null, one.Number) { WaitsFor = Storing() };
            }
        }
        Touch();
        Pump();
        return true;
    }

    /// <summary>PUBCOMP of the client.</summary>
    public void Complete(ushort id)
    {
        lock (gate) Forget(id, released: true);
        Touch();
        Pump();
    }

    /// <summary>How many messages of QoS 2 are here that the client has not released.</summary>
    public int Unreleased
    {
        get
        {
            lock (gate) return received?.Count ?? 0;
        }
    }

    /// <summary>The message of QoS 2 with this id, which was begun earlier, perhaps on another connection; null if it is new.</summary>
    public Incoming? Begun(ushort id)
    {
        lock (gate) return received?.GetValueOrDefault(id);
    }

    public void Begin(ushort id, Incoming incoming)
    {
        lock (gate) (received ??= [])[id] = incoming;
    }

    /// <summary>PUBREL of the client, or the message was refused: its id is free. False if it was already.</summary>
    public bool Release(ushort id)
    {
        lock (gate)
            if (received?.Remove(id) != true) return false;
        Touch();
        return true;
    }

    /// <summary>Sends what is not acknowledged on this connection, in its order, as far as it may be sent.</summary>
    void SendAgain(MqttConnection to)
    {
        List<ushort>? tooLarge = null;
        foreach (var (id, one) in outgoing!)
        {
            if (sent == outgoing.Count) break;
            if (one.IsSent) continue;
            if (sent >= to.ReceiveMaximum || (record is { } its && one.WaitsFor > its.Passed)) break;
            if (one.Delivery is not { } delivery) to.Sender.Write(PacketType.PubRel, new AckPacket(id, ReasonCode.Success));
            else if (!Write(to, delivery, id, one.WasSent))
            {
                (tooLarge ??= []).Add(id);
                continue;
            }
            one.IsSent = one.WasSent = true;
            sent++;
        }
        foreach (var id in tooLarge ?? []) outgoing.Remove(id);
    }

    void Send(MqttConnection to, in Delivery delivery)
    {
        var id = delivery.Qos > 0 ? NextId() : (ushort)0;
        if (delivery.Qos == 2 && record is not null)
        {
            // Exactly once, whatever happens to the process: the id is on disk before the client sees it.
            (outgoing ??= [])[id] = new Outgoing(delivery, delivery.Number) { WaitsFor = Storing() };
            // At once, where the database is away.
            SendAgain(to);
            return;
        }
        if (!Write(to, delivery, id, dup: false) || id == 0) return;
        (outgoing ??= [])[id] = new Outgoing(delivery, delivery.Number) { IsSent = true, WasSent = true };
        sent++;
    }

    /// <summary>False for what is too large for the client: that counts as delivered (3.1.2.11.4).</summary>
    bool Write(MqttConnection to, in Delivery delivery, ushort id, bool dup)
    {
        if (!to.Sender.Write(delivery, id, dup))
        {
            Telemetry.CountMqttRefusal("too_large_for_client");
            return false;
        }
        if (!dup) Telemetry.CountMqttDelivery(Key.Municipality);
        return true;
    }

    void Forget(ushort id, bool released)
    {
        if (outgoing is null || !outgoing.TryGetValue(id, out var one) || (released && one.Delivery is not null)) return;
        outgoing.Remove(id);
        if (one.IsSent) sent--;
    }

    ushort NextId()
    {
        do lastId = lastId == ushort.MaxValue ? (ushort)1 : (ushort)(lastId + 1);
        while (outgoing?.ContainsKey(lastId) == true);
        return lastId;
    }

    /// <param name="delivery">The message; null once the client has it (QoS 2).</param>
    /// <param name="number">Its place in the session's order.</param>
    sealed class Outgoing(Delivery? delivery, long number)
    {
        public Delivery? Delivery => delivery;

        public long Number => number;

        /// <summary>Whether it was sent on this connection.</summary>
        public bool IsSent { get; set; }

        /// <summary>Whether it was sent on any.</summary>
        public bool WasSent { get; set; }

        /// <summary>The change that must be on disk before it is sent.</summary>
        public long WaitsFor { get; init; }
    }
}

/// <summary>A message of QoS 2 on its way in, until the client releases it.</summary>
/// <param name="at">When it came, in microseconds: of a message without a time its time, the same if it is taken again after a restart.</param>
sealed class Incoming(DateTimeOffset at)
{
    public DateTimeOffset At => at;

    /// <summary>What becomes of it; null if that was another process's business.</summary>
    public Task<PublishOutcome>? Outcome { get; set; }
}
