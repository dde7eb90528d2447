using System.Collections.Concurrent;
using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.SensorThings;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Brings messages to who has subscribed: of devices' topics from here, of SensorThings' topics from Observations' feed.</summary>
sealed class MqttBroker(MqttOptions options, FeedStreams feeds, SessionKeeper keeper, Municipalities municipalities)
{
    static readonly TimeSpan FeedTriedEvery = TimeSpan.FromSeconds(2);

    readonly ConcurrentDictionary<string, TownTopics> towns = new(StringComparer.Ordinal);
    Action<MqttSession, ReasonCode, string?>? lost;

    /// <summary>Is told when a subscription cannot be served any longer: the session is over, so that its client knows that it missed something.</summary>
    public Action<MqttSession, ReasonCode, string?> SubscriptionLost { set => feeds.Lost = lost = value; }

    /// <summary>Whether nobody has subscribed to anything of the municipality's devices.</summary>
    public bool IsUnheard(string municipality) => !towns.TryGetValue(municipality, out var town) || town.IsUnheard;

    /// <summary>Whether somebody who is connected here would get a message of a device's topic.</summary>
    public bool IsHeard(MqttTopic topic) => towns.TryGetValue(topic.Municipality, out var town) && town.IsHeard(topic);

    /// <summary>Sends a message to the subscribers of a device's topic, and retains it if it says so.</summary>
    public Published Publish(MqttTopic topic, MqttMessage message)
    {
        var receivers = Of(topic.Municipality).Publish(topic, message, out var isRetained);
        var stored = isRetained ? keeper.RetainedAsync(topic, message) : Task.CompletedTask;
        // All of a municipality's sessions are written together: the last one's task is that of all.
        if (message.Qos > 0)
            foreach (var session in receivers)
                if (session.StoredAsync() is { IsCompleted: false } one) stored = one;
        return new(receivers.Count > 0, stored);
    }

    /// <summary>Forgets what is retained for a topic; completes when that is on disk.</summary>
    public Task ForgetRetainedAsync(MqttTopic topic)
    {
        Of(topic.Municipality).ForgetRetained(topic);
        return keeper.RetainedAsync(topic, null);
    }

    /// <summary>What was retained before the process started.</summary>
    public void RestoreRetained(MqttTopic topic, MqttMessage message) => Of(topic.Municipality).Restore(topic, message);

    /// <summary>Puts a subscription that was on disk where it stood. The feed of a SensorThings topic is opened when its client is back.</summary>
    public void Restore(MqttSession session, KeptSubscription kept)
    {
        if (MqttFilter.Parse(kept.Filter, session.Key.Municipality, options, out _) is not { } filter) return;
        var wish = new RequestedFilter(kept.Filter, kept.Qos, kept.NoLocal, kept.RetainAsPublished, kept.RetainHandling);
        var subscription = new Subscription(session, filter, wish, kept.Identifier) { Place = kept.Place, IsAsleep = filter.SensorThings is not null };
        if (subscription.IsAsleep && filter.Group is null) subscription.Lane = $"session {session.Key.Holder}\n{session.Key.ClientId}";
        session.Add(kept.Filter, subscription, out _);
        if (!subscription.IsAsleep) Of(filter.Municipality).Subscribe(subscription, isNew: true);
    }

    /// <summary>A client is back whose session was on disk: its feeds go on where they stood. While Observations is away they wait.</summary>
    public async Task AwakenAsync(MqttSession session)
    {
        foreach (var subscription in session.Asleep())
            while (!session.IsOver)
            {
                var (code, reason) = await feeds.JoinAsync(subscription);
                if (code == ReasonCode.ImplementationSpecific) await Task.Delay(FeedTriedEvery);
                else
                {
                    if (code != ReasonCode.Success) lost?.Invoke(session, code, reason);
                    break;
                }
            }
    }

    /// <summary>Subscribes.</summary>
    public async Task<Subscribed> SubscribeAsync(MqttSession session, RequestedFilter requested, uint identifier)
    {
        if (MqttFilter.Parse(requested.Filter, session.Client.Municipality, options, out var fault) is not { } filter) return new(fault);
        if (!TopicRights.MaySubscribe(session.Client, filter) || municipalities.Find(filter.Municipality) is null) return new(ReasonCode.NotAuthorized);
        var subscription = new Subscription(session, filter, requested, identifier);
        var before = session.Add(requested.Filter, subscription, out var isKept);
        // The same filter again goes on in the same feed.
        if (before is not null) (subscription.Lane, subscription.Place) = (before.Lane, before.Place);
        if (!isKept) return new(ReasonCode.QuotaExceeded, $"at most {options.MostSubscriptions} subscriptions");
        List<Delivery> retained = [];
        if (filter.SensorThings is null) retained = Of(filter.Municipality).Subscribe(subscription, isNew: before is null);
        else
        {
            var (code, reason) = await feeds.JoinAsync(subscription);
            if (code != ReasonCode.Success)
            {
                session.Remove(requested.Filter);
                return new(code, reason);
            }
        }
        // A session that ended meanwhile has not seen this one.
        if (session.IsOver) Leave(subscription);
        return new((ReasonCode)requested.Qos) { Retained = retained };
    }

    /// <summary>Ends a session's subscription.</summary>
    public ReasonCode Unsubscribe(MqttSession session, string filter)
    {
        if (session.Remove(filter) is not { } subscription) return ReasonCode.NoSubscriptionExisted;
        Leave(subscription);
        return ReasonCode.Success;
    }

    /// <summary>Takes a subscription out where it stands.</summary>
    public void Leave(Subscription subscription)
    {
        if (subscription.Filter.SensorThings is not null) feeds.Leave(subscription);
        else if (towns.TryGetValue(subscription.Filter.Municipality, out var town)) town.Unsubscribe(subscription.Session, subscription.Filter);
    }

    TownTopics Of(string municipality) => towns.GetOrAdd(municipality, static (_, options) => new TownTopics(options), options);
}

/// <summary>What came of a message to subscribers.</summary>
/// <param name="IsHeard">Whether there are any.</param>
/// <param name="Stored">Completes when it is on disk for those who need not be connected, and as a retained message.</param>
readonly record struct Published(bool IsHeard, Task Stored);

/// <summary>What came of a subscription.</summary>
/// <param name="Code">As SUBACK says it.</param>
/// <param name="Reason">In words why not.</param>
readonly record struct Subscribed(ReasonCode Code, string? Reason = null)
{
    /// <summary>What the subscriber is to get at once, after SUBACK.</summary>
    public IReadOnlyList<Delivery> Retained { get; init; } = [];
}
