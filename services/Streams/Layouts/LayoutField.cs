using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text.Json;

namespace Allmende.Streams.Layouts;

/// <summary>How a field's bytes are to be read.</summary>
enum LayoutKind
{
    /// <summary>Whole number in two's complement.</summary>
    Signed,
    /// <summary>Whole number without sign.</summary>
    Unsigned,
    /// <summary>IEEE 754, 4 or 8 bytes.</summary>
    Float,
    /// <summary>Two decimal digits in each byte.</summary>
    Bcd,
    /// <summary>One bit, as a truth value.</summary>
    Bool,
    /// <summary>Some bits of a number without sign.</summary>
    Bits,
}

/// <summary>One field of a binary layout: where it stands, how it is read, what its raw number means.</summary>
/// <param name="Name">Its name in the decoded data.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Kind">How it is read.</param>
/// <param name="Bytes">How many bytes are read.</param>
/// <param name="LittleEndian">The lowest byte comes first.</param>
sealed record LayoutField(string Name, int Offset, LayoutKind Kind, int Bytes, bool LittleEndian)
{
    const double Largest = 1e15;

    /// <summary>The value is the raw number times this …</summary>
    public decimal Scale { get; init; } = 1;

    /// <summary>… plus this.</summary>
    public decimal Added { get; init; }

    /// <summary>The lowest bit, counted from the lowest of the number; of <see cref="LayoutKind.Bool"/> and <see cref="LayoutKind.Bits"/>.</summary>
    public int Bit { get; init; }

    /// <summary>How many bits.</summary>
    public int Bits { get; init; } = 1;

    /// <summary>Raw numbers that stand for no value; the first is written where there is none.</summary>
    public IReadOnlyList<long> Missing { get; init; } = [];

    /// <summary>Texts for raw numbers.</summary>
    public FrozenDictionary<long, string>? Values { get; init; }

    /// <summary>A message may end before it.</summary>
    public bool Optional { get; init; }

    /// <summary>The place after its last byte.</summary>
    public int End => Offset + Bytes;

    bool IsPlain => Scale == 1 && Added == 0;

    /// <summary>Reads the field and writes it; what speaks against that is returned.</summary>
    public (string? Error, string? Warning) Read(ReadOnlySpan<byte> payload, Utf8JsonWriter json)
    {
        if (payload.Length < End) return (Optional ? null : $"the message has {payload.Length} bytes; '{Name}' ends at byte {End}", null);
        var bytes = payload.Slice(Offset, Bytes);
        if (Kind == LayoutKind.Float) return (WriteFloat(bytes, json), null);
        if (Raw(bytes) is not { } raw) return ($"'{Name}' has a digit above 9", null);
        if (Missing.Contains(raw)) return default;
        if (Values is not null)
        {
            if (!Values.TryGetValue(raw, out var text)) return (null, $"'{Name}' is {raw}, which has no meaning");
            json.WriteString(Name, text);
        }
        else if (Kind == LayoutKind.Bool) json.WriteBoolean(Name, raw != 0);
        else if (IsPlain) json.WriteNumber(Name, raw);
        else json.WriteNumber(Name, (double)(raw * Scale + Added));
        return default;
    }

    /// <summary>What no number is, is left out.</summary>
    string? WriteFloat(ReadOnlySpan<byte> bytes, Utf8JsonWriter json)
    {
        if (Bytes == 4)
        {
            var single = LittleEndian ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : BinaryPrimitives.ReadSingleBigEndian(bytes);
            if (!float.IsFinite(single)) return null;
            if (IsPlain) json.WriteNumber(Name, single);
            else json.WriteNumber(Name, single * (double)Scale + (double)Added);
            return null;
        }
        var number = LittleEndian ? BinaryPrimitives.ReadDoubleLittleEndian(bytes) : BinaryPrimitives.ReadDoubleBigEndian(bytes);
        var value = number * (double)Scale + (double)Added;
        if (double.IsFinite(value)) json.WriteNumber(Name, value);
        return null;
    }

    /// <summary>The number in the bytes; null where it is none.</summary>
    long? Raw(ReadOnlySpan<byte> bytes)
    {
        long raw = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var one = bytes[LittleEndian ? bytes.Length - 1 - i : i];
            if (Kind != LayoutKind.Bcd) raw = raw << 8 | one;
            else if (one >> 4 > 9 || (one & 0x0f) > 9) return null;
            else raw = raw * 100 + (one >> 4) * 10 + (one & 0x0f);
        }
        return Kind switch
        {
            LayoutKind.Signed => raw << (64 - 8 * Bytes) >> (64 - 8 * Bytes),
            LayoutKind.Bool or LayoutKind.Bits => raw >> Bit & ((1L << Bits) - 1),
            _ => raw,
        };
    }

    /// <summary>Whether a message can be made without a value for it.</summary>
    public bool MayLack => Missing.Count > 0 || Kind == LayoutKind.Float;

    /// <summary>Writes a value into the message, which is long enough; null stands for none.</summary>
    /// <returns>Why it cannot be written.</returns>
    public string? Write(JsonElement? value, Span<byte> payload)
    {
        var bytes = payload.Slice(Offset, Bytes);
        if (value is null && !MayLack) return $"'{Name}' is missing";
        if (Kind == LayoutKind.Float) return value is null ? PutFloat(double.NaN, bytes) : FloatOf(value.Value) is { } number ? PutFloat(number, bytes) : $"'{Name}' must be a number that fits into {Bytes} bytes";
        if ((value is null ? Missing[0] : RawOf(value.Value)) is not { } raw) return $"'{Name}' must be {Wanted()}";
        Put(raw, bytes);
        return null;
    }

    double? FloatOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number)) return null;
        var raw = (number - (double)Added) / (double)Scale;
        return double.IsFinite(raw) && (Bytes == 8 || float.IsFinite((float)raw)) ? raw : null;
    }

    string? PutFloat(double raw, Span<byte> bytes)
    {
        if (Bytes == 4 && LittleEndian) BinaryPrimitives.WriteSingleLittleEndian(bytes, (float)raw);
        else if (Bytes == 4) BinaryPrimitives.WriteSingleBigEndian(bytes, (float)raw);
        else if (LittleEndian) BinaryPrimitives.WriteDoubleLittleEndian(bytes, raw);
        else BinaryPrimitives.WriteDoubleBigEndian(bytes, raw);
        return null;
    }

    /// <summary>The raw number that means the value, the nearest where none means it exactly; null if none does.</summary>
    long? RawOf(JsonElement value)
    {
        if (Values is not null)
        {
            if (value.ValueKind != JsonValueKind.String) return null;
            foreach (var (known, text) in Values)
                if (value.ValueEquals(text)) return known;
            return null;
        }
        if (Kind == LayoutKind.Bool) return value.ValueKind switch { JsonValueKind.True => 1, JsonValueKind.False => 0, _ => null };
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var rough) || Math.Abs(rough) > Largest || !value.TryGetDecimal(out var exact)) return null;
        if (Math.Abs((rough - (double)Added) / (double)Scale) > Largest) return null;
        var raw = (long)Math.Round((exact - Added) / Scale, MidpointRounding.AwayFromZero);
        return raw >= Lowest && raw <= Highest && !Missing.Contains(raw) ? raw : null;
    }

    long Lowest => Kind == LayoutKind.Signed ? -(1L << (8 * Bytes - 1)) : 0;

    long Highest => Kind switch
    {
        LayoutKind.Signed => (1L << (8 * Bytes - 1)) - 1,
        LayoutKind.Bcd => (long)Math.Pow(100, Bytes) - 1,
        LayoutKind.Bool or LayoutKind.Bits => (1L << Bits) - 1,
        _ => (1L << (8 * Bytes)) - 1,
    };

    string Wanted() => Values is not null ? "one of " + string.Join(", ", Values.Values.Order(StringComparer.Ordinal))
        : Kind == LayoutKind.Bool ? "true or false"
        : FormattableString.Invariant($"a number from {(double)Math.Min(Lowest * Scale + Added, Highest * Scale + Added)} to {(double)Math.Max(Lowest * Scale + Added, Highest * Scale + Added)}");

    void Put(long raw, Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            ref var one = ref bytes[LittleEndian ? i : bytes.Length - 1 - i];
            if (Kind == LayoutKind.Bcd)
            {
                one = (byte)(raw % 10 | raw / 10 % 10 << 4);
                raw /= 100;
            }
            // Other fields may have bits in the same byte.
            else if (Kind is LayoutKind.Bool or LayoutKind.Bits) one |= (byte)(raw << Bit >> (8 * i));
            else one = (byte)(raw >> (8 * i));
        }
    }

    /// <summary>The bits of the message that it takes, counted from the message's beginning.</summary>
    public IEnumerable<int> Taken()
    {
        var (first, count) = Kind is LayoutKind.Bool or LayoutKind.Bits ? (Bit, Bits) : (0, 8 * Bytes);
        for (var bit = first; bit < first + count; bit++)
        {
            var place = bit / 8;
            yield return 8 * (Offset + (LittleEndian ? place : Bytes - 1 - place)) + bit % 8;
        }
    }
}
