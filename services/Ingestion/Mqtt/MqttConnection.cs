using System.Buffers;
using System.Net;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
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
        acks = new AckQueue(server.Options, FinishAsync, Sender.Flush);
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
        if (willIsVoid || (code == ReasonCode.ServerShuttingDown && will is not { Delay: > 0 })) will = null;
        if (code >= ReasonCode.Unspecified) Telemetry.CountMqttRefusal(NameOf(code));
        context.Transport.Input.CancelPendingRead();
        Sender.Release();
        acks.Release();
        Volatile.Read(ref resting)?.TrySetResult();
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
                if (Volatile.Read(ref restsUntil) - Environment.TickCount64 is >= ShortestRest and var rest) await RestAsync(rest);
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
        if (keepAliveMilliseconds > 0 && Volatile.Read(ref resting) is null && now - Volatile.Read(ref packetAt) > keepAliveMilliseconds) Stop(ReasonCode.KeepAliveTimeout);
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
