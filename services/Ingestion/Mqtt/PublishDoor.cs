using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.SensorThings;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt;

/// <summary>The way of a PUBLISH: may its sender, then into the log as an uplink or to Observations as an entity, then to whoever has subscribed.</summary>
sealed partial class PublishDoor(UplinkDoor uplinks, EntityDoor entities, DownlinkAnswers answers, MqttBroker broker, IngestionOptions options, ILogger<PublishDoor> logger)
{
    const int WillAttempts = 5;
    static readonly TimeSpan WillPause = TimeSpan.FromSeconds(2);

    /// <summary>Takes a message. What the task says is durable if it says that it is taken. It does not fail.</summary>
    /// <param name="session">Whose.</param>
    /// <param name="topic">Where it goes.</param>
    /// <param name="packet">The message; read before this returns.</param>
    /// <param name="credit">How far ahead its sender may live, who can be made to rest for it.</param>
    /// <param name="incoming">Of a message of QoS 2 when it came.</param>
    /// <param name="stored">Completes when that is on disk, where it must be: an uplink without a time gets this one, whenever it is taken again.</param>
    public Task<PublishOutcome> PublishAsync(MqttSession session, MqttTopic topic, in PublishPacket packet, TimeSpan credit = default, Incoming? incoming = null, Task? stored = null)
    {
        if (!TopicRights.MayPublish(session.Client, topic)) return Refused(session.Client, topic, ReasonCode.NotAuthorized, "not_authorized");
        if (packet.Payload.Length > options.LargestUplink) return Refused(session.Client, topic, ReasonCode.QuotaExceeded, "too_large", $"at most {options.LargestUplink} bytes");
        if (topic.Kind == TopicKind.SensorThings) return CreateAsync(session.Client, topic, packet.Payload.ToArray(), stored);
        if (topic.Kind == TopicKind.DownlinkAnswer) return answers.TakeAsync(topic, packet.Payload);
        if (packet is { Retain: true, Payload.IsEmpty: true }) return ForgetRetainedAsync(topic);
        if (uplinks.TurnedAway(topic.Municipality, topic.Name, credit) is { } away) return Task.FromResult(Told(topic, away));
        var (uplink, fault) = UplinkDoor.Parse(packet.Payload, PlainJson.Read, topic.Name);
        if (fault is not null) return Task.FromResult(Told(topic, fault.Value));
        (uplink.Door, uplink.Credit) = ("mqtt", credit);
        uplink.Time ??= incoming?.At;
        var message = packet.Retain || !broker.IsUnheard(topic.Municipality) ? MessageOf(session, topic, packet) : null;
        return TakeAsync(session.Client, topic, uplink, message, stored);
    }

    async Task<PublishOutcome> ForgetRetainedAsync(MqttTopic topic)
    {
        await broker.ForgetRetainedAsync(topic);
        return PublishOutcome.Taken;
    }

    /// <summary>Publishes a will. A log that is away is asked again some times; nobody waits for it.</summary>
    public async Task PublishWillAsync(MqttSession session, WillPacket will)
    {
        if (MqttTopic.Parse(will.Topic, session.Key.Municipality) is not { } topic) return;
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await PublishAsync(session, topic, new PublishPacket
            {
                Topic = topic.Utf8,
                Payload = will.Payload,
                Qos = will.Qos,
                Retain = will.Retain,
                Expiry = will.Expiry,
                Properties = will.Forwarded,
            });
            if (outcome.Message is { } message) broker.Publish(topic, message);
            if (outcome.Retry == Retry.Never || attempt == WillAttempts) return;
            await Task.Delay(WillPause);
        }
    }

    async Task<PublishOutcome> TakeAsync(MqttClient client, MqttTopic topic, UplinkMessage uplink, MqttMessage? message, Task? stored)
    {
        try
        {
            if (stored is not null) await stored;
            // What was begun is finished, whether or not the client is still there.
            var outcome = await uplinks.TakeAsync(topic.Municipality, client.Principal, uplink, CancellationToken.None);
            var told = Told(topic, outcome);
            return told.IsTaken ? told with { Message = message } : told;
        }
        catch (Exception fault)
        {
            if (!Infrastructure.IsAtFault(fault)) LogFault(topic.Municipality, fault);
            Telemetry.CountUplink(topic.Municipality, "mqtt", "unavailable");
            return new(ReasonCode.ImplementationSpecific, "this cannot be done right now; send it again", Retry.Now);
        }
    }

    async Task<PublishOutcome> CreateAsync(MqttClient client, MqttTopic topic, byte[] json, Task? stored)
    {
        PublishOutcome outcome;
        try
        {
            if (stored is not null) await stored;
            outcome = await entities.CreateAsync(client, topic, json);
        }
        catch (Exception fault)
        {
            LogFault(topic.Municipality, fault);
            outcome = new(ReasonCode.ImplementationSpecific, "this cannot be done right now; send it again", Retry.Now);
        }
        Telemetry.CountMqttEntity(topic.Municipality, outcome.IsTaken ? "created" : outcome.Retry == Retry.Never ? "refused" : "unavailable");
        return outcome;
    }

    static MqttMessage MessageOf(MqttSession session, MqttTopic topic, in PublishPacket packet) => new()
    {
        Topic = topic.Utf8,
        Payload = packet.Payload.ToArray(),
        Qos = packet.Qos,
        Retain = packet.Retain,
        Forwarded = packet.Forwarded(),
        ExpiresAt = MqttMessage.After(packet.Expiry),
        Publisher = session,
    };

    static Task<PublishOutcome> Refused(MqttClient client, MqttTopic topic, ReasonCode code, string outcome, string? reason = null)
    {
        // By the sender's municipality, never by the one that it invented.
        var municipality = client.Municipality ?? "";
        if (topic.Kind == TopicKind.SensorThings) Telemetry.CountMqttEntity(municipality, "refused");
        else Telemetry.CountUplink(municipality, "mqtt", outcome);
        return Task.FromResult(new PublishOutcome(code, reason));
    }

    static PublishOutcome Told(MqttTopic topic, in UplinkOutcome outcome)
    {
        Telemetry.CountUplink(topic.Municipality, "mqtt", outcome.Name);
        if (outcome.Error is not { } error) return PublishOutcome.Taken;
        var reason = outcome.Detail is null ? error.Title : outcome.Field is null ? $"{error.Title}: {outcome.Detail}" : $"{error.Title}: {outcome.Field} {outcome.Detail}";
        if (error == IngestionErrors.UnknownDevice) return new(ReasonCode.NotAuthorized);
        if (error == IngestionErrors.Overloaded || error == IngestionErrors.TooManyUplinks) return new(ReasonCode.QuotaExceeded, reason, Retry.Later);
        return error == IngestionErrors.NotDurable ? new(ReasonCode.ImplementationSpecific, reason, Retry.Now) : new(ReasonCode.PayloadFormatInvalid, reason);
    }

    [LoggerMessage(2050, LogLevel.Error, "a message to {Municipality} could not be handled")]
    partial void LogFault(string municipality, Exception fault);
}
