using System.Text;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>CONNECT (3.1).</summary>
sealed record ConnectPacket
{
    public required ProtocolLevel Level { get; init; }

    /// <summary>Clean Start; Clean Session in 3.1.1.</summary>
    public required bool CleanStart { get; init; }

    /// <summary>Seconds; 0 for none.</summary>
    public required ushort KeepAlive { get; init; }

    public required string ClientId { get; init; }

    public WillPacket? Will { get; init; }

    public string? UserName { get; init; }

    public byte[]? Password { get; init; }

    /// <summary>Seconds that the session outlives the connection; 0xFFFFFFFF for ever. In 3.1.1 it follows from <see cref="CleanStart"/>.</summary>
    public uint SessionExpiry { get; init; }

    /// <summary>How many messages of QoS 1 and 2 the client takes at once.</summary>
    public ushort ReceiveMaximum { get; init; } = ushort.MaxValue;

    /// <summary>Largest packet that the client takes; 0 for no limit.</summary>
    public uint MaximumPacketSize { get; init; }

    /// <summary>Whether reason strings are wanted.</summary>
    public bool WantsReasons { get; init; } = true;

    public string? AuthenticationMethod { get; init; }

    /// <summary>Reads the packet's body.</summary>
    /// <param name="body">What follows the fixed header.</param>
    /// <param name="fault">What is wrong, if null is returned. For <see cref="ReasonCode.UnsupportedProtocolVersion"/> the client is told.</param>
    public static ConnectPacket? Decode(ReadOnlySpan<byte> body, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var name = reader.Text();
        var level = reader.Byte();
        var flags = reader.Byte();
        fault = reader.Fault;
        if (fault != ReasonCode.Success) return null;
        if (!name.SequenceEqual("MQTT"u8) || level is not ((byte)ProtocolLevel.V311 or (byte)ProtocolLevel.V5))
        {
            // 3.1.2.1: what does not even speak of MQTT is no client to be answered.
            fault = name.SequenceEqual("MQTT"u8) || name.SequenceEqual("MQIsdp"u8) ? ReasonCode.UnsupportedProtocolVersion : ReasonCode.ProtocolError;
            return null;
        }
        var packet = Decode(ref reader, (ProtocolLevel)level, flags);
        fault = reader.Fault;
        return fault == ReasonCode.Success ? packet : null;
    }

    static ConnectPacket Decode(ref PacketReader reader, ProtocolLevel level, byte flags)
    {
        bool hasWill = (flags & 0x04) != 0, hasPassword = (flags & 0x40) != 0, hasUserName = (flags & 0x80) != 0;
        var willQos = flags >> 3 & 3;
        if ((flags & 0x01) != 0 || willQos == 3 || (!hasWill && (flags & 0x38) != 0)) reader.Fail(ReasonCode.MalformedPacket);
        if (level == ProtocolLevel.V311 && hasPassword && !hasUserName) reader.Fail(ReasonCode.MalformedPacket);
        var clean = (flags & 0x02) != 0;
        var packet = new ConnectPacket
        {
            Level = level,
            CleanStart = clean,
            KeepAlive = reader.UInt16(),
            ClientId = "",
            SessionExpiry = level == ProtocolLevel.V311 && !clean ? uint.MaxValue : 0,
        };
        if (level == ProtocolLevel.V5) packet = ReadProperties(ref reader, packet);
        packet = packet with { ClientId = Encoding.UTF8.GetString(reader.Text()) };
        if (hasWill) packet = packet with { Will = WillPacket.Decode(ref reader, level, willQos, (flags & 0x20) != 0) };
        if (hasUserName) packet = packet with { UserName = Encoding.UTF8.GetString(reader.Text()) };
        if (hasPassword) packet = packet with { Password = reader.Binary().ToArray() };
        reader.End();
        return packet;
    }

    static ConnectPacket ReadProperties(ref PacketReader reader, ConnectPacket packet)
    {
        var properties = reader.Properties(PropertyTable.Connect);
        var hasData = false;
        while (properties.Next())
            switch (properties.Id)
            {
                case PropertyId.SessionExpiryInterval: packet = packet with { SessionExpiry = properties.Number }; break;
                case PropertyId.ReceiveMaximum: packet = packet with { ReceiveMaximum = (ushort)properties.Number }; break;
                case PropertyId.MaximumPacketSize: packet = packet with { MaximumPacketSize = properties.Number }; break;
                case PropertyId.RequestProblemInformation: packet = packet with { WantsReasons = properties.Number == 1 }; break;
                case PropertyId.AuthenticationMethod: packet = packet with { AuthenticationMethod = Encoding.UTF8.GetString(properties.Bytes) }; break;
                case PropertyId.AuthenticationData: hasData = true; break;
                default: break;
            }
        if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        else if (hasData && packet.AuthenticationMethod is null) reader.Fail(ReasonCode.ProtocolError);
        return packet;
    }

    /// <summary>Writes the packet, as clients do.</summary>
    public void Encode(PacketBuffer buffer)
    {
        var writer = new PacketWriter(buffer, PacketType.Connect);
        writer.Text("MQTT");
        writer.Byte((byte)Level);
        writer.Byte((byte)((CleanStart ? 0x02 : 0) | (Will is null ? 0 : 0x04 | Will.Qos << 3 | (Will.Retain ? 0x20 : 0)) | (Password is null ? 0 : 0x40) | (UserName is null ? 0 : 0x80)));
        writer.UInt16(KeepAlive);
        if (Level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            if (SessionExpiry != 0) writer.Property(PropertyId.SessionExpiryInterval, SessionExpiry);
            if (ReceiveMaximum != ushort.MaxValue) writer.Property(PropertyId.ReceiveMaximum, ReceiveMaximum);
            if (MaximumPacketSize != 0) writer.Property(PropertyId.MaximumPacketSize, MaximumPacketSize);
            if (!WantsReasons) writer.Property(PropertyId.RequestProblemInformation, 0);
            if (AuthenticationMethod is not null) writer.Property(PropertyId.AuthenticationMethod, AuthenticationMethod);
            writer.EndProperties(properties);
        }
        writer.Text(ClientId);
        Will?.Encode(writer, Level);
        if (UserName is not null) writer.Text(UserName);
        if (Password is not null) writer.Binary(Password);
        writer.End();
    }
}

/// <summary>The will in a CONNECT (3.1.3.2 to 3.1.3.4).</summary>
/// <param name="Topic">Where it is published.</param>
/// <param name="Payload">What is published.</param>
/// <param name="Qos">0 to 2.</param>
/// <param name="Retain">Whether it is kept for later subscribers.</param>
/// <param name="Delay">Seconds between the connection's end and the publication.</param>
/// <param name="Expiry">Seconds that the message is worth delivering; null for ever.</param>
/// <param name="Forwarded">Properties that subscribers get as they are, encoded.</param>
sealed record WillPacket(string Topic, byte[] Payload, int Qos, bool Retain, uint Delay, uint? Expiry, byte[] Forwarded)
{
    internal static WillPacket Decode(ref PacketReader reader, ProtocolLevel level, int qos, bool retain)
    {
        uint delay = 0;
        uint? expiry = null;
        var forwarded = Array.Empty<byte>();
        if (level == ProtocolLevel.V5)
        {
            var properties = reader.Properties(PropertyTable.Will);
            while (properties.Next())
                switch (properties.Id)
                {
                    case PropertyId.WillDelayInterval: delay = properties.Number; break;
                    case PropertyId.MessageExpiryInterval: expiry = properties.Number; break;
                    default: forwarded = [.. forwarded, .. properties.Raw]; break;
                }
            if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        }
        return new WillPacket(Encoding.UTF8.GetString(reader.Text()), reader.Binary().ToArray(), qos, retain, delay, expiry, forwarded);
    }

    internal void Encode(PacketWriter writer, ProtocolLevel level)
    {
        if (level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            if (Delay != 0) writer.Property(PropertyId.WillDelayInterval, Delay);
            if (Expiry is { } expiry) writer.Property(PropertyId.MessageExpiryInterval, expiry);
            writer.Raw(Forwarded);
            writer.EndProperties(properties);
        }
        writer.Text(Topic);
        writer.Binary(Payload);
    }
}
