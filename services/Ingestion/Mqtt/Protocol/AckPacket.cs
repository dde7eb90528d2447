namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7).</summary>
/// <param name="PacketId">Which message is meant.</param>
/// <param name="Code">How it went; 3.1.1 knows only success.</param>
readonly record struct AckPacket(ushort PacketId, ReasonCode Code)
{
    public static AckPacket Decode(PacketType type, ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var id = reader.PacketId();
        var code = ReasonCode.Success;
        if (level == ProtocolLevel.V5 && !reader.IsAtEnd)
        {
            code = (ReasonCode)reader.Byte();
            if (!IsCodeOf(type, code)) reader.Fail(ReasonCode.ProtocolError);
            if (!reader.IsAtEnd)
            {
                var properties = reader.Properties(PropertyTable.Acknowledgement);
                while (properties.Next())
                {
                    // Reason strings and user properties of clients are not needed.
                }
                if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
            }
        }
        reader.End();
        fault = reader.Fault;
        return new AckPacket(id, code);
    }

    /// <summary>Writes the packet.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="type">Which of the four.</param>
    /// <param name="level">The connection's protocol.</param>
    /// <param name="reason">What a person should read, where the client wants it.</param>
    public void Encode(PacketBuffer buffer, PacketType type, ProtocolLevel level, string? reason = null)
    {
        var flags = (byte)(type == PacketType.PubRel ? 0x02 : 0);
        if (level == ProtocolLevel.V311 || (Code == ReasonCode.Success && reason is null))
        {
            // By far the most: four bytes.
            var whole = buffer.Append(4);
            whole[0] = (byte)((byte)type << 4 | flags);
            whole[1] = 2;
            whole[2] = (byte)(PacketId >> 8);
            whole[3] = (byte)PacketId;
            return;
        }
        var writer = new PacketWriter(buffer, type, flags);
        writer.UInt16(PacketId);
        writer.Byte((byte)Code);
        if (reason is not null)
        {
            var properties = writer.BeginProperties();
            writer.Property(PropertyId.ReasonString, reason);
            writer.EndProperties(properties);
        }
        writer.End();
    }

    static bool IsCodeOf(PacketType type, ReasonCode code) => type is PacketType.PubRel or PacketType.PubComp
        ? code is ReasonCode.Success or ReasonCode.PacketIdNotFound
        : code is ReasonCode.Success or ReasonCode.NoMatchingSubscribers or ReasonCode.Unspecified or ReasonCode.ImplementationSpecific or ReasonCode.NotAuthorized
            or ReasonCode.TopicNameInvalid or ReasonCode.PacketIdInUse or ReasonCode.QuotaExceeded or ReasonCode.PayloadFormatInvalid;
}
