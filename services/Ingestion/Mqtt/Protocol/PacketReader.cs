using System.Buffers.Binary;
using System.Text.Unicode;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>
/// Reads the fields of a packet's body in order. The first fault ends it: from then on everything reads as empty, so that decoders look once, at the end.
/// Nothing throws, and nothing is copied.
/// </summary>
ref struct PacketReader(ReadOnlySpan<byte> body)
{
    ReadOnlySpan<byte> rest = body;

    /// <summary>What is wrong; <see cref="ReasonCode.Success"/> while nothing is.</summary>
    public ReasonCode Fault { get; private set; }

    public readonly bool IsAtEnd => rest.IsEmpty;

    /// <summary>What was not read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => rest;

    public void Fail(ReasonCode fault)
    {
        if (Fault == ReasonCode.Success) Fault = fault;
        rest = default;
    }

    /// <summary>Says that the packet ends here.</summary>
    public void End()
    {
        if (!rest.IsEmpty) Fail(ReasonCode.MalformedPacket);
    }

    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    public ushort UInt16() => Take(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;

    public uint UInt32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    /// <summary>1.5.5: seven bits a byte, the least first, at most four bytes, as few as can be.</summary>
    public uint VariableInteger()
    {
        var value = 0u;
        for (var i = 0; i < 4; i++)
        {
            if (Take(1) is not [var one]) return 0;
            value |= (one & 0x7Fu) << (7 * i);
            if (one >= 0x80) continue;
            if (one == 0 && i > 0) break;
            return value;
        }
        Fail(ReasonCode.MalformedPacket);
        return 0;
    }

    /// <summary>Two bytes of length, then that many.</summary>
    public ReadOnlySpan<byte> Binary() => Take(UInt16());

    /// <summary>1.5.4: well-formed UTF-8 without U+0000.</summary>
    public ReadOnlySpan<byte> Text()
    {
        var text = Binary();
        if (!text.Contains((byte)0) && Utf8.IsValid(text)) return text;
        Fail(ReasonCode.MalformedPacket);
        return default;
    }

    /// <summary>A packet identifier, which is never 0.</summary>
    public ushort PacketId()
    {
        var id = UInt16();
        if (id == 0) Fail(ReasonCode.MalformedPacket);
        return id;
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > rest.Length)
        {
            Fail(ReasonCode.MalformedPacket);
            return default;
        }
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    /// <summary>The properties that follow.</summary>
    /// <param name="allowed">Those that the packet may have, of <see cref="PropertyTable"/>.</param>
    public PropertyReader Properties(ulong allowed)
    {
        var length = VariableInteger();
        return new PropertyReader(Take(length > int.MaxValue ? int.MaxValue : (int)length), allowed);
    }
}

/// <summary>Walks through a packet's properties; each value is in the member that its kind asks for.</summary>
ref struct PropertyReader(ReadOnlySpan<byte> section, ulong allowed)
{
    PacketReader reader = new(section);
    ulong seen;

    /// <summary>What is wrong; <see cref="ReasonCode.Success"/> while nothing is.</summary>
    public readonly ReasonCode Fault => reader.Fault;

    public PropertyId Id { get; private set; }

    /// <summary>The value of numbers.</summary>
    public uint Number { get; private set; }

    /// <summary>The value of texts, bytes, and of pairs.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The name of pairs.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The property as it stands in the packet, with its identifier.</summary>
    public ReadOnlySpan<byte> Raw { get; private set; }

    /// <summary>Moves to the next one; false at the end and at the first fault.</summary>
    public bool Next()
    {
        if (reader.IsAtEnd) return false;
        var before = reader.Rest;
        var id = reader.VariableInteger();
        if (reader.Fault != ReasonCode.Success) return false;
        Id = (PropertyId)id;
        var twice = id < 64 && PropertyTable.Has(seen, id) && !PropertyTable.IsRepeatable(Id);
        if (!PropertyTable.Has(allowed, id) || twice)
        {
            reader.Fail(PropertyTable.KindOf(id) == PropertyKind.None ? ReasonCode.MalformedPacket : ReasonCode.ProtocolError);
            return false;
        }
        seen |= 1UL << (int)id;
        ReadValue();
        if (reader.Fault == ReasonCode.Success && !PropertyTable.Allows(Id, Number)) reader.Fail(ReasonCode.ProtocolError);
        Raw = before[..(before.Length - reader.Rest.Length)];
        return reader.Fault == ReasonCode.Success;
    }

    void ReadValue()
    {
        Number = 0;
        switch (PropertyTable.KindOf((uint)Id))
        {
            case PropertyKind.Byte: Number = reader.Byte(); break;
            case PropertyKind.UInt16: Number = reader.UInt16(); break;
            case PropertyKind.UInt32: Number = reader.UInt32(); break;
            case PropertyKind.VariableInteger: Number = reader.VariableInteger(); break;
            case PropertyKind.Text: Bytes = reader.Text(); break;
            case PropertyKind.Binary: Bytes = reader.Binary(); break;
            default:
                Name = reader.Text();
                Bytes = reader.Text();
                break;
        }
    }
}
