using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// What Sensor.Community's airRohr firmware pushes to "a custom API": <c>{"esp8266id":"12331981","software_version":"…","sensordatavalues":[{"value_type":"SDS_P1",
/// "value":"0.40"},…]}</c>. Each value becomes a field of the uplink's data; what is a number in a text becomes one. It has no clock: the arrival counts.
/// </summary>
static class SensorCommunity
{
    /// <summary>The firmware sends some twenty.</summary>
    const int MostValues = 100;

    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        message.IsUplink = true;
        string? chip = null;
        var data = new ArrayBufferWriter<byte>();
        var count = 0;
        using (var writer = new Utf8JsonWriter(data))
        {
            writer.WriteStartObject();
            while (json.NextField())
            {
                if (json.Is("esp8266id"u8)) chip = "esp8266-" + json.NumberOrText("esp8266id");
                else if (json.Is("esp32id"u8)) chip = "esp32-" + json.NumberOrText("esp32id");
                else if (json.Is("sensordatavalues"u8)) count += ReadValues(ref json, writer);
                else json.Skip();
            }
            writer.WriteEndObject();
        }
        // Where the credential or its user name says the device, the chip does not matter: it may be replaced.
        message.DeviceId ??= chip;
        if (message.DeviceId is null) json.Fail("esp8266id", "is missing; send it, or the device's id as user name");
        else if (count == 0) json.Fail("sensordatavalues", "has no value");
        else if (json.Fault is null) message.Data = JsonElement.Parse(data.WrittenSpan);
    }

    static int ReadValues(ref JsonFields json, Utf8JsonWriter writer)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        if (!json.Array("sensordatavalues")) return 0;
        while (json.NextObject("sensordatavalues"))
        {
            string? name = null, value = null;
            while (json.NextField())
            {
                if (json.Is("value_type"u8)) name = json.Text("sensordatavalues.value_type", 64);
                else if (json.Is("value"u8)) value = json.NumberOrText("sensordatavalues.value");
                else json.Skip();
            }
            if (string.IsNullOrEmpty(name)) json.Fail("sensordatavalues.value_type", "is missing");
            else if (names.Count == MostValues) json.Fail("sensordatavalues", $"has more than {MostValues} values");
            else if (value is not null && names.Add(name)) Write(writer, name, value.Trim());
        }
        return names.Count;
    }

    static void Write(Utf8JsonWriter writer, string name, string value)
    {
        if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) writer.WriteString(name, value);
        // A sensor that does not answer is "nan".
        else if (double.IsFinite(number)) writer.WriteNumber(name, number);
    }
}
