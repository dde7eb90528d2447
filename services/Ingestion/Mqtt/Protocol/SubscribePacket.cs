using System.Text;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>One filter of a SUBSCRIBE with its options (3.8.3.1).</summary>
/// <param name="Filter">The topic filter as it was sent.</param>
/// <param name="Qos">The most that the client wants, 0 to 2.</param>
/// <param name="NoLocal">The client's own messages are not sent back to it.</param>
/// <param name="RetainAsPublished">The retain flag stays as the publisher set it.</param>
/// <param name="RetainHandling">Retained messages are sent: 0 always, 1 for a new subscription, 2 never.</param>
readonly record struct RequestedFilter(string Filter, int Qos, bool NoLocal, bool RetainAsPublished, int RetainHandling);

/// <summary>SUBSCRIBE (3.8).</summary>
/// <param name="PacketId">Names the request.</param>
/// <param name="Identifier">Subscription identifier, which the messages carry; 0 for none.</param>
/// <param name="Filters">At least one.</param>
sealed record SubscribePacket(ushort PacketId, uint Identifier, IReadOnlyList<RequestedFilter> Filters)
{
    public static SubscribePacket? Decode(ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var id = reader.PacketId();
        var identifier = 0u;
        if (level == ProtocolLevel.V5)
        {
            var properties = reader.Properties(PropertyTable.Subscribe);
            while (properties.Next())
            {
                if (properties.Id != PropertyId.SubscriptionIdentifier) continue;
                if (identifier != 0) reader.Fail(ReasonCode.ProtocolError);
                identifier = properties.Number;
            }
            if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        }
        var filters = new List<RequestedFilter>();
        while (!reader.IsAtEnd) filters.Add(ReadFilter(ref reader, level));
        if (filters.Count == 0) reader.Fail(ReasonCode.ProtocolError);
        fault = reader.Fault;
        return fault == ReasonCode.Success ? new SubscribePacket(id, identifier, filters) : null;
    }

    static RequestedFilter ReadFilter(ref PacketReader reader, ProtocolLevel level)
    {
        var filter = Encoding.UTF8.GetString(reader.Text());
        var options = reader.Byte();
        var reserved = level == ProtocolLevel.V311 ? 0xFC : 0xC0;
        if ((options & reserved) != 0 || (options & 3) == 3) reader.Fail(ReasonCode.MalformedPacket);
        if ((options >> 4 & 3) == 3) reader.Fail(ReasonCode.ProtocolError);
        var noLocal = (options & 0x04) != 0;
        // 3.8.3.1: whose message a group gets is not for one of its members to say.
        if (noLocal && filter.StartsWith("$share/", StringComparison.Ordinal)) reader.Fail(ReasonCode.ProtocolError);
        return new RequestedFilter(filter, options & 3, noLocal, (options & 0x08) != 0, options >> 4 & 3);
    }

    /// <summary>Writes the packet, as clients do.</summary>
    public void Encode(PacketBuffer buffer, ProtocolLevel level)
    {
        var writer = new PacketWriter(buffer, PacketType.Subscribe, 0x02);
        writer.UInt16(PacketId);
        if (level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            if (Identifier != 0) writer.Property(PropertyId.SubscriptionIdentifier, Identifier);
            writer.EndProperties(properties);
        }
        foreach (var one in Filters)
        {
            writer.Text(one.Filter);
            writer.Byte((byte)(one.Qos | (one.NoLocal ? 0x04 : 0) | (one.RetainAsPublished ? 0x08 : 0) | one.RetainHandling << 4));
        }
        writer.End();
    }
}

/// <summary>UNSUBSCRIBE (3.10).</summary>
/// <param name="PacketId">Names the request.</param>
/// <param name="Filters">At least one.</param>
sealed record UnsubscribePacket(ushort PacketId, IReadOnlyList<string> Filters)
{
    public static UnsubscribePacket? Decode(ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var id = reader.PacketId();
        if (level == ProtocolLevel.V5)
        {
            var properties = reader.Properties(PropertyTable.Unsubscribe);
            while (properties.Next())
            {
                // User properties say nothing to a server.
            }
            if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        }
        var filters = new List<string>();
        while (!reader.IsAtEnd) filters.Add(Encoding.UTF8.GetString(reader.Text()));
        if (filters.Count == 0) reader.Fail(ReasonCode.ProtocolError);
        fault = reader.Fault;
        return fault == ReasonCode.Success ? new UnsubscribePacket(id, filters) : null;
    }

    /// <summary>Writes the packet, as clients do.</summary>
    public void Encode(PacketBuffer buffer, ProtocolLevel level)
    {
        var writer = new PacketWriter(buffer, PacketType.Unsubscribe, 0x02);
        writer.UInt16(PacketId);
        if (level == ProtocolLevel.V5) writer.EndProperties(writer.BeginProperties());
        foreach (var filter in Filters) writer.Text(filter);
        writer.End();
    }
}

/// <summary>SUBACK and UNSUBACK (3.9, 3.11).</summary>
/// <param name="PacketId">Which request is answered.</param>
/// <param name="Codes">One for each filter, in the order of the request.</param>
sealed record SubAckPacket(ushort PacketId, IReadOnlyList<ReasonCode> Codes)
{
    public static SubAckPacket? Decode(PacketType type, ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var id = reader.PacketId();
        if (level == ProtocolLevel.V5)
        {
            var properties = reader.Properties(PropertyTable.Acknowledgement);
            while (properties.Next())
            {
                // For people.
            }
            if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        }
        var codes = new List<ReasonCode>();
        if (type == PacketType.SubAck || level == ProtocolLevel.V5)
            while (!reader.IsAtEnd) codes.Add((ReasonCode)reader.Byte());
        reader.End();
        fault = reader.Fault;
        return fault == ReasonCode.Success ? new SubAckPacket(id, codes) : null;
    }

    /// <summary>Writes the packet.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="type">SUBACK or UNSUBACK.</param>
    /// <param name="level">The connection's protocol. In 3.1.1 any refusal is 0x80, and UNSUBACK has no codes.</param>
    /// <param name="reason">What a person should read, where the client wants it.</param>
    public void Encode(PacketBuffer buffer, PacketType type, ProtocolLevel level, string? reason = null)
    {
        var writer = new PacketWriter(buffer, type);
        writer.UInt16(PacketId);
        if (level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            if (reason is not null) writer.Property(PropertyId.ReasonString, reason);
            writer.EndProperties(properties);
            foreach (var code in Codes) writer.Byte((byte)code);
        }
        else if (type == PacketType.SubAck)
        {
            foreach (var code in Codes) writer.Byte((byte)(code >= ReasonCode.Unspecified ? ReasonCode.Unspecified : code));
        }
        writer.End();
    }
}
