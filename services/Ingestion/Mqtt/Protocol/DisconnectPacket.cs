namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>DISCONNECT (3.14).</summary>
/// <param name="Code">Why.</param>
/// <param name="SessionExpiry">Another session expiry than CONNECT's.</param>
readonly record struct DisconnectPacket(ReasonCode Code, uint? SessionExpiry = null)
{
    public static DisconnectPacket Decode(ReadOnlySpan<byte> body, ProtocolLevel level, out ReasonCode fault)
    {
        var reader = new PacketReader(body);
        var code = ReasonCode.Success;
        uint? expiry = null;
        if (level == ProtocolLevel.V5 && !reader.IsAtEnd)
        {
            code = (ReasonCode)reader.Byte();
            if (code is > ReasonCode.Success and < ReasonCode.Unspecified and not ReasonCode.DisconnectWithWill) reader.Fail(ReasonCode.ProtocolError);
            if (!reader.IsAtEnd)
            {
                var properties = reader.Properties(PropertyTable.Disconnect);
                while (properties.Next())
                    if (properties.Id == PropertyId.SessionExpiryInterval) expiry = properties.Number;
                if (properties.Fault != ReasonCode.Success) reader.Fail(properties.Fault);
            }
        }
        reader.End();
        fault = reader.Fault;
        return new DisconnectPacket(code, expiry);
    }

    /// <summary>Writes the packet; a server of 3.1.1 has none and just closes.</summary>
    public void Encode(PacketBuffer buffer, string? reason = null)
    {
        var writer = new PacketWriter(buffer, PacketType.Disconnect);
        writer.Byte((byte)Code);
        var properties = writer.BeginProperties();
        if (SessionExpiry is { } expiry) writer.Property(PropertyId.SessionExpiryInterval, expiry);
        if (reason is not null) writer.Property(PropertyId.ReasonString, reason);
        writer.EndProperties(properties);
        writer.End();
    }
}
