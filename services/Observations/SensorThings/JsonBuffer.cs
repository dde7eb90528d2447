using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;

namespace Allmende.Observations.SensorThings;

/// <summary>A growing buffer of UTF-8 JSON. Rows are written into it once and then only copied by their place.</summary>
sealed class JsonBuffer : IBufferWriter<byte>, IDisposable
{
    byte[] bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Slice(int start, int length) => bytes.AsSpan(start, length);

    public void Raw(ReadOnlySpan<byte> utf8)
    {
        utf8.CopyTo(Room(utf8.Length));
        Length += utf8.Length;
    }

    public void Raw(string text)
    {
        Length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
    }

    /// <summary>Takes back the last byte, e.g. a comma.</summary>
    public void Back() => Length--;

    /// <summary>Takes back everything; the memory stays.</summary>
    public void Clear() => Length = 0;

    public void Text(string? text)
    {
        if (text is null) { Raw("null"u8); return; }
        Raw("\""u8);
        if (text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && text.AsSpan().IndexOfAny('"', '\\') < 0) Raw(text);
        else Raw(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text));
        Raw("\""u8);
    }

    public void Number(double number)
    {
        if (!double.IsFinite(number)) { Raw("null"u8); return; }
        Utf8Formatter.TryFormat(number, Room(32), out var written);
        Length += written;
    }

    public void Number(long number)
    {
        Utf8Formatter.TryFormat(number, Room(24), out var written);
        Length += written;
    }

    public void Time(DateTime time)
    {
        Raw("\""u8);
        BareTime(time);
        Raw("\""u8);
    }

    public void Interval(DateTime start, DateTime? end)
    {
        Raw("\""u8);
        BareTime(start);
        if (end is { } until)
        {
            Raw("/"u8);
            BareTime(until);
        }
        Raw("\""u8);
    }

    /// <summary>RFC 3339, UTC, with as many digits of the second as there are: none, three or six. By hand: custom formats cost ten times as much.</summary>
    void BareTime(DateTime time)
    {
        var room = Room(27);
        time.Deconstruct(out var date, out var clock);
        Digits(room, date.Year, 4);
        room[4] = (byte)'-';
        Digits(room[5..], date.Month, 2);
        room[7] = (byte)'-';
        Digits(room[8..], date.Day, 2);
        room[10] = (byte)'T';
        Digits(room[11..], clock.Hour, 2);
        room[13] = (byte)':';
        Digits(room[14..], clock.Minute, 2);
        room[16] = (byte)':';
        Digits(room[17..], clock.Second, 2);
        var length = 19;
        var micros = (int)(time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
        if (micros != 0)
        {
            var digits = micros % 1000 == 0 ? 3 : 6;
            room[length++] = (byte)'.';
            Digits(room[length..], digits == 3 ? micros / 1000 : micros, digits);
            length += digits;
        }
        room[length++] = (byte)'Z';
        Length += length;
    }

    static void Digits(Span<byte> room, int number, int count)
    {
        for (var i = count - 1; i >= 0; i--, number /= 10) room[i] = (byte)('0' + number % 10);
    }

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => Room(Math.Max(1, sizeHint));

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Room(Math.Max(1, sizeHint));
        return bytes.AsMemory(Length);
    }

    Span<byte> Room(int size)
    {
        if (bytes.Length - Length < size)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length * 2, Length + size));
            bytes.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }
        return bytes.AsSpan(Length);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
    }
}
