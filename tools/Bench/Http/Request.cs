using System.Buffers.Text;
using System.Text;

namespace Allmende.Bench.Http;

/// <summary>Requests as bytes, written into a buffer that is used again.</summary>
sealed class Request(string host)
{
    // The body's length is written into this gap once it is known.
    const int LengthDigits = 7;

    byte[] buffer = new byte[16 * 1024];
    int length, lengthAt, bodyAt;

    public ReadOnlyMemory<byte> Bytes => buffer.AsMemory(0, length);

    /// <summary>A request without a body.</summary>
    public Request Get(string path)
    {
        length = 0;
        return Text($"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
    }

    /// <summary>Begins a request with a JSON body; <see cref="End"/> completes it.</summary>
    /// <param name="path">Path and query.</param>
    /// <param name="header">One more header line, such as the token's.</param>
    public Request Post(string path, string header)
    {
        length = 0;
        Text($"POST {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\nContent-Type: application/json\r\nContent-Length: ");
        lengthAt = length;
        Text($"{new string('0', LengthDigits)}\r\n\r\n");
        bodyAt = length;
        return this;
    }

    public Request Text(string text)
    {
        Room(text.Length * 3);
        length += Encoding.UTF8.GetBytes(text, buffer.AsSpan(length));
        return this;
    }

    public Request Number(long number)
    {
        Room(20);
        Utf8Formatter.TryFormat(number, buffer.AsSpan(length), out var written);
        length += written;
        return this;
    }

    /// <summary>A time as <c>2026-11-21T10:00:00.000001Z</c>.</summary>
    public Request Time(DateTime time)
    {
        Room(40);
        time.TryFormat(buffer.AsSpan(length), out var written, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
        length += written;
        return this;
    }

    public Request Base64(ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length * 2 + 4);
        System.Buffers.Text.Base64.EncodeToUtf8(bytes, buffer.AsSpan(length), out _, out var written);
        length += written;
        return this;
    }

    /// <summary>Writes the body's length.</summary>
    public ReadOnlyMemory<byte> End()
    {
        Utf8Formatter.TryFormat(length - bodyAt, buffer.AsSpan(lengthAt, LengthDigits), out _, new System.Buffers.StandardFormat('D', LengthDigits));
        return Bytes;
    }

    void Room(int more)
    {
        if (length + more > buffer.Length)
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + more));
    }
}
