using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>An MQTT client of few words: sends what it is told, and returns packet after packet of what comes back.</summary>
sealed class Peer : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    Stream stream = Stream.Null;
    readonly Queue<(byte First, byte[] Body)> ahead = new();
    byte[] received = new byte[64 * 1024];
    int length;

    public ProtocolLevel Level { get; private init; } = ProtocolLevel.V5;

    /// <summary>The answer to CONNECT.</summary>
    public ConnAckPacket Connected { get; private set; } = null!;

    /// <summary>The server's certificate, where TLS is spoken.</summary>
    public X509Certificate2? Server { get; private set; }

    public static async Task<Peer> OpenAsync(int port, ProtocolLevel level = ProtocolLevel.V5)
    {
        var peer = new Peer { Level = level };
        await peer.socket.ConnectAsync(IPAddress.Loopback, port);
        peer.stream = new NetworkStream(peer.socket);
        return peer;
    }

    /// <summary>Opens a connection and speaks TLS on it.</summary>
    /// <param name="port">Where.</param>
    /// <param name="believed">Who must have signed the server's certificate.</param>
    /// <param name="level">The protocol.</param>
    /// <param name="own">What the client shows; null for nothing.</param>
    /// <param name="protocols">Versions of TLS.</param>
    public static async Task<Peer> OpenTlsAsync(int port, X509Certificate2 believed, ProtocolLevel level = ProtocolLevel.V5, SslStreamCertificateContext? own = null, SslProtocols protocols = SslProtocols.None)
    {
        var peer = await OpenAsync(port, level);
        var secured = new SslStream(peer.stream);
        peer.stream = secured;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(believed);
        await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = policy,
            ClientCertificateContext = own,
            EnabledSslProtocols = protocols,
            ApplicationProtocols = [new("mqtt")],
        });
        peer.Server = X509CertificateLoader.LoadCertificate(secured.RemoteCertificate!.GetRawCertData());
        return peer;
    }

    /// <summary>Opens a connection and sends CONNECT.</summary>
    public static async Task<Peer> ConnectAsync(int port, string? userName, string? password, ProtocolLevel level = ProtocolLevel.V5, string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var peer = await OpenAsync(port, level);
        await peer.LogInAsync(userName, password, clientId, with);
        return peer;
    }

    /// <summary>Sends CONNECT, and reads its answer.</summary>
    public async Task LogInAsync(string? userName, string? password, string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var packet = new ConnectPacket
        {
            Level = Level,
            CleanStart = true,
            KeepAlive = 60,
            ClientId = clientId,
            UserName = userName,
            Password = password is null ? null : Encoding.UTF8.GetBytes(password),
        };
        await SendAsync((with?.Invoke(packet) ?? packet).Encode);
        var (first, body) = await ReceiveAsync();
        Assert.That(first, Is.EqualTo(0x20), "CONNACK");
        Connected = ConnAckPacket.Decode(body, Level, out var fault)!;
        Assert.That(fault, Is.EqualTo(ReasonCode.Success));
    }

    public async Task SendAsync(Action<PacketBuffer> encode)
    {
        var buffer = new PacketBuffer();
        encode(buffer);
        await SendAsync(buffer.Written);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await stream.WriteAsync(bytes);

    /// <summary>Sends a PUBLISH.</summary>
    public Task PublishAsync(string topic, string payload, int qos = 1, ushort id = 1, bool retain = false, bool dup = false, byte[]? properties = null) => SendAsync(buffer => new PublishPacket
    {
        Topic = Encoding.UTF8.GetBytes(topic),
        Payload = Encoding.UTF8.GetBytes(payload),
        Qos = qos,
        PacketId = id,
        Retain = retain,
        Dup = dup,
        Properties = properties,
    }.Encode(buffer, Level));

    /// <summary>Sends a PUBLISH of QoS 1 and returns the code of its PUBACK.</summary>
    public async Task<ReasonCode> PublishedAsync(string topic, string payload, ushort id = 1, bool retain = false, byte[]? properties = null)
    {
        await PublishAsync(topic, payload, 1, id, retain, properties: properties);
        var ack = await AckAsync(PacketType.PubAck);
        Assert.That(ack.PacketId, Is.EqualTo(id));
        return ack.Code;
    }

    public async Task<AckPacket> AckAsync(PacketType type)
    {
        var (first, body) = await ReceiveAsync();
        Assert.That((PacketType)(first >> 4), Is.EqualTo(type));
        var ack = AckPacket.Decode(type, body, Level, out var fault);
        Assert.That(fault, Is.EqualTo(ReasonCode.Success));
        return ack;
    }

    public Task AnswerAsync(PacketType type, ushort id, ReasonCode code = ReasonCode.Success) => SendAsync(buffer => new AckPacket(id, code).Encode(buffer, type, Level));

    /// <summary>Subscribes and returns what SUBACK grants. Messages may come ahead of it (MQTT 5.0, 3.8.4): they are the next that <see cref="ReceiveAsync"/> returns.</summary>
    public async Task<ReasonCode> SubscribeAsync(string filter, int qos = 1, uint identifier = 0, bool noLocal = false, bool retainAsPublished = false, int retainHandling = 0)
    {
        await SendAsync(buffer => new SubscribePacket(9, identifier, [new(filter, qos, noLocal, retainAsPublished, retainHandling)]).Encode(buffer, Level));
        var messages = new List<(byte, byte[])>();
        var (first, body) = await ReceiveAsync();
        for (; (PacketType)(first >> 4) == PacketType.Publish; (first, body) = await ReceiveAsync()) messages.Add((first, body));
        Assert.That(first, Is.EqualTo(0x90), "SUBACK");
        messages.ForEach(ahead.Enqueue);
        return SubAckPacket.Decode(PacketType.SubAck, body, Level, out _)!.Codes.Single();
    }

    /// <summary>The next message; of QoS 1 it is acknowledged.</summary>
    public async Task<Received> MessageAsync(bool acknowledge = true)
    {
        var (first, body) = await ReceiveAsync();
        Assert.That((PacketType)(first >> 4), Is.EqualTo(PacketType.Publish), $"first byte {first:x2}");
        var message = Received.Of(first, body, Level);
        if (acknowledge && message.Qos == 1) await AnswerAsync(PacketType.PubAck, message.PacketId);
        return message;
    }

    /// <summary>Asserts that nothing came before the answer to a PINGREQ.</summary>
    public async Task NothingCameAsync()
    {
        await SendAsync(new byte[] { 0xC0, 0 });
        var (first, body) = await ReceiveAsync();
        Assert.That(first, Is.EqualTo(0xD0), $"PINGRESP, not {Convert.ToHexString(body)}");
    }

    /// <summary>The server ends the connection; returns the code of its DISCONNECT, or null where it said nothing.</summary>
    public async Task<ReasonCode?> ClosedAsync()
    {
        ReasonCode? code = null;
        while (await TryReceiveAsync() is { } packet)
            if ((PacketType)(packet.First >> 4) == PacketType.Disconnect) code = DisconnectPacket.Decode(packet.Body, Level, out _).Code;
        return code;
    }

    public async Task<(byte First, byte[] Body)> ReceiveAsync() => await TryReceiveAsync() ?? throw new AssertionException("the server closed the connection");

    /// <summary>The next packet; null if the connection ends.</summary>
    public async Task<(byte First, byte[] Body)?> TryReceiveAsync()
    {
        if (ahead.TryDequeue(out var early)) return early;
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            if (Packet() is { } packet) return packet;
            if (length == received.Length) Array.Resize(ref received, 2 * length);
            int read;
            try
            {
                read = await stream.ReadAsync(received.AsMemory(length), limit.Token);
            }
            catch (Exception fault) when (fault is SocketException or IOException)
            {
                return null;
            }
            catch (OperationCanceledException)
            {
                throw new AssertionException($"Nothing came for {Patience.TotalSeconds} s.");
            }
            if (read == 0) return null;
            length += read;
        }
    }

    (byte, byte[])? Packet()
    {
        var size = 0;
        for (var i = 1; i < length && i < 5; i++)
        {
            size |= (received[i] & 0x7F) << (7 * (i - 1));
            if (received[i] >= 0x80) continue;
            if (length < 1 + i + size) return null;
            var packet = (received[0], received[(1 + i)..(1 + i + size)]);
            Array.Copy(received, 1 + i + size, received, 0, length - 1 - i - size);
            length -= 1 + i + size;
            return packet;
        }
        return null;
    }

    /// <summary>Says that nothing more will come.</summary>
    public void HangUp() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Goes without a word, as a client that lost its network.</summary>
    public void Break()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public async Task DisconnectAsync(ReasonCode code = ReasonCode.Success)
    {
        if (Level == ProtocolLevel.V311) await SendAsync(new byte[] { 0xE0, 0 });
        else await SendAsync(buffer => new DisconnectPacket(code).Encode(buffer));
        await ClosedAsync();
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A message that came.</summary>
sealed record Received(string Topic, string Payload, int Qos, bool Dup, bool Retain, ushort PacketId, uint? Expiry, uint[] Identifiers, byte[] Forwarded)
{
    public static Received Of(byte first, byte[] body, ProtocolLevel level)
    {
        var packet = PublishPacket.Decode(first, body, level, PropertyTable.PublishToClient, out var fault);
        Assert.That(fault, Is.EqualTo(ReasonCode.Success));
        var identifiers = new List<uint>();
        var properties = new PropertyReader(packet.Properties, PropertyTable.PublishToClient);
        while (properties.Next())
            if (properties.Id == PropertyId.SubscriptionIdentifier) identifiers.Add(properties.Number);
        return new Received(Encoding.UTF8.GetString(packet.Topic), Encoding.UTF8.GetString(packet.Payload), packet.Qos, packet.Dup, packet.Retain, packet.PacketId, packet.Expiry,
            [.. identifiers], packet.Forwarded());
    }
}
