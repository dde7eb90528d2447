using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Allmende.Simulator.LoRaWan;

/// <summary>
/// A message as The Things Stack v3 posts it to a webhook (<c>ApplicationUp</c> with <c>uplink_message</c>). Like its JSON of Protocol Buffers it
/// leaves out what is 0, false or empty: the first frame has no <c>f_cnt</c>.
/// </summary>
sealed class TtsWebhook(string application, double longitude, double latitude)
{
    static readonly string[] Channels =
        ["868100000", "868300000", "868500000", "867100000", "867300000", "867500000", "867700000", "867900000"];

    /// <summary>The body of the webhook call.</summary>
    public byte[] Body(Transmission sent)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        var heard = sent.Time.AddMilliseconds(Airtime(sent));
        json.WriteStartObject();
        WriteDevice(json, sent);
        json.WriteStartArray("correlation_ids");
        json.WriteStringValue($"gs:uplink:{sent.Sensor.DevEui}{sent.Counter:X6}");
        json.WriteEndArray();
        json.WriteString("received_at", Rfc3339(heard.AddMilliseconds(230)));
        json.WriteStartObject("uplink_message");
        json.WriteString("session_key_id", $"AY{sent.Sensor.DevEui}{sent.Time:yyyyMM}==");
        json.WriteNumber("f_port", sent.Payload.Port);
        if (sent.Counter > 0)
            json.WriteNumber("f_cnt", sent.Counter);
        if (sent.Payload.Bytes.Length > 0)
            json.WriteBase64String("frm_payload", sent.Payload.Bytes);
        WriteReceptions(json, sent, heard);
        WriteSettings(json, sent, heard);
        json.WriteString("received_at", Rfc3339(heard.AddMilliseconds(20)));
        json.WriteString("consumed_airtime", string.Create(CultureInfo.InvariantCulture, $"{Airtime(sent) / 1000:0.000000}s"));
        json.WriteStartObject("network_ids");
        json.WriteString("net_id", "000013");
        json.WriteString("tenant_id", application);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    static void WriteDevice(Utf8JsonWriter json, Transmission sent)
    {
        json.WriteStartObject("end_device_ids");
        json.WriteString("device_id", sent.Sensor.Id);
        json.WriteStartObject("application_ids");
        json.WriteString("application_id", "stadtsensorik");
        json.WriteEndObject();
        json.WriteString("dev_eui", sent.Sensor.DevEui);
        json.WriteString("join_eui", "70B3D57ED0000000");
        json.WriteString("dev_addr", $"26{sent.Sensor.DevEui[10..]}");
        json.WriteEndObject();
    }

    void WriteReceptions(Utf8JsonWriter json, Transmission sent, DateTime heard)
    {
        json.WriteStartArray("rx_metadata");
        foreach (var reception in sent.Receptions)
        {
            json.WriteStartObject();
            json.WriteStartObject("gateway_ids");
            json.WriteString("gateway_id", reception.Gateway.Id);
            json.WriteString("eui", reception.Gateway.Eui);
            json.WriteEndObject();
            json.WriteString("time", Rfc3339(heard));
            json.WriteNumber("timestamp", Ticks(heard));
            json.WriteNumber("rssi", reception.Rssi);
            json.WriteNumber("channel_rssi", reception.Rssi);
            if (reception.Snr != 0)
                json.WriteNumber("snr", reception.Snr);
            json.WriteStartObject("location");
            var (east, north) = reception.Gateway.Spot.On(longitude, latitude);
            json.WriteNumber("latitude", north);
            json.WriteNumber("longitude", east);
            json.WriteString("source", "SOURCE_REGISTRY");
            json.WriteEndObject();
            json.WriteString("received_at", Rfc3339(heard.AddMilliseconds(15)));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void WriteSettings(Utf8JsonWriter json, Transmission sent, DateTime heard)
    {
        json.WriteStartObject("settings");
        json.WriteStartObject("data_rate");
        json.WriteStartObject("lora");
        json.WriteNumber("bandwidth", 125_000);
        json.WriteNumber("spreading_factor", sent.SpreadingFactor);
        json.WriteString("coding_rate", "4/5");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("frequency", Channels[sent.Counter % Channels.Length]);
        json.WriteNumber("timestamp", Ticks(heard));
        json.WriteString("time", Rfc3339(heard));
        json.WriteEndObject();
    }

    /// <summary>Milliseconds on air (Semtech AN1200.13; explicit header, coding rate 4/5, 125 kHz).</summary>
    static double Airtime(Transmission sent)
    {
        var factor = sent.SpreadingFactor;
        var symbol = Math.Pow(2, factor) / 125;
        var lowDataRate = factor >= 11 ? 1 : 0;
        var bytes = sent.Payload.Bytes.Length + 13;
        var symbols = 8 + Math.Max(Math.Ceiling((8.0 * bytes - 4 * factor + 44) / (4 * (factor - 2 * lowDataRate))) * 5, 0);
        return (12.25 + symbols) * symbol;
    }

    static uint Ticks(DateTime time) => unchecked((uint)(time.Ticks / 10));

    static string Rfc3339(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
