using System.Buffers.Binary;
using System.Text;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>
/// Writes one packet into a <see cref="PacketBuffer"/>. Its length is known only at the end, and has one to four bytes: four are left free,
/// and what is not needed of them is cut out.
/// </summary>
readonly ref struct PacketWriter
{
    const int LengthBytes = 4;

    readonly PacketBuffer buffer;
    readonly int start;

    /// <summary>Begins a packet.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="type">Its type.</param>
    /// <param name="flags">The lower half of its first byte.</param>
    public PacketWriter(PacketBuffer buffer, PacketType type, byte flags = 0)
    {
        this.buffer = buffer;
        start = buffer.Length;
        buffer.Append(1)[0] = (byte)((byte)type << 4 | flags);
        buffer.Append(LengthBytes);
    }

    public void Byte(byte value) => buffer.Append(1)[0] = value;

    public void UInt16(int value) => BinaryPrimitives.WriteUInt16BigEndian(buffer.Append(2), (ushort)value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(buffer.Append(4), value);

    public void VariableInteger(uint value) => WriteVariable(buffer.Append(LengthOf(value)), value);

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(buffer.Append(bytes.Length));

    public void Binary(ReadOnlySpan<byte> bytes)
    {
        UInt16(bytes.Length);
        Raw(bytes);
    }

    public void Text(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        UInt16(length);
        Encoding.UTF8.GetBytes(text, buffer.Append(length));
    }

    public void Property(PropertyId id, uint value)
    {
        Byte((byte)id);
        switch (PropertyTable.KindOf((uint)id))
        {
            case PropertyKind.Byte: Byte((byte)value); break;
            case PropertyKind.UInt16: UInt16((int)value); break;
            case PropertyKind.UInt32: UInt32(value); break;
            default: VariableInteger(value); break;
        }
    }

    public void Property(PropertyId id, string value)
    {
        Byte((byte)id);
        Text(value);
    }

    /// <summary>Begins the properties; what it returns goes to <see cref="EndProperties"/>.</summary>
    public int BeginProperties()
    {
        buffer.Append(LengthBytes);
        return buffer.Length;
    }

    public void EndProperties(int begin) => SetLength(begin);

    /// <summary>Ends the packet.</summary>
    public void End() => SetLength(start + 1 + LengthBytes);

    /// <summary>Writes the length of what follows <paramref name="begin"/> before it.</summary>
    void SetLength(int begin)
    {
        var length = (uint)(buffer.Length - begin);
        var needed = LengthOf(length);
        buffer.Cut(begin - LengthBytes, LengthBytes - needed);
        WriteVariable(buffer.At(begin - LengthBytes, needed), length);
    }

    static int LengthOf(uint value) => value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;

    static void WriteVariable(Span<byte> to, uint value)
    {
        for (var i = 0; i < to.Length; i++, value >>= 7) to[i] = (byte)(value & 0x7F | (value >= 0x80 ? 0x80u : 0));
    }
}
