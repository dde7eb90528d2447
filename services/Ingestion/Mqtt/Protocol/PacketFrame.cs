using System.Buffers;

namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>Finds the packets in what has arrived (2.1).</summary>
static class PacketFrame
{
    /// <summary>Takes the next packet off <paramref name="received"/>.</summary>
    /// <param name="received">What has arrived; moved behind the packet if there is a whole one.</param>
    /// <param name="largest">Most bytes of a packet, its head included.</param>
    /// <param name="first">The first byte: type and flags.</param>
    /// <param name="body">What follows the length.</param>
    /// <param name="fromServer">Whether a server sends it; else a client does.</param>
    /// <returns><see langword="null"/> if there is no whole packet yet, <see cref="ReasonCode.Success"/> if there is, else why there never will be.</returns>
    public static ReasonCode? TryTake(ref ReadOnlySequence<byte> received, int largest, out byte first, out ReadOnlySequence<byte> body, bool fromServer = false)
    {
        body = default;
        first = 0;
        if (received.IsEmpty) return null;
        Span<byte> head = stackalloc byte[5];
        var available = (int)Math.Min(received.Length, head.Length);
        if (received.FirstSpan.Length >= available) received.FirstSpan[..available].CopyTo(head);
        else received.Slice(0, available).CopyTo(head);
        first = head[0];
        if (!(fromServer ? IsFromServer(first) : IsFromClient(first))) return ReasonCode.MalformedPacket;

        var length = 0;
        for (var i = 1; i < available; i++)
        {
            length |= (head[i] & 0x7F) << (7 * (i - 1));
            if (head[i] >= 0x80) continue;
            if (head[i] == 0 && i > 1) return ReasonCode.MalformedPacket;
            if (1 + i + length > largest) return ReasonCode.PacketTooLarge;
            if (received.Length < 1 + i + length) return null;
            body = received.Slice(1 + i, length);
            received = received.Slice(body.End);
            return ReasonCode.Success;
        }
        return available == head.Length ? ReasonCode.MalformedPacket : null;
    }

    /// <summary>Whether a client may send a packet of this type with these flags (2.1.3).</summary>
    static bool IsFromClient(byte first) => (PacketType)(first >> 4) switch
    {
        PacketType.Publish => (first & 0x06) != 0x06 && (first & 0x0E) != 0x08,
        PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe => (first & 0x0F) == 0x02,
        PacketType.Connect or PacketType.PubAck or PacketType.PubRec or PacketType.PubComp or PacketType.PingReq or PacketType.Disconnect or PacketType.Auth => (first & 0x0F) == 0,
        _ => false,
    };

    /// <summary>The same of a server.</summary>
    static bool IsFromServer(byte first) => (PacketType)(first >> 4) switch
    {
        PacketType.Publish => (first & 0x06) != 0x06 && (first & 0x0E) != 0x08,
        PacketType.PubRel => (first & 0x0F) == 0x02,
        PacketType.ConnAck or PacketType.PubAck or PacketType.PubRec or PacketType.PubComp or PacketType.SubAck or PacketType.UnsubAck or PacketType.PingResp
            or PacketType.Disconnect or PacketType.Auth => (first & 0x0F) == 0,
        _ => false,
    };
}
