using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>One session's subscription.</summary>
sealed class Subscription(MqttSession session, MqttFilter filter, RequestedFilter options, uint identifier)
{
    readonly uint[] identifiers = identifier == 0 ? [] : [identifier];

    public uint Identifier => identifier;

    public MqttSession Session { get; } = session;

    public MqttFilter Filter { get; } = filter;

    public RequestedFilter Options { get; } = options;

    /// <summary>What its session may read of the municipality, as of the subscription.</summary>
    public string AccessClass { get; } = session.Client.AccessClass(filter.Municipality);

    /// <summary>Of a SensorThings topic: the place in its feed up to which the session has what came; null before the feed was open.</summary>
    public string? Place { get; set; }

    /// <summary>
    /// Who shares its feed. Those who have come since the process started share one; a group has its own, so that each message is one member's wherever they began; and
    /// one that was brought to life again goes on where it stood.
    /// </summary>
    public string Lane { get; set; } = filter.Group is { } group ? "group " + group : "";

    /// <summary>It was on disk, and its client has not come back: its feed is opened when it does, since the credential was not kept.</summary>
    public bool IsAsleep { get; set; }

    /// <summary>What this subscription makes of a message; null where it does not want it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="retained">Whether it was kept, and is sent because of the subscription.</param>
    public Delivery? Of(MqttMessage message, bool retained = false)
    {
        if (Options.NoLocal && ReferenceEquals(message.Publisher, Session)) return null;
        var retain = retained || (Options.RetainAsPublished && message.Retain);
        return new Delivery(message, Math.Min(message.Qos, Options.Qos), retain, identifiers);
    }
}

/// <summary>Who has subscribed to one thing: sessions for themselves, and groups, of which one member gets each message. Its owner locks it.</summary>
sealed class Subscribers
{
    readonly List<Subscription> alone = [];
    Dictionary<string, (List<Subscription> Members, int Turn)>? groups;

    public bool IsEmpty => alone.Count == 0 && groups is null or { Count: 0 };

    public IEnumerable<Subscription> All => groups is null ? alone : alone.Concat(groups.Values.SelectMany(group => group.Members));

    /// <summary>Adds one, in place of the same session's earlier one.</summary>
    public void Add(Subscription subscription)
    {
        Remove(subscription.Session, subscription.Filter.Group);
        if (subscription.Filter.Group is not { } group) alone.Add(subscription);
        else
        {
            groups ??= new(StringComparer.Ordinal);
            if (!groups.TryGetValue(group, out var members)) members = ([], 0);
            members.Members.Add(subscription);
            groups[group] = members;
        }
    }

    /// <summary>Takes one out; false if there was none.</summary>
    public bool Remove(MqttSession session, string? group)
    {
        if (group is null) return alone.RemoveAll(one => one.Session == session) > 0;
        if (groups is null || !groups.TryGetValue(group, out var members)) return false;
        var removed = members.Members.RemoveAll(one => one.Session == session) > 0;
        if (members.Members.Count == 0) groups.Remove(group);
        return removed;
    }

    /// <summary>Adds to <paramref name="receivers"/> whoever gets the next message.</summary>
    public void Receive(List<Subscription> receivers)
    {
        receivers.AddRange(alone);
        if (groups is null) return;
        foreach (var name in groups.Keys.ToList())
        {
            var (members, turn) = groups[name];
            // The next one that is there; where nobody is, the next one whose session waits for it.
            var chosen = 0;
            for (var i = 0; i < members.Count; i++)
            {
                chosen = (turn + i) % members.Count;
                if (members[chosen].Session.IsConnected) break;
                if (i == members.Count - 1) chosen = turn % members.Count;
            }
            receivers.Add(members[chosen]);
            groups[name] = (members, (chosen + 1) % members.Count);
        }
    }
}
