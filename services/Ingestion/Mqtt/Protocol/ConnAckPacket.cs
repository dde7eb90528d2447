using System.Text;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>CONNACK (3.2).</summary>
sealed record ConnAckPacket
{
    public required ReasonCode Code { get; init; }

    public bool SessionPresent { get; init; }

    /// <summary>Seconds, where they are other than the client asked for.</summary>
    public uint? SessionExpiry { get; init; }

    public ushort ReceiveMaximum { get; init; }

    public uint MaximumPacketSize { get; init; }

    public ushort TopicAliasMaximum { get; init; }

    /// <summary>The id that the server gave to a client that named none.</summary>
    public string? AssignedClientId { get; init; }

    /// <summary>Seconds, where they are other than the client asked for.</summary>
    public ushort? KeepAlive { get; init; }

    public string? Reason { get; init; }

    /// <summary>Reads the packet's body, as clients do.</summary>
    public static ConnAckPacket? Decode(ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var flags = reader.Byte();
        if (flags > 1) reader.Fail(ReasonCode.MalformedPacket);
        var packet = new ConnAckPacket { SessionPresent = flags == 1, Code = (ReasonCode)reader.Byte() };
        if (level == ProtocolLevel.V5)
        {
            var properties = reader.Properties(PropertyTable.ConnAck);
            while (properties.Next())
                packet = properties.Id switch
                {
                    PropertyId.SessionExpiryInterval => packet with { SessionExpiry = properties.Number },
                    PropertyId.ReceiveMaximum => packet with { ReceiveMaximum = (ushort)properties.Number },
                    PropertyId.MaximumPacketSize => packet with { MaximumPacketSize = properties.Number },
                    PropertyId.TopicAliasMaximum => packet with { TopicAliasMaximum = (ushort)properties.Number },
                    PropertyId.AssignedClientIdentifier => packet with { AssignedClientId = Encoding.UTF8.GetString(properties.Bytes) },
                    PropertyId.ServerKeepAlive => packet with { KeepAlive = (ushort)properties.Number },
                    PropertyId.ReasonString => packet with { Reason = Encoding.UTF8.GetString(properties.Bytes) },
                    _ => packet,
                };
            if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        }
        reader.End();
        fault = reader.Fault;
        return fault == ReasonCode.Success ? packet : null;
    }

    /// <summary>Writes the packet.</summary>
    public void Encode(PacketBuffer buffer, ProtocolLevel level)
    {
        var writer = new PacketWriter(buffer, PacketType.ConnAck);
        writer.Byte((byte)(SessionPresent ? 1 : 0));
        writer.Byte(level == ProtocolLevel.V5 ? (byte)Code : CodeOf311(Code));
        if (level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            if (SessionExpiry is { } expiry) writer.Property(PropertyId.SessionExpiryInterval, expiry);
            if (ReceiveMaximum != 0) writer.Property(PropertyId.ReceiveMaximum, ReceiveMaximum);
            if (MaximumPacketSize != 0) writer.Property(PropertyId.MaximumPacketSize, MaximumPacketSize);
            if (TopicAliasMaximum != 0) writer.Property(PropertyId.TopicAliasMaximum, TopicAliasMaximum);
            if (AssignedClientId is not null) writer.Property(PropertyId.AssignedClientIdentifier, AssignedClientId);
            if (KeepAlive is { } keepAlive) writer.Property(PropertyId.ServerKeepAlive, keepAlive);
            if (Reason is not null) writer.Property(PropertyId.ReasonString, Reason);
            writer.EndProperties(properties);
        }
        writer.End();
    }

    /// <summary>3.1.1, table 3.1.</summary>
    static byte CodeOf311(ReasonCode code) => code switch
    {
        ReasonCode.Success => 0,
        ReasonCode.UnsupportedProtocolVersion => 1,
        ReasonCode.ClientIdNotValid => 2,
        ReasonCode.BadUserNameOrPassword => 4,
        ReasonCode.NotAuthorized or ReasonCode.BadAuthenticationMethod => 5,
        _ => 3,
    };
}
