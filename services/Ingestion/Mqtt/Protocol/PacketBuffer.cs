using System.Buffers;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>Bytes on their way out, in an array of the pool that is given back whenever it is empty: a connection that rests holds none.</summary>
sealed class PacketBuffer
{
    byte[] bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, Length);

    /// <summary>Room for <paramref name="count"/> more bytes, which count as written.</summary>
    public Span<byte> Append(int count)
    {
        if (bytes.Length - Length < count) Grow(count);
        var room = bytes.AsSpan(Length, count);
        Length += count;
        return room;
    }

    /// <summary>Takes <paramref name="count"/> bytes out at <paramref name="at"/>, and moves what follows.</summary>
    public void Cut(int at, int count)
    {
        if (count == 0) return;
        bytes.AsSpan(at + count, Length - at - count).CopyTo(bytes.AsSpan(at));
        Length -= count;
    }

    public Span<byte> At(int position, int count) => bytes.AsSpan(position, count);

    public void Clear()
    {
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        (bytes, Length) = ([], 0);
    }

    void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(256, Math.Max(bytes.Length * 2, Length + count)));
        bytes.AsSpan(0, Length).CopyTo(larger);
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
