using System.Buffers.Binary;
using Allmende.Bench.Http;

namespace Allmende.Bench;

/// <summary>Uplinks of the measured town as The Things Stack posts them.</summary>
static class Uplinks
{
    /// <summary>Writes the webhook's request: six fields of a room sensor, its CO2 value among them.</summary>
    public static ReadOnlyMemory<byte> Write(Request request, Town town, int device, DateTime time, int co2)
    {
        // Elsys' format: temperature, humidity, light, motion, CO2, battery.
        Span<byte> payload = [1, 0, 213, 2, 44, 4, 1, 27, 5, 3, 6, 0, 0, 7, 14, 21];
        BinaryPrimitives.WriteUInt16BigEndian(payload[11..], (ushort)co2);
        return request.Post($"/{town.Id}/uplinks/tts", $"X-Api-Key: {town.DeviceKey}")
            .Text("{\"end_device_ids\":{\"device_id\":\"").Text(Town.DeviceOf(device))
            .Text("\",\"application_ids\":{\"application_id\":\"bench\"},\"dev_eui\":\"").Text($"70B3D57ED1{device:X6}")
            .Text("\"},\"received_at\":\"").Time(time.AddMilliseconds(200))
            .Text("\",\"uplink_message\":{\"f_port\":5,\"f_cnt\":").Number(time.Ticks / TimeSpan.TicksPerMillisecond % 65536)
            .Text(",\"frm_payload\":\"").Base64(payload)
            .Text("\",\"rx_metadata\":[{\"gateway_ids\":{\"gateway_id\":\"gw-rathaus\",\"eui\":\"58A0CBFFFE000001\"},\"rssi\":-87,\"channel_rssi\":-87,\"snr\":8.5}],")
            .Text("\"settings\":{\"data_rate\":{\"lora\":{\"bandwidth\":125000,\"spreading_factor\":7,\"coding_rate\":\"4/5\"}},\"frequency\":\"868100000\"},\"received_at\":\"")
            .Time(time).Text("\",\"consumed_airtime\":\"0.071936s\"}}").End();
    }
}
