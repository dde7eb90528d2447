using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Allmende.Contracts;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// Names an uplink after what it says: device, time, counter, port and content (128 bits of their SHA-256). A network server that
/// sends a message again, because our answer was lost, makes the same id, and whoever stores it passes over it.
/// </summary>
static class UplinkId
{
    public static string Of(string device, DateTimeOffset time, in UplinkMessage message)
    {
        ReadOnlySpan<byte> content = message.Bytes is { } bytes ? bytes : JsonMarshal.GetRawUtf8Value(message.Data!.Value);
        var named = message.Deduplication ?? "";
        var size = 32 + Encoding.UTF8.GetMaxByteCount(device.Length) + Encoding.UTF8.GetMaxByteCount(named.Length) + content.Length;
        var rented = size <= 512 ? null : ArrayPool<byte>.Shared.Rent(size);
        Span<byte> text = rented ?? stackalloc byte[512];

        var rest = text;
        Append(ref rest, device);
        Append(ref rest, named);
        // The network server's own name for the message stands in for a time that it does not send.
        Append(ref rest, message.Time is null && named.Length > 0 ? 0 : Observation.Micros(time));
        Append(ref rest, message.FCnt ?? -1);
        Append(ref rest, message.FPort);
        content.CopyTo(rest);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..(text.Length - rest.Length + content.Length)], hash);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return Convert.ToHexStringLower(hash[..16]);
    }

    /// <summary>With its length, so that no two different messages write the same bytes.</summary>
    static void Append(ref Span<byte> rest, string text)
    {
        var length = Encoding.UTF8.GetBytes(text, rest[4..]);
        BinaryPrimitives.WriteInt32LittleEndian(rest, length);
        rest = rest[(4 + length)..];
    }

    static void Append(ref Span<byte> rest, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(rest, number);
        rest = rest[8..];
    }
}
