using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Allmende.Bench.Mqtt;

/// <summary>One device's PUBLISHes of 200 bytes: made once, then only what changes is written anew.</summary>
sealed class Uplink
{
    public const int PayloadBytes = 200;

    const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    readonly byte[] packet;
    readonly int idAt, timeAt, valueAt;
    ushort id;

    public Uplink(Town town, int device)
    {
        // Elsys' format as the webhook's scenario has it; the value in it changes.
        var head = "{\"time\":\"";
        var middle = $"{new string('0', 27)}\",\"fPort\":5,\"bytes\":\"0100d5022c04011b050306";
        var end = "0000070e15\",\"note\":\"";
        var note = new string('x', PayloadBytes - head.Length - middle.Length - end.Length - 2);
        var topic = $"{town.Id}/devices/{Town.DeviceOf(device)}/up";
        var remaining = 2 + topic.Length + 2 + PayloadBytes;
        packet = [0x32, (byte)(remaining | 0x80), (byte)(remaining >> 7), 0, (byte)topic.Length, .. Encoding.ASCII.GetBytes(topic), 0, 0, .. Encoding.ASCII.GetBytes($"{head}{middle}{end}{note}\"}}")];
        idAt = 5 + topic.Length;
        timeAt = idAt + 2 + head.Length;
        valueAt = timeAt + middle.Length;
    }

    public int Length => packet.Length;

    /// <summary>Writes the next one to <paramref name="to"/>.</summary>
    public void Write(Span<byte> to, DateTime time, int value)
    {
        id = id == ushort.MaxValue ? (ushort)1 : (ushort)(id + 1);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(idAt), id);
        time.TryFormat(packet.AsSpan(timeAt), out _, TimeFormat, CultureInfo.InvariantCulture);
        value.TryFormat(packet.AsSpan(valueAt), out _, "x4", CultureInfo.InvariantCulture);
        packet.CopyTo(to);
    }
}
