using System.Collections.Concurrent;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.SensorThings;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Brings messages to who has subscribed: of devices' topics from here, of SensorThings' topics from Observations' feed.</summary>
sealed class MqttBroker(MqttOptions options, FeedStreams feeds, Municipalities municipalities)
{
    readonly ConcurrentDictionary<string, TownTopics> towns = new(StringComparer.Ordinal);

    /// <summary>Is told when a subscription cannot be served any longer: the session is over, so that its client knows that it missed something.</summary>
    public Action<MqttSession, ReasonCode, string?> SubscriptionLost { set => feeds.Lost = value; }

    /// <summary>Whether nobody has subscribed to anything of the municipality's devices.</summary>
    public bool IsUnheard(string municipality) => !towns.TryGetValue(municipality, out var town) || town.IsUnheard;

    /// <summary>Whether somebody who is connected here would get a message of a device's topic.</summary>
    public bool IsHeard(MqttTopic topic) => towns.TryGetValue(topic.Municipality, out var town) && town.IsHeard(topic);

    /// <summary>Sends a message to the subscribers of a device's topic. Returns whether there are any.</summary>
    public bool Publish(MqttTopic topic, MqttMessage message) => Of(topic.Municipality).Publish(topic, message);

    /// <summary>Forgets what is retained for a topic.</summary>
    public void ForgetRetained(MqttTopic topic)
    {
        if (towns.TryGetValue(topic.Municipality, out var town)) town.ForgetRetained(topic);
    }

    /// <summary>Subscribes.</summary>
    public async Task<Subscribed> SubscribeAsync(MqttSession session, RequestedFilter requested, uint identifier)
    {
        if (MqttFilter.Parse(requested.Filter, options, out var fault) is not { } filter) return new(fault);
        if (!TopicRights.MaySubscribe(session.Client, filter) || municipalities.Find(filter.Municipality) is null) return new(ReasonCode.NotAuthorized);
        var subscription = new Subscription(session, filter, requested, identifier);
        var before = session.Add(requested.Filter, subscription, out var isKept);
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

/// <summary>What came of a subscription.</summary>
/// <param name="Code">As SUBACK says it.</param>
/// <param name="Reason">In words why not.</param>
readonly record struct Subscribed(ReasonCode Code, string? Reason = null)
{
    /// <summary>What the subscriber is to get at once, after SUBACK.</summary>
    public IReadOnlyList<Delivery> Retained { get; init; } = [];
}
