using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt;

/// <summary>PUBLISH and its acknowledgements, in both directions (3.3 to 3.7, 4.3).</summary>
sealed partial class MqttConnection
{
    void TakePublish(byte first, ReadOnlySpan<byte> body)
    {
        var packet = PublishPacket.Decode(first, body, level, PropertyTable.PublishToServer, out var fault);
        if (fault != ReasonCode.Success || !TryFindTopic(packet, out var topic, out fault))
        {
            Stop(fault);
            return;
        }
        var incoming = packet.Qos == 2 ? session!.Begun(packet.PacketId) : null;
        // 3.3.1.1: what is sent again says so; else the id is in use again, and the release before it was not written any more.
        if (incoming is { Outcome: null } && !packet.Dup) incoming = null;
        var outcome = incoming?.Outcome;
        var isRepeated = outcome is not null;
        if (level == ProtocolLevel.V5 && packet.Qos > 0 && outcome is null && acks.Unacknowledged + session!.Unreleased >= server.Options.ReceiveMaximum)
        {
            Stop(ReasonCode.ReceiveMaximumExceeded);
            return;
        }
        if (outcome is null)
        {
            // MQTT 5 is told by reason code, QoS 0 and 3.1.1 by the speed at which they are read.
            var credit = level == ProtocolLevel.V5 && packet.Qos > 0 ? TimeSpan.Zero : Credit;
            outcome = packet.Qos == 2 ? TakeOnce(incoming, topic, packet, credit) : topic is null ? UnknownTopic() : server.Door.PublishAsync(session!, topic, packet, credit);
            if (credit > TimeSpan.Zero && topic is { Kind: TopicKind.Uplink }) Rest(server.Limits.RestOf(topic.Municipality, topic.Name));
        }
        var isKnown = outcome.IsCompletedSuccessfully;
        if (isKnown) outcome = RestFor(outcome.Result) ?? outcome;
        acks.Add(new PendingAck(
            packet.Qos switch { 0 => default, 1 => PacketType.PubAck, _ => PacketType.PubRec }, packet.PacketId, outcome, isRepeated ? null : topic, body.Length, isKnown));
    }

    /// <summary>Takes a message of QoS 2: where the session is kept, that it came, and when, is on disk before it is taken, and again after a restart it is the same message.</summary>
    Task<PublishOutcome> TakeOnce(Incoming? incoming, MqttTopic? topic, in PublishPacket packet, TimeSpan credit)
    {
        Task? stored = null;
        if (incoming is null)
        {
            var now = DateTimeOffset.UtcNow;
            incoming = new Incoming(now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond)));
            session!.Begin(packet.PacketId, incoming);
            if (session.IsKept) stored = session.StoredAsync();
        }
        return incoming.Outcome = topic is null ? UnknownTopic() : server.Door.PublishAsync(session!, topic, packet, credit, incoming, stored);
    }

    Task<PublishOutcome> UnknownTopic()
    {
        Telemetry.CountUplink(client.Municipality ?? "", "mqtt", "unknown_topic");
        return Task.FromResult(new PublishOutcome(ReasonCode.TopicNameInvalid));
    }

    /// <summary>The topic by name or alias; null if the platform has none of that name.</summary>
    bool TryFindTopic(in PublishPacket packet, out MqttTopic? topic, out ReasonCode fault)
    {
        (topic, fault) = (null, ReasonCode.TopicAliasInvalid);
        if (packet.TopicAlias > server.Options.TopicAliasMaximum) return false;
        fault = ReasonCode.ProtocolError;
        if (packet.Topic.IsEmpty)
        {
            topic = aliases?[packet.TopicAlias - 1];
            return topic is not null;
        }
        // A device says the same topic again and again.
        if (!lastTopicIsKnown || !packet.Topic.SequenceEqual(lastTopicUtf8))
        {
            lastTopicUtf8 = packet.Topic.ToArray();
            lastTopic = packet.Topic.Length <= server.Options.LongestTopic ? MqttTopic.Parse(System.Text.Encoding.UTF8.GetString(packet.Topic), client.Municipality) : null;
            lastTopicIsKnown = true;
        }
        topic = lastTopic;
        if (packet.TopicAlias > 0) (aliases ??= new MqttTopic?[server.Options.TopicAliasMaximum])[packet.TopicAlias - 1] = topic;
        return true;
    }

    /// <summary>
    /// Answers a message. MQTT 5 says what became of it. 3.1.1 can only say that it need not be sent again: said of what is durable, and of what never could be;
    /// for the rest the connection ends, and the client sends it again; what came later is not acknowledged either.
    /// </summary>
    async ValueTask FinishAsync(PendingAck pending, PublishOutcome outcome)
    {
        if (!pending.IsRestedFor) _ = RestFor(outcome);
        if (outcome.Message is { } message && pending.Topic is { } topic)
        {
            var stored = server.Broker.Publish(topic, message).Stored;
            if (pending.Type != default) await stored;
        }
        if (pending.Type == PacketType.PubRec && !outcome.IsTaken && (level == ProtocolLevel.V5 || outcome.Retry != Retry.Never)) session?.Release(pending.PacketId);
        if (pending.Type == default || isSilent) return;
        if (outcome.Retry == Retry.Now || (outcome.Retry == Retry.Later && level == ProtocolLevel.V311))
        {
            isSilent = true;
            Stop(ReasonCode.ServerBusy, outcome.Reason);
            return;
        }
        Sender.Write(pending.Type, new AckPacket(pending.PacketId, level == ProtocolLevel.V5 ? outcome.Code : ReasonCode.Success), outcome.Reason);
    }

    void TakeAck(PacketType type, ReadOnlySpan<byte> body)
    {
        var packet = AckPacket.Decode(type, body, level, out var fault);
        if (fault != ReasonCode.Success)
        {
            Stop(fault);
            return;
        }
        switch (type)
        {
            case PacketType.PubAck:
                session!.Acknowledge(packet.PacketId, packet.Code);
                break;
            case PacketType.PubRec:
                // PUBREL follows from the session.
                if (!session!.Received(packet.PacketId, packet.Code) && packet.Code < ReasonCode.Unspecified) Answer(PacketType.PubRel, packet.PacketId, ReasonCode.PacketIdNotFound);
                break;
            case PacketType.PubRel:
                Answer(PacketType.PubComp, packet.PacketId, session!.Release(packet.PacketId) ? ReasonCode.Success : ReasonCode.PacketIdNotFound);
                break;
            default:
                session!.Complete(packet.PacketId);
                break;
        }
    }

    void Answer(PacketType type, ushort id, ReasonCode code)
    {
        Sender.Write(type, new AckPacket(id, code));
        Sender.Flush();
    }
}
