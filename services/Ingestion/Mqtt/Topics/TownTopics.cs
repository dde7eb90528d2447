using Allmende.Ingestion.Mqtt.Sessions;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>
/// The topics of one municipality's devices: who has subscribed to which here, and what is retained. A municipality's wildcards are looked
/// up in its own tree, so they cannot reach another's topics.
/// </summary>
sealed class TownTopics(MqttOptions options)
{
    readonly Lock gate = new();
    readonly Node root = new();
    readonly Dictionary<string, (MqttTopic Topic, MqttMessage Message)> retained = new(StringComparer.Ordinal);
    int subscriptions;

    /// <summary>True while nobody has subscribed: then a message need not be kept in any form.</summary>
    public bool IsUnheard => Volatile.Read(ref subscriptions) == 0;

    /// <summary>Whether somebody who is connected would get a message of the topic.</summary>
    public bool IsHeard(MqttTopic topic)
    {
        lock (gate) return subscriptions > 0 && Any(root, topic.Text.Split('/'), 0, one => one.Session.IsConnected && TopicRights.MayReceive(one.Session.Client, topic));
    }

    /// <summary>Adds a subscription, and returns what is retained for it.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="isNew">False if it replaces one of the same filter.</param>
    public List<Delivery> Subscribe(Subscription subscription, bool isNew)
    {
        var kept = new List<Delivery>();
        lock (gate)
        {
            var node = root;
            foreach (var level in subscription.Filter.Levels) node = node.Child(level);
            node.Subscribers.Add(subscription);
            if (isNew) Interlocked.Increment(ref subscriptions);
            var handling = subscription.Options.RetainHandling;
            if (subscription.Filter.Group is null && (handling == 0 || (handling == 1 && isNew)))
                foreach (var (topic, message) in retained.Values)
                    if (Matches(subscription.Filter.Levels, topic.Text) && TopicRights.MayReceive(subscription.Session.Client, topic)
                        && message.ExpiresAt > Environment.TickCount64 && subscription.Of(message, retained: true) is { } delivery)
                        kept.Add(delivery);
        }
        return kept;
    }

    public void Unsubscribe(MqttSession session, MqttFilter filter)
    {
        lock (gate)
            if (Remove(root, filter, 0, session)) Interlocked.Decrement(ref subscriptions);
    }

    /// <summary>Puts a message into the sessions of all whose filters match, once each, and retains it if it says so.</summary>
    /// <param name="topic">Where it was published.</param>
    /// <param name="message">The message.</param>
    /// <param name="isRetained">Whether it is retained from now on.</param>
    /// <returns>The sessions that got it.</returns>
    public IReadOnlyCollection<MqttSession> Publish(MqttTopic topic, MqttMessage message, out bool isRetained)
    {
        var receivers = new List<Subscription>();
        lock (gate)
        {
            isRetained = message.Retain && Retain(topic, message);
            if (subscriptions == 0) return [];
            Collect(root, topic.Text.Split('/'), 0, receivers);
        }
        var deliveries = new Dictionary<MqttSession, Delivery>();
        foreach (var subscription in receivers)
        {
            if (!TopicRights.MayReceive(subscription.Session.Client, topic) || subscription.Of(message) is not { } delivery) continue;
            // 3.3.4: one message for all of a session's filters, with the highest QoS and all identifiers.
            deliveries[subscription.Session] = deliveries.TryGetValue(subscription.Session, out var other)
                ? new Delivery(message, Math.Max(delivery.Qos, other.Qos), delivery.Retain || other.Retain, [.. other.Identifiers, .. delivery.Identifiers])
                : delivery;
        }
        foreach (var (session, delivery) in deliveries) session.Enqueue(delivery);
        return deliveries.Keys;
    }

    /// <summary>Forgets what is retained for a topic (3.3.1.3: an empty payload).</summary>
    public void ForgetRetained(MqttTopic topic)
    {
        lock (gate) retained.Remove(topic.Text);
    }

    /// <summary>Retains what was retained before the process started.</summary>
    public void Restore(MqttTopic topic, MqttMessage message)
    {
        lock (gate) Retain(topic, message);
    }

    bool Retain(MqttTopic topic, MqttMessage message)
    {
        if (retained.Count >= options.MostRetained && !retained.ContainsKey(topic.Text))
        {
            Telemetry.CountMqttRefusal("retained");
            return false;
        }
        retained[topic.Text] = (topic, message);
        return true;
    }

    static void Collect(Node node, string[] levels, int at, List<Subscription> receivers)
    {
        // "a/#" matches "a" too (4.7.1.2).
        if (node.Children?.GetValueOrDefault("#") is { } all) all.Subscribers.Receive(receivers);
        if (at == levels.Length)
        {
            node.Subscribers.Receive(receivers);
            return;
        }
        if (node.Children is null) return;
        if (node.Children.TryGetValue(levels[at], out var same)) Collect(same, levels, at + 1, receivers);
        if (node.Children.TryGetValue("+", out var any)) Collect(any, levels, at + 1, receivers);
    }

    static bool Any(Node node, string[] levels, int at, Func<Subscription, bool> fits)
    {
        if (node.Children?.GetValueOrDefault("#") is { } all && all.Subscribers.All.Any(fits)) return true;
        if (at == levels.Length) return node.Subscribers.All.Any(fits);
        return node.Children is not null
            && ((node.Children.TryGetValue(levels[at], out var same) && Any(same, levels, at + 1, fits)) || (node.Children.TryGetValue("+", out var any) && Any(any, levels, at + 1, fits)));
    }

    static bool Remove(Node node, MqttFilter filter, int at, MqttSession session)
    {
        if (at == filter.Levels.Length) return node.Subscribers.Remove(session, filter.Group);
        if (node.Children is null || !node.Children.TryGetValue(filter.Levels[at], out var child)) return false;
        var removed = Remove(child, filter, at + 1, session);
        if (child.IsEmpty) node.Children.Remove(filter.Levels[at]);
        return removed;
    }

    static bool Matches(string[] filter, string topic)
    {
        var levels = topic.Split('/');
        for (var i = 0; i < filter.Length; i++)
        {
            if (filter[i] == "#") return true;
            if (i == levels.Length || (filter[i] != "+" && filter[i] != levels[i])) return false;
        }
        return filter.Length == levels.Length;
    }

    sealed class Node
    {
        public Dictionary<string, Node>? Children { get; private set; }

        public Subscribers Subscribers { get; } = new();

        public bool IsEmpty => Subscribers.IsEmpty && Children is null or { Count: 0 };

        public Node Child(string level)
        {
            Children ??= new(StringComparer.Ordinal);
            if (!Children.TryGetValue(level, out var child)) Children[level] = child = new Node();
            return child;
        }
    }
}
