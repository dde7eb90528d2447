using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Allmende.Contracts;

/// <summary>One observation on its way to the store.</summary>
/// <param name="Datastream">The Datastream's id.</param>
/// <param name="PhenomenonTime">Microseconds since 1970, UTC; the start where it is an interval.</param>
/// <param name="Value">The result if it is a number.</param>
/// <param name="Json">The result as JSON if it is no number (truth value, text, object); null otherwise.</param>
/// <param name="Quality">What the checks said.</param>
/// <param name="PhenomenonEnd">End of the interval, microseconds since 1970.</param>
/// <param name="ResultTime">When the result came to be, microseconds since 1970; the newer one replaces the older.</param>
/// <param name="Extra">
/// The rarer properties as one JSON object: <c>parameters</c>, <c>validTime</c>, <c>resultQuality</c>, <c>feature</c>; or <c>replay</c> alone
/// (<see cref="OfReplay"/>).
/// </param>
public readonly record struct Observation(
    string Datastream,
    long PhenomenonTime,
    double Value,
    string? Json = null,
    Quality Quality = Quality.Good,
    long? PhenomenonEnd = null,
    long? ResultTime = null,
    string? Extra = null)
{
    /// <summary>Microseconds since 1970 of <paramref name="time"/>.</summary>
    public static long Micros(DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The time of <paramref name="micros"/> since 1970.</summary>
    public static DateTime Time(long micros) => DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);

    const string ReplayStart = "{\"replay\":\"", ReplayEnd = "\"}";

    /// <summary>
    /// <see cref="Extra"/> of an observation that a replay made of a kept uplink. Its resultTime is when the replay was accepted. It replaces what is stored only
    /// where it differs, and then only result and quality.
    /// </summary>
    /// <param name="replay">The replay's id: letters, digits and dashes.</param>
    public static string OfReplay(string replay) => ReplayStart + replay + ReplayEnd;

    /// <summary>The id of the replay that made the observation; null if none did.</summary>
    public string? Replay => Extra is { } extra && extra.StartsWith(ReplayStart, StringComparison.Ordinal) ? extra[ReplayStart.Length..^ReplayEnd.Length] : null;
}

/// <summary>
/// Payload of topic <c>observations</c>: some observations of one Thing in a fixed layout, little-endian.
/// <code>
/// u8 version=1, i64 received µs, u16 n Datastreams, n × (u16 length, UTF-8),
/// u32 m observations, m × (u16 Datastream's index, u8 flags, i16 quality, i64 time µs,
///   f64 value | u32 length + UTF-8 JSON, [i64 end], [i64 resultTime], [u32 length + UTF-8 extra])
/// </code>
/// A numeric observation takes 21 bytes.
/// </summary>
public static class ObservationBatch
{
    const byte Version = 1;
    const byte HasJson = 1, HasEnd = 2, HasResultTime = 4, HasExtra = 8;

    /// <summary>The batch as bytes.</summary>
    /// <param name="received">Arrival at the door, microseconds since 1970.</param>
    /// <param name="observations">At most 65,535 different Datastreams.</param>
    public static byte[] Write(long received, ReadOnlySpan<Observation> observations)
    {
        var writer = new ArrayBufferWriter<byte>(64 + observations.Length * 24);
        var names = new List<string>(1);
        var indices = observations.Length <= 256 ? stackalloc ushort[observations.Length] : new ushort[observations.Length];
        Dictionary<string, ushort>? byName = null;
        for (var i = 0; i < observations.Length; i++)
        {
            var name = observations[i].Datastream;
            if (names.Count > 0 && (ReferenceEquals(names[^1], name) || names[^1] == name)) { indices[i] = (ushort)(names.Count - 1); continue; }
            byName ??= new Dictionary<string, ushort>(StringComparer.Ordinal);
            if (!byName.TryGetValue(name, out indices[i]))
            {
                indices[i] = checked((ushort)names.Count);
                byName.Add(name, indices[i]);
                names.Add(name);
            }
        }

        Span<byte> head = writer.GetSpan(11);
        head[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], received);
        BinaryPrimitives.WriteUInt16LittleEndian(head[9..], (ushort)names.Count);
        writer.Advance(11);
        foreach (var name in names) WriteText16(writer, name);
        var count = writer.GetSpan(4);
        BinaryPrimitives.WriteUInt32LittleEndian(count, (uint)observations.Length);
        writer.Advance(4);
        for (var i = 0; i < observations.Length; i++) WriteOne(writer, indices[i], in observations[i]);
        return writer.WrittenSpan.ToArray();
    }

    static void WriteOne(ArrayBufferWriter<byte> writer, ushort index, in Observation observation)
    {
        var span = writer.GetSpan(13);
        BinaryPrimitives.WriteUInt16LittleEndian(span, index);
        span[2] = (byte)((observation.Json is null ? 0 : HasJson) | (observation.PhenomenonEnd is null ? 0 : HasEnd)
            | (observation.ResultTime is null ? 0 : HasResultTime) | (observation.Extra is null ? 0 : HasExtra));
        BinaryPrimitives.WriteInt16LittleEndian(span[3..], (short)observation.Quality);
        BinaryPrimitives.WriteInt64LittleEndian(span[5..], observation.PhenomenonTime);
        writer.Advance(13);
        if (observation.Json is { } json) WriteText32(writer, json);
        else
        {
            BinaryPrimitives.WriteDoubleLittleEndian(writer.GetSpan(8), observation.Value);
            writer.Advance(8);
        }
        if (observation.PhenomenonEnd is { } end) WriteInt64(writer, end);
        if (observation.ResultTime is { } resultTime) WriteInt64(writer, resultTime);
        if (observation.Extra is { } extra) WriteText32(writer, extra);
    }

    /// <summary>Reads a batch into <paramref name="into"/>.</summary>
    /// <returns>Arrival at the door, microseconds since 1970.</returns>
    /// <exception cref="FormatException">The bytes are no batch of a version that we know; nothing was added.</exception>
    public static long Read(ReadOnlySpan<byte> bytes, List<Observation> into)
    {
        var before = into.Count;
        try
        {
            if (bytes[0] != Version) throw new FormatException($"observation batch of version {bytes[0]}, known is {Version}");
            var received = BinaryPrimitives.ReadInt64LittleEndian(bytes[1..]);
            var names = new string[BinaryPrimitives.ReadUInt16LittleEndian(bytes[9..])];
            bytes = bytes[11..];
            for (var i = 0; i < names.Length; i++)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                names[i] = Encoding.UTF8.GetString(bytes.Slice(2, length));
                bytes = bytes[(2 + length)..];
            }
            var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            bytes = bytes[4..];
            for (var i = 0u; i < count; i++) into.Add(ReadOne(ref bytes, names));
            if (!bytes.IsEmpty) throw new FormatException($"{bytes.Length} bytes after the last observation");
            return received;
        }
        catch (Exception fault) when (fault is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException or FormatException)
        {
            into.RemoveRange(before, into.Count - before);
            throw fault as FormatException ?? new FormatException("observation batch is cut off", fault);
        }
    }

    static Observation ReadOne(ref ReadOnlySpan<byte> bytes, string[] names)
    {
        var name = names[BinaryPrimitives.ReadUInt16LittleEndian(bytes)];
        var flags = bytes[2];
        var quality = (Quality)BinaryPrimitives.ReadInt16LittleEndian(bytes[3..]);
        var time = BinaryPrimitives.ReadInt64LittleEndian(bytes[5..]);
        bytes = bytes[13..];
        string? json = null;
        double value = 0;
        if ((flags & HasJson) != 0) json = ReadText(ref bytes);
        else
        {
            value = BinaryPrimitives.ReadDoubleLittleEndian(bytes);
            bytes = bytes[8..];
        }
        long? end = (flags & HasEnd) != 0 ? ReadInt64(ref bytes) : null;
        long? resultTime = (flags & HasResultTime) != 0 ? ReadInt64(ref bytes) : null;
        var extra = (flags & HasExtra) != 0 ? ReadText(ref bytes) : null;
        return new Observation(name, time, value, json, quality, end, resultTime, extra);
    }

    static void WriteText16(ArrayBufferWriter<byte> writer, string text)
    {
        var span = writer.GetSpan(2 + Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, span[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(span, checked((ushort)length));
        writer.Advance(2 + length);
    }

    static void WriteText32(ArrayBufferWriter<byte> writer, string text)
    {
        var span = writer.GetSpan(4 + Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, span[4..]);
        BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)length);
        writer.Advance(4 + length);
    }

    static void WriteInt64(ArrayBufferWriter<byte> writer, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(8), value);
        writer.Advance(8);
    }

    static string ReadText(ref ReadOnlySpan<byte> bytes)
    {
        var length = checked((int)BinaryPrimitives.ReadUInt32LittleEndian(bytes));
        var text = Encoding.UTF8.GetString(bytes.Slice(4, length));
        bytes = bytes[(4 + length)..];
        return text;
    }

    static long ReadInt64(ref ReadOnlySpan<byte> bytes)
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        bytes = bytes[8..];
        return value;
    }
}
