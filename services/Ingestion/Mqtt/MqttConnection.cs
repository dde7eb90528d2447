using System.Buffers;
using System.Net;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Allmende.Ingestion.Mqtt;

/// <summary>
/// One network connection: CONNECT, then packet after packet in their order (4.6), until either side has enough. Messages are taken side by side; whatever takes time
/// (the log, Observations) is waited for elsewhere, so a client's PINGREQ is answered meanwhile.
/// </summary>
sealed partial class MqttConnection
{
    static readonly TimeSpan GoodbyeTakes = TimeSpan.FromSeconds(1);
    static readonly TimeSpan DrainTakes = TimeSpan.FromSeconds(5);

    readonly ConnectionContext context;
    readonly IPAddress address;
    readonly MqttServer server;
    readonly AckQueue acks;
    readonly long openedAt = Environment.TickCount64;
    MqttClient client = MqttClient.Anonymous;
    MqttSession? session;
    WillPacket? will;
    MqttTopic?[]? aliases;
    MqttTopic? lastTopic;
    byte[] lastTopicUtf8 = [];
    bool lastTopicIsKnown;
    Task subscribing = Task.CompletedTask;
    Task? next;
    ProtocolLevel level;
    int keepAliveMilliseconds;
    long packetAt = Environment.TickCount64, checkAt;
    int stopped;
    ReasonCode stopCode;
    string? stopReason;
    bool arrived, saidGoodbye, isCountedAsAnonymous, isSilent;

    public MqttConnection(ConnectionContext context, IPAddress address, MqttServer server)
    {
        (this.context, this.address, this.server) = (context, address, server);
        Sender = new MqttSender(context.Transport.Output);
        acks = new AckQueue(server.Options, Finish, Sender.Flush);
    }

    public MqttSender Sender { get; }

    /// <summary>How many messages of QoS 1 and 2 the client takes at once.</summary>
    public int ReceiveMaximum { get; private set; } = ushort.MaxValue;

    /// <summary>Seconds that its will waits; 0 for none.</summary>
    public uint WillDelay => will?.Delay ?? 0;

    bool IsStopped => Volatile.Read(ref stopped) != 0;

    public async Task RunAsync()
    {
        Telemetry.MqttConnections.Add(1);
        using var shutdown = context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .Register(static state => ((MqttConnection)state!).Stop(ReasonCode.ServerShuttingDown, "the server restarts"), this);
        context.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(static state => ((MqttConnection)state).Beat(), this);
        try
        {
            await ReadAsync();
        }
        catch (Exception fault) when (fault is IOException or ConnectionAbortedException or OperationCanceledException or InvalidOperationException)
        {
            // The network broke off, or Kestrel did.
            LogBroken(fault.Message);
        }
        catch (Exception fault)
        {
            LogFault(fault);
        }
        await LeaveAsync();
        Telemetry.MqttConnections.Add(-1);
    }

    /// <summary>Ends the connection from this side. The first reason counts.</summary>
    /// <param name="code">Why; a client of MQTT 5 is told.</param>
    /// <param name="reason">In words.</param>
    /// <param name="willIsVoid">The will is not published: its client is back before it was due.</param>
    public void Stop(ReasonCode code, string? reason = null, bool willIsVoid = false)
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        (stopCode, stopReason) = (code, reason);
        if (willIsVoid || code == ReasonCode.ServerShuttingDown) will = null;
        if (code >= ReasonCode.Unspecified) Telemetry.CountMqttRefusal(NameOf(code));
        context.Transport.Input.CancelPendingRead();
        Sender.Release();
        acks.Release();
    }

    async Task ReadAsync()
    {
        var input = context.Transport.Input;
        while (!IsStopped)
        {
            var read = await input.ReadAsync();
            if (read.IsCanceled) return;
            var received = read.Buffer;
            while (!IsStopped)
            {
                var taken = PacketFrame.TryTake(ref received, server.Options.LargestPacket, out var first, out var body);
                if (taken is null) break;
                if (taken != ReasonCode.Success)
                {
                    Stop(taken.Value);
                    return;
                }
                Volatile.Write(ref packetAt, Environment.TickCount64);
                Take(first, body);
                if (next is { } wait)
                {
                    next = null;
                    await wait;
                }
                await acks.WhenRoomAsync();
                await Sender.WhenRoomAsync();
            }
            input.AdvanceTo(received.Start, received.End);
            if (read.IsCompleted) return;
        }
    }

    void Take(byte first, in ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment)
        {
            Take(first, body.FirstSpan);
            return;
        }
        var length = (int)body.Length;
        var whole = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(whole);
        Take(first, whole.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(whole);
    }

    /// <summary>Handles one packet. What has to be waited for before the next is left in <see cref="next"/>.</summary>
    void Take(byte first, ReadOnlySpan<byte> body)
    {
        var type = (PacketType)(first >> 4);
        if (session is null)
        {
            if (type == PacketType.Connect) TakeConnect(body);
            else Stop(ReasonCode.ProtocolError);
            return;
        }
        switch (type)
        {
            case PacketType.Publish: TakePublish(first, body); break;
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp: TakeAck(type, body); break;
            case PacketType.Subscribe: TakeSubscribe(body); break;
            case PacketType.Unsubscribe: TakeUnsubscribe(body); break;
            case PacketType.PingReq when body.IsEmpty: Sender.SendPingResponse(); break;
            case PacketType.Disconnect: TakeDisconnect(body); break;
            case PacketType.PingReq: Stop(ReasonCode.MalformedPacket); break;
            default: Stop(ReasonCode.ProtocolError); break;
        }
    }

    // CONNECT (3.1)

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
        if (server.Sessions.Attach(key, this, client, packet.CleanStart, out var isPresent) is not { } its)
        {
            Sender.Send(new ConnAckPacket { Code = ReasonCode.QuotaExceeded });
            Refuse(ReasonCode.QuotaExceeded);
            return;
        }
        will = packet.Will;
        var expiry = Math.Min(packet.SessionExpiry, (uint)server.Options.LongestSession.TotalSeconds);
        its.Expiry = expiry;
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
        return MqttTopic.Parse(wish.Topic) is { } topic && TopicRights.MayPublish(its, topic) ? (ReasonCode.Success, null) : (ReasonCode.NotAuthorized, "the will's topic");
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

    // PUBLISH and its acknowledgements (3.3 to 3.7, 4.3)

    void TakePublish(byte first, ReadOnlySpan<byte> body)
    {
        var packet = PublishPacket.Decode(first, body, level, PropertyTable.PublishToServer, out var fault);
        if (fault != ReasonCode.Success || !TryFindTopic(packet, out var topic, out fault))
        {
            Stop(fault);
            return;
        }
        Task<PublishOutcome>? outcome = null;
        if (packet.Qos == 2) outcome = session!.Begun(packet.PacketId);
        var isRepeated = outcome is not null;
        if (level == ProtocolLevel.V5 && packet.Qos > 0 && outcome is null && acks.Unacknowledged + session!.Unreleased >= server.Options.ReceiveMaximum)
        {
            Stop(ReasonCode.ReceiveMaximumExceeded);
            return;
        }
        if (outcome is null)
        {
            outcome = topic is null ? UnknownTopic() : server.Door.PublishAsync(session!, topic, packet);
            if (packet.Qos == 2) session!.Begin(packet.PacketId, outcome);
        }
        acks.Add(new PendingAck(packet.Qos switch { 0 => default, 1 => PacketType.PubAck, _ => PacketType.PubRec }, packet.PacketId, outcome, isRepeated ? null : topic, body.Length));
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
            lastTopic = packet.Topic.Length <= server.Options.LongestTopic ? MqttTopic.Parse(System.Text.Encoding.UTF8.GetString(packet.Topic)) : null;
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
    void Finish(PendingAck pending, PublishOutcome outcome)
    {
        if (outcome.Message is { } message && pending.Topic is { } topic) server.Broker.Publish(topic, message);
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
                var code = session!.Received(packet.PacketId, packet.Code);
                if (packet.Code < ReasonCode.Unspecified) Answer(PacketType.PubRel, packet.PacketId, code);
                else session.Pump();
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

    // SUBSCRIBE, UNSUBSCRIBE (3.8, 3.10), DISCONNECT (3.14)

    void TakeSubscribe(ReadOnlySpan<byte> body)
    {
        if (SubscribePacket.Decode(body, level, out var fault) is { } packet) Follow(() => SubscribeAsync(packet));
        else Stop(fault);
    }

    void TakeUnsubscribe(ReadOnlySpan<byte> body)
    {
        if (UnsubscribePacket.Decode(body, level, out var fault) is { } packet)
            Follow(() =>
            {
                var codes = packet.Filters.Select(filter => server.Broker.Unsubscribe(session!, filter)).ToList();
                Sender.Send(PacketType.UnsubAck, new SubAckPacket(packet.PacketId, codes));
                return Task.CompletedTask;
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

    // The end

    /// <summary>Once a second.</summary>
    void Beat()
    {
        if (IsStopped) return;
        var now = Environment.TickCount64;
        if (session is null)
        {
            if (now - openedAt > server.Options.ConnectAwaited.TotalMilliseconds) Stop(ReasonCode.KeepAliveTimeout);
            return;
        }
        if (keepAliveMilliseconds > 0 && now - Volatile.Read(ref packetAt) > keepAliveMilliseconds) Stop(ReasonCode.KeepAliveTimeout);
        else if (Sender.StalledFor > server.Options.StalledAtMost) Stop(ReasonCode.QuotaExceeded, "nothing of what was sent was taken");
        else if (client.ValidTo is { } end && DateTime.UtcNow > end) Stop(ReasonCode.NotAuthorized, client.Proof is null ? "the access token has expired" : "the certificate has expired");
        else if (now > checkAt)
        {
            checkAt = now + (long)server.Options.CredentialCheckedEvery.TotalMilliseconds;
            _ = CheckCredentialAsync();
        }
    }

    async Task CheckCredentialAsync()
    {
        if (!await server.Login.StillHoldsAsync(client, context.ConnectionClosed)) Stop(ReasonCode.NotAuthorized, "the credential was revoked");
    }

    async Task LeaveAsync()
    {
        // What is on its way into the log is finished and told before the server goes.
        if (stopCode == ReasonCode.ServerShuttingDown) await Task.WhenAny(acks.WhenEmptyAsync(), Task.Delay(DrainTakes));
        Interlocked.Exchange(ref stopped, 1);
        acks.Close();
        Arrive();
        if (session is not null)
        {
            server.Sessions.Detach(session, this, will);
            if (!saidGoodbye && stopCode != ReasonCode.Success) Sender.Send(new DisconnectPacket(stopCode), stopReason);
        }
        if (isCountedAsAnonymous) server.GiveAnonymous(address);
        await Sender.FlushedAsync(GoodbyeTakes);
        Sender.Close();
        if (Sender.StalledFor > TimeSpan.Zero) context.Abort(new ConnectionAbortedException("the client takes nothing"));
    }

    /// <summary>A code as the counters have it: snake_case.</summary>
    static string NameOf(ReasonCode code) => string.Concat(code.ToString().Select((c, at) => char.IsUpper(c) ? (at > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));

    void LogBroken(string reason) => LogBroken(server.Logger, reason);

    void LogFault(Exception fault) => LogFault(server.Logger, client.Municipality ?? "", fault);

    [LoggerMessage(2041, LogLevel.Debug, "an MQTT connection broke: {Reason}")]
    static partial void LogBroken(ILogger logger, string reason);

    [LoggerMessage(2042, LogLevel.Error, "an MQTT connection of {Municipality} failed")]
    static partial void LogFault(ILogger logger, string municipality, Exception fault);
}
