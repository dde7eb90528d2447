using System.Buffers.Binary;

namespace Allmende.Simulator.Payloads;

/// <summary>Bytes being written one after the other. Values that do not fit end at the field's limits, as in a device's converter.</summary>
sealed class Frame
{
    // What fits into a LoRaWAN frame at any data rate.
    readonly byte[] bytes = new byte[51];
    int length;

    /// <summary>The frame's bytes so far.</summary>
    public byte[] ToArray() => bytes[..length];

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, length);

    public Frame U8(double value)
    {
        bytes[length++] = (byte)Within(value, byte.MinValue, byte.MaxValue);
        return this;
    }

    public Frame I8(double value) => U8((byte)(sbyte)Within(value, sbyte.MinValue, sbyte.MaxValue));

    /// <summary>Unsigned, 16 bits, big-endian.</summary>
    public Frame U16(double value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Next(2), (ushort)Within(value, ushort.MinValue, ushort.MaxValue));
        return this;
    }

    /// <summary>Signed, 16 bits, big-endian.</summary>
    public Frame I16(double value)
    {
        BinaryPrimitives.WriteInt16BigEndian(Next(2), (short)Within(value, short.MinValue, short.MaxValue));
        return this;
    }

    /// <summary>Unsigned, 16 bits, little-endian.</summary>
    public Frame U16Little(double value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Next(2), (ushort)Within(value, ushort.MinValue, ushort.MaxValue));
        return this;
    }

    /// <summary>Signed, 16 bits, little-endian.</summary>
    public Frame I16Little(double value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(Next(2), (short)Within(value, short.MinValue, short.MaxValue));
        return this;
    }

    /// <summary>Unsigned, 32 bits, little-endian.</summary>
    public Frame U32Little(double value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Next(4), (uint)Within(value, uint.MinValue, uint.MaxValue));
        return this;
    }

    /// <summary>Signed, 32 bits, little-endian.</summary>
    public Frame I32Little(double value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Next(4), (int)Within(value, int.MinValue, int.MaxValue));
        return this;
    }

    Span<byte> Next(int count) => bytes.AsSpan((length += count) - count, count);

    static double Within(double value, double low, double high) => Math.Clamp(Math.Round(value, MidpointRounding.AwayFromZero), low, high);
}
