using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;

namespace Allmende.Ingestion.Sources;

/// <summary>A message that a broker sent.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Payload">What it says.</param>
/// <param name="PacketId">To be acknowledged; 0 for QoS 0.</param>
readonly record struct Incoming(string Topic, byte[] Payload, ushort PacketId);

/// <summary>
/// One connection to a broker, as its client: CONNECT, SUBSCRIBE, messages with QoS 0 and 1, keep-alive (MQTT 3.1.1 and 5.0). Who uses it reads
/// (<see cref="ReadAsync"/>), shows life (<see cref="PingAsync"/>) and asks at the same time.
/// </summary>
sealed class BrokerConnection : IAsyncDisposable
{
    readonly Stream stream;
    readonly PipeReader input;
    readonly ProtocolLevel level;
    readonly SourceOptions options;
    readonly SemaphoreSlim writing = new(1, 1);
    readonly PacketBuffer buffer = new();
    TaskCompletionSource<SubAckPacket>? asked;
    TimeSpan keepAlive;
    long sentAt = Environment.TickCount64, receivedAt = Environment.TickCount64;
    ushort lastId;
    volatile bool isWaitingForRoom;

    BrokerConnection(Stream stream, ProtocolLevel level, SourceOptions options) =>
        (this.stream, input, this.level, this.options, keepAlive) = (stream, PipeReader.Create(stream), level, options, options.KeepAlive);

    /// <summary>Whether the broker has kept our session.</summary>
    public bool IsSessionPresent { get; private set; }

    /// <summary>Connects and logs in.</summary>
    /// <exception cref="BrokerException">The broker refuses, or cannot be reached.</exception>
    public static async Task<BrokerConnection> OpenAsync(SourceRow source, ProtocolLevel level, SourceOptions options, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.AnswerAwaited);
        BrokerConnection? connection = null;
        try
        {
            connection = new BrokerConnection(await BrokerSocket.OpenAsync(source.Source, options.AllowPrivateAddresses, limit.Token), level, options);
            await connection.ConnectAsync(source, limit.Token);
            return connection;
        }
        catch (Exception fault)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (fault is OperationCanceledException && !cancellation.IsCancellationRequested) throw new BrokerException($"no answer within {options.AnswerAwaited.TotalSeconds:0.#} s", fault);
            throw;
        }
    }

    async Task ConnectAsync(SourceRow source, CancellationToken cancellation)
    {
        await SendAsync(new ConnectPacket
        {
            Level = level,
            CleanStart = false,
            KeepAlive = (ushort)Math.Max(1, options.KeepAlive.TotalSeconds),
            ClientId = source.ClientId,
            UserName = source.Source.UserName is { Length: > 0 } user ? user : null,
            Password = source.Password is { } password ? Encoding.UTF8.GetBytes(password) : null,
            SessionExpiry = (uint)options.SessionKept.TotalSeconds,
            ReceiveMaximum = (ushort)options.ReceiveMaximum,
            MaximumPacketSize = (uint)options.LargestPacket,
        }.Encode, cancellation);
        var answer = await FirstAsync(cancellation) ?? throw new BrokerException("the broker closes the connection without a word") { IsOfLevel = true };
        if ((PacketType)(answer.First >> 4) != PacketType.ConnAck) throw new BrokerException("the broker does not speak MQTT as it should: no CONNACK");
        // A broker that knows 3.1.1 alone says so in the form of 3.1.1.
        var form = answer.Body.Length == 2 ? ProtocolLevel.V311 : level;
        if (ConnAckPacket.Decode(answer.Body, form, out _) is not { } packet) throw new BrokerException("the broker does not speak MQTT as it should: its CONNACK is malformed");
        if (packet.Code != ReasonCode.Success) throw RefusalOf(packet, form);
        IsSessionPresent = packet.SessionPresent;
        if (packet.KeepAlive is > 0 and var seconds) keepAlive = TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Reads message after message until the connection ends, which it always does with an exception.</summary>
    /// <param name="take">Is given each in its order; the next is not read before it is done.</param>
    /// <param name="cancellation">Reads no more.</param>
    /// <exception cref="BrokerException">The connection ended.</exception>
    public async Task ReadAsync(Func<Incoming, ValueTask> take, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(cancellation);
                Volatile.Write(ref receivedAt, Environment.TickCount64);
                var rest = read.Buffer;
                while (TryTake(ref rest, out var first, out var body))
                    if (Handle(first, body) is { } message)
                    {
                        isWaitingForRoom = true;
                        await take(message);
                        isWaitingForRoom = false;
                        Volatile.Write(ref receivedAt, Environment.TickCount64);
                    }
                input.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted) throw new BrokerException("the broker closed the connection");
            }
        }
        catch (IOException fault)
        {
            throw new BrokerException("the connection broke off", fault);
        }
        finally
        {
            Volatile.Read(ref asked)?.TrySetException(new BrokerException("the connection broke off"));
        }
    }

    /// <summary>Shows that we live, and watches whether the broker does.</summary>
    /// <exception cref="BrokerException">It does not.</exception>
    public async Task PingAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(keepAlive / 4, cancellation);
            var now = Environment.TickCount64;
            // What waits because our log does is not the broker's silence.
            if (!isWaitingForRoom && now - Volatile.Read(ref receivedAt) > keepAlive.TotalMilliseconds * 1.5) throw new BrokerException("the broker is silent");
            if (now - Volatile.Read(ref sentAt) >= keepAlive.TotalMilliseconds / 2) await SendAsync(static buffer => new PacketWriter(buffer, PacketType.PingReq).End(), cancellation);
        }
    }

    /// <summary>Subscribes with QoS 1; returns the topics that the broker refuses.</summary>
    public async Task<IReadOnlyList<string>> SubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellation)
    {
        // 3.8.3.1: what is retained is sent for subscriptions that are new; 3.1.1 has no choice.
        var retainHandling = level == ProtocolLevel.V5 ? 1 : 0;
        var answer = await AskAsync((id, buffer) => new SubscribePacket(id, 0, [.. topics.Select(topic => new RequestedFilter(topic, 1, false, false, retainHandling))]).Encode(buffer, level), cancellation);
        if (answer.Codes.Count != topics.Count) throw new BrokerException("the broker does not speak MQTT as it should: its SUBACK is malformed");
        return [.. topics.Where((_, i) => answer.Codes[i] >= ReasonCode.Unspecified)];
    }

    /// <summary>Ends subscriptions.</summary>
    public Task UnsubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellation) =>
        AskAsync((id, buffer) => new UnsubscribePacket(id, topics).Encode(buffer, level), cancellation);

    /// <summary>Ends subscriptions without waiting for the answer, when nothing is read any more.</summary>
    public Task SayUnsubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellation) =>
        SendAsync(buffer => new UnsubscribePacket(++lastId, topics).Encode(buffer, level), cancellation);

    /// <summary>Says that a message is taken.</summary>
    public Task AcknowledgeAsync(ushort packetId, CancellationToken cancellation) =>
        SendAsync(buffer => new AckPacket(packetId, ReasonCode.Success).Encode(buffer, PacketType.PubAck, level), cancellation);

    /// <summary>Takes leave; the broker keeps the session, or with <paramref name="forget"/> none.</summary>
    public async Task DisconnectAsync(bool forget, CancellationToken cancellation)
    {
        if (level == ProtocolLevel.V311) await SendAsync(static buffer => new PacketWriter(buffer, PacketType.Disconnect).End(), cancellation);
        else await SendAsync(buffer => new DisconnectPacket(ReasonCode.Success, forget ? 0 : null).Encode(buffer), cancellation);
    }

    async Task<SubAckPacket> AskAsync(Action<ushort, PacketBuffer> encode, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<SubAckPacket>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref asked, answer);
        var id = ++lastId;
        await SendAsync(buffer => encode(id, buffer), cancellation);
        try
        {
            return await answer.Task.WaitAsync(options.AnswerAwaited, cancellation);
        }
        catch (TimeoutException fault)
        {
            throw new BrokerException($"no answer within {options.AnswerAwaited.TotalSeconds:0.#} s", fault);
        }
    }

    /// <summary>The message in a packet; null for other packets, which are handled here.</summary>
    Incoming? Handle(byte first, in ReadOnlySequence<byte> body)
    {
        var packet = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        switch ((PacketType)(first >> 4))
        {
            case PacketType.Publish: return MessageOf(first, packet);
            case (PacketType.SubAck or PacketType.UnsubAck) and var type:
                var answer = SubAckPacket.Decode(type, packet, level, out _);
                if (answer is null || answer.PacketId != lastId) throw new BrokerException("the broker does not speak MQTT as it should: an answer to nothing");
                Volatile.Read(ref asked)?.TrySetResult(answer);
                return null;
            case PacketType.PingResp: return null;
            case PacketType.Disconnect: throw new BrokerException("the broker ends the connection: " + DisconnectPacket.Decode(packet, level, out _).Code);
            default: throw new BrokerException("the broker does not speak MQTT as it should: a packet that it may not send");
        }
    }

    Incoming MessageOf(byte first, ReadOnlySpan<byte> body)
    {
        var packet = PublishPacket.Decode(first, body, level, PropertyTable.PublishToClient, out var fault);
        // We allow no topic aliases, and ask for QoS 1 at most.
        if (fault != ReasonCode.Success || packet.Topic.IsEmpty || packet.Qos == 2) throw new BrokerException("the broker does not speak MQTT as it should: a PUBLISH that it may not send");
        return new Incoming(Encoding.UTF8.GetString(packet.Topic), packet.Payload.ToArray(), packet.PacketId);
    }

    bool TryTake(ref ReadOnlySequence<byte> rest, out byte first, out ReadOnlySequence<byte> body) =>
        PacketFrame.TryTake(ref rest, options.LargestPacket, out first, out body, fromServer: true) switch
        {
            null => false,
            ReasonCode.Success => true,
            ReasonCode.PacketTooLarge => throw new BrokerException($"the broker sends a message of more than {options.LargestPacket} bytes"),
            _ => throw new BrokerException("the broker does not speak MQTT as it should: no packet of MQTT"),
        };

    async Task<(byte First, byte[] Body)?> FirstAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(cancellation);
            }
            catch (IOException)
            {
                return null;
            }
            var rest = read.Buffer;
            if (TryTake(ref rest, out var first, out var body))
            {
                var packet = (first, body.ToArray());
                input.AdvanceTo(rest.Start);
                return packet;
            }
            input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) return null;
        }
    }

    async Task SendAsync(Action<PacketBuffer> encode, CancellationToken cancellation)
    {
        await writing.WaitAsync(cancellation);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(options.AnswerAwaited);
            encode(buffer);
            await stream.WriteAsync(buffer.Written, limit.Token);
            await stream.FlushAsync(limit.Token);
            Volatile.Write(ref sentAt, Environment.TickCount64);
        }
        catch (IOException fault)
        {
            throw new BrokerException("the connection broke off", fault);
        }
        catch (OperationCanceledException fault) when (!cancellation.IsCancellationRequested)
        {
            throw new BrokerException("the broker takes nothing any more", fault);
        }
        finally
        {
            buffer.Clear();
            writing.Release();
        }
    }

    /// <summary>3.1.1, table 3.1; 5.0, 3.2.2.2.</summary>
    static BrokerException RefusalOf(ConnAckPacket packet, ProtocolLevel form) => (form, (byte)packet.Code) switch
    {
        (ProtocolLevel.V311, 1) or (_, (byte)ReasonCode.UnsupportedProtocolVersion) => new("the broker does not speak this version of MQTT") { IsOfLevel = true },
        (ProtocolLevel.V311, 2) or (_, (byte)ReasonCode.ClientIdNotValid) => new("the broker does not accept our client id"),
        (ProtocolLevel.V311, 3) or (_, (byte)ReasonCode.ServerUnavailable) or (_, (byte)ReasonCode.ServerBusy) => new("the broker is not available"),
        (ProtocolLevel.V311, 4) or (_, (byte)ReasonCode.BadUserNameOrPassword) => new("the broker does not accept user name or password"),
        (ProtocolLevel.V311, 5) or (_, (byte)ReasonCode.NotAuthorized) => new("the broker does not let us in"),
        var (_, code) => new($"the broker does not let us in: reason 0x{code:X2}"),
    };

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        await input.CompleteAsync();
        writing.Dispose();
    }
}
