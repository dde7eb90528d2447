using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Mqtt;

/// <summary>CONNECT (3.1): who may, and which session it gets.</summary>
sealed partial class MqttConnection
{
    void TakeConnect(ReadOnlySpan<byte> body)
    {
        if (ConnectPacket.Decode(body, out var fault) is { } packet)
        {
            next = ConnectAsync(packet);
            return;
        }
        if (fault == ReasonCode.UnsupportedProtocolVersion) Sender.Send(new ConnAckPacket { Code = fault });
        Stop(fault);
    }

    async Task ConnectAsync(ConnectPacket packet)
    {
        (level, Sender.Level) = (packet.Level, packet.Level);
        (Sender.WantsReasons, ReceiveMaximum) = (packet.WantsReasons, packet.ReceiveMaximum);
        if (packet.MaximumPacketSize is > 0 and <= int.MaxValue) Sender.LargestPacket = (int)packet.MaximumPacketSize;
        Sender.Drained = () => session?.Pump();

        var (code, reason) = await AdmitAsync(packet);
        if (code != ReasonCode.Success)
        {
            Sender.Send(new ConnAckPacket { Code = code, Reason = packet.WantsReasons ? reason : null });
            Refuse(code);
            return;
        }
        var clientId = packet.ClientId.Length > 0 ? packet.ClientId : "auto-" + Guid.NewGuid().ToString("N");
        var key = new SessionKey(client.Municipality ?? "", client.IsAnonymous ? address.ToString() : client.Principal.Name(), clientId);
        var expiry = Math.Min(packet.SessionExpiry, (uint)server.Options.LongestSession.TotalSeconds);
        if (expiry > 0 && client.Municipality is not null) await server.Keeper.AwaitedAsync(key, context.ConnectionClosed);
        var (its, isPresent, stored) = server.Sessions.Attach(key, this, client, packet.CleanStart, expiry, packet.Will);
        if (its is null)
        {
            Sender.Send(new ConnAckPacket { Code = ReasonCode.QuotaExceeded });
            Refuse(ReasonCode.QuotaExceeded);
            return;
        }
        will = packet.Will;
        await stored;
        var keepAlive = KeepAliveOf(packet);
        keepAliveMilliseconds = keepAlive * 1500;
        checkAt = Environment.TickCount64 + (long)server.Options.CredentialCheckedEvery.TotalMilliseconds;
        session = its;
        Sender.Send(new ConnAckPacket
        {
            Code = ReasonCode.Success,
            SessionPresent = isPresent,
            SessionExpiry = expiry == packet.SessionExpiry ? null : expiry,
            ReceiveMaximum = (ushort)server.Options.ReceiveMaximum,
            MaximumPacketSize = (uint)server.Options.LargestPacket,
            TopicAliasMaximum = (ushort)server.Options.TopicAliasMaximum,
            AssignedClientId = packet.ClientId.Length > 0 ? null : clientId,
            KeepAlive = keepAlive == packet.KeepAlive ? null : (ushort)keepAlive,
        });
        Arrive();
        its.Resume(this);
        if (isPresent) _ = server.Broker.AwakenAsync(its);
    }

    /// <summary>Whether the client may connect; if so, <see cref="client"/> says who it is.</summary>
    async Task<(ReasonCode Code, string? Reason)> AdmitAsync(ConnectPacket packet)
    {
        if (packet.AuthenticationMethod is not null) return (ReasonCode.BadAuthenticationMethod, null);
        if (packet.ClientId.Length == 0 && packet is { Level: ProtocolLevel.V311, CleanStart: false }) return (ReasonCode.ClientIdNotValid, null);
        if (packet.ClientId.Length > 256) return (ReasonCode.ClientIdNotValid, "at most 256 characters");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed);
        limit.CancelAfter(server.Options.ConnectAwaited);
        var (its, code) = await server.Login.LoginAsync(packet, context.Features.Get<TlsClient>()?.Take(), limit.Token);
        if (its is null) return (code, null);
        client = its;
        if (its.IsAnonymous && !(isCountedAsAnonymous = server.TryTakeAnonymous(address))) return (ReasonCode.QuotaExceeded, "too many connections without a credential");
        if (packet.Will is not { } wish) return (ReasonCode.Success, null);
        return MqttTopic.Parse(wish.Topic, its.Municipality) is { } topic && TopicRights.MayPublish(its, topic) ? (ReasonCode.Success, null) : (ReasonCode.NotAuthorized, "the will's topic");
    }

    int KeepAliveOf(ConnectPacket packet)
    {
        var longest = (int)server.Options.LongestKeepAlive.TotalSeconds;
        return packet.Level == ProtocolLevel.V5 && (packet.KeepAlive == 0 || packet.KeepAlive > longest) ? longest : packet.KeepAlive;
    }

    /// <summary>CONNACK said no; nothing follows it.</summary>
    void Refuse(ReasonCode code)
    {
        saidGoodbye = true;
        Stop(code);
    }

    void Arrive()
    {
        if (arrived) return;
        arrived = true;
        server.Arrived(address);
    }
}
