using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Allmende.Simulator.LoRaWan;

/// <summary>A message of a device that posts by itself: its own clock's time, port and bytes.</summary>
static class DirectPost
{
    public static byte[] Body(Transmission sent)
    {
        var buffer = new ArrayBufferWriter<byte>(160);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("device", sent.Sensor.Id);
        json.WriteString("time", (sent.Time + sent.ClockError).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteNumber("fPort", sent.Payload.Port);
        json.WriteString("bytes", Convert.ToHexStringLower(sent.Payload.Bytes));
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
