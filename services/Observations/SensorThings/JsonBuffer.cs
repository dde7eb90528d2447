using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace Allmende.Observations.SensorThings;

/// <summary>A growing buffer of UTF-8 JSON. Rows are written into it once and then only copied by their place.</summary>
sealed class JsonBuffer : IDisposable
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

    /// <summary>RFC 3339, UTC, with as many digits of the second as there are.</summary>
    void BareTime(DateTime time)
    {
        var ticks = time.Ticks % TimeSpan.TicksPerSecond;
        var format = ticks == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : ticks % TimeSpan.TicksPerMillisecond == 0 ? "yyyy-MM-ddTHH:mm:ss.fffZ" : "yyyy-MM-ddTHH:mm:ss.ffffffZ";
        time.TryFormat(Room(40), out var written, format, CultureInfo.InvariantCulture);
        Length += written;
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
