using Allmende.Ingestion.Mqtt.Protocol;

namespace Allmende.Ingestion.Mqtt;

/// <summary>SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10), and DISCONNECT (3.14).</summary>
sealed partial class MqttConnection
{
    void TakeSubscribe(ReadOnlySpan<byte> body)
    {
        if (SubscribePacket.Decode(body, level, out var fault) is { } packet) Follow(() => SubscribeAsync(packet));
        else Stop(fault);
    }

    void TakeUnsubscribe(ReadOnlySpan<byte> body)
    {
        if (UnsubscribePacket.Decode(body, level, out var fault) is { } packet)
            Follow(async () =>
            {
                var codes = packet.Filters.Select(filter => server.Broker.Unsubscribe(session!, filter)).ToList();
                await session!.StoredAsync();
                Sender.Send(PacketType.UnsubAck, new SubAckPacket(packet.PacketId, codes));
            });
        else Stop(fault);
    }

    /// <summary>Subscriptions are made one after the other, beside the messages; no third packet of them is read before the first is done.</summary>
    void Follow(Func<Task> work)
    {
        var before = subscribing;
        subscribing = Task.Run(async () =>
        {
            await before;
            await work();
        });
        next = before;
    }

    async Task SubscribeAsync(SubscribePacket packet)
    {
        var answers = new List<Subscribed>();
        try
        {
            // At once: one that waits for its feed holds up none of the others.
            answers.AddRange(await Task.WhenAll(packet.Filters.Take(server.Options.MostSubscriptions).Select(filter => server.Broker.SubscribeAsync(session!, filter, packet.Identifier))));
        }
        catch (Exception fault)
        {
            LogFault(fault);
            Stop(ReasonCode.ImplementationSpecific);
            return;
        }
        while (answers.Count < packet.Filters.Count) answers.Add(new(ReasonCode.QuotaExceeded));
        await session!.StoredAsync();
        Sender.Send(PacketType.SubAck, new SubAckPacket(packet.PacketId, [.. answers.Select(answer => answer.Code)]), answers.Select(answer => answer.Reason).FirstOrDefault(reason => reason is not null));
        foreach (var answer in answers)
        {
            foreach (var delivery in answer.Retained) session!.Enqueue(delivery);
            if (answer.Code >= ReasonCode.Unspecified) Telemetry.CountMqttRefusal("subscription_" + NameOf(answer.Code));
        }
    }

    void TakeDisconnect(ReadOnlySpan<byte> body)
    {
        var packet = DisconnectPacket.Decode(body, level, out var fault);
        if (fault == ReasonCode.Success && packet.SessionExpiry is > 0 && session!.Expiry == 0) fault = ReasonCode.ProtocolError;
        if (fault != ReasonCode.Success)
        {
            Stop(fault);
            return;
        }
        if (packet.SessionExpiry is { } expiry) session!.Expiry = Math.Min(expiry, (uint)server.Options.LongestSession.TotalSeconds);
        if (packet.Code == ReasonCode.Success) will = null;
        saidGoodbye = true;
        Stop(ReasonCode.Success);
    }
}
