namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>PUBLISH (3.3), as views into what was received.</summary>
readonly ref struct PublishPacket
{
    /// <summary>Empty where a topic alias stands in its place.</summary>
    public required ReadOnlySpan<byte> Topic { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>0 to 2.</summary>
    public required int Qos { get; init; }

    public bool Dup { get; init; }

    public bool Retain { get; init; }

    /// <summary>0 for QoS 0.</summary>
    public ushort PacketId { get; init; }

    /// <summary>0 for none.</summary>
    public ushort TopicAlias { get; init; }

    /// <summary>Seconds that the message is worth delivering; null for ever.</summary>
    public uint? Expiry { get; init; }

    /// <summary>All properties, encoded.</summary>
    public ReadOnlySpan<byte> Properties { get; init; }

    /// <summary>Reads the packet.</summary>
    /// <param name="first">The first byte of its fixed header.</param>
    /// <param name="body">What follows the fixed header.</param>
    /// <param name="level">The connection's protocol.</param>
    /// <param name="allowed">The properties that it may have: a client's has no subscription identifier.</param>
    /// <param name="fault">What is wrong, if anything.</param>
    public static PublishPacket Decode(byte first, ReadOnlySpan<byte> body, ProtocolLevel level, ulong allowed, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var topic = reader.Text();
        var qos = first >> 1 & 3;
        var id = qos > 0 ? reader.PacketId() : (ushort)0;
        ushort alias = 0;
        uint? expiry = null;
        ReadOnlySpan<byte> section = default;
        if (level == ProtocolLevel.V5) section = ReadProperties(ref reader, allowed, out alias, out expiry);
        if (topic.ContainsAny((byte)'+', (byte)'#') || (topic.IsEmpty && level == ProtocolLevel.V311)) reader.Fail(ReasonCode.TopicNameInvalid);
        if (topic.IsEmpty && alias == 0) reader.Fail(ReasonCode.ProtocolError);
        fault = reader.Fault;
        return new PublishPacket
        {
            Topic = topic,
            Payload = reader.Rest,
            Qos = qos,
            Dup = (first & 0x08) != 0,
            Retain = (first & 0x01) != 0,
            PacketId = id,
            TopicAlias = alias,
            Expiry = expiry,
            Properties = section,
        };
    }

    static ReadOnlySpan<byte> ReadProperties(scoped ref PacketReader reader, ulong allowed, out ushort alias, out uint? expiry)
    {
        (alias, expiry) = (0, null);
        var length = reader.VariableInteger();
        var section = reader.Take((int)length);
        var properties = new PropertyReader(section, allowed);
        while (properties.Next())
            if (properties.Id == PropertyId.MessageExpiryInterval) expiry = properties.Number;
            else if (properties.Id == PropertyId.TopicAlias)
            {
                alias = (ushort)properties.Number;
                if (alias == 0) reader.Fail(ReasonCode.TopicAliasInvalid);
            }
        if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
        return section;
    }

    /// <summary>The properties that a subscriber gets as they are (3.3.2.3): all but alias, expiry and subscription identifiers. In their order.</summary>
    public byte[] Forwarded()
    {
        if (Properties.IsEmpty) return [];
        var forwarded = new List<byte>(Properties.Length);
        var properties = new PropertyReader(Properties, PropertyTable.PublishToClient);
        while (properties.Next())
            if (properties.Id is not (PropertyId.TopicAlias or PropertyId.MessageExpiryInterval or PropertyId.SubscriptionIdentifier)) forwarded.AddRange(properties.Raw);
        return [.. forwarded];
    }

    /// <summary>Writes the packet.</summary>
    public void Encode(PacketBuffer buffer, ProtocolLevel level)
    {
        var writer = Begin(buffer, Topic, Qos, Dup, Retain, PacketId);
        if (level == ProtocolLevel.V5)
        {
            var properties = writer.BeginProperties();
            writer.Raw(Properties);
            writer.EndProperties(properties);
        }
        writer.Raw(Payload);
        writer.End();
    }

    /// <summary>Writes what stands before the properties.</summary>
    public static PacketWriter Begin(PacketBuffer buffer, ReadOnlySpan<byte> topic, int qos, bool dup, bool retain, ushort id)
    {
        var writer = new PacketWriter(buffer, PacketType.Publish, (byte)((dup ? 0x08 : 0) | qos << 1 | (retain ? 0x01 : 0)));
        writer.Binary(topic);
        if (qos > 0) writer.UInt16(id);
        return writer;
    }
}
