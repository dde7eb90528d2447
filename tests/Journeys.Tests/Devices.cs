using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Onboarding;

namespace Allmende.Journeys.Tests;

/// <summary>Devices and what they send.</summary>
static class Devices
{
    /// <summary>A room sensor that ships with the platform, with an uplink of its maker: 22.6 °C, 41 %, 39 lx, 6 movements, 776 ppm.</summary>
    public const string RoomSensor = "elsys-ers-co2";

    /// <inheritdoc cref="RoomSensor"/>
    public const string RoomUplink = "0100e202290400270506060308";

    /// <summary>Registers a device; the answer has its Thing, Datastreams and key.</summary>
    public static async Task<JsonObject> RegisterAsync(this FreshMunicipality municipality, string id, string profile = RoomSensor, double longitude = 8.381, double latitude = 51.902)
    {
        using var admin = await municipality.AsAsync("admin");
        using var answer = await admin.PostAsJsonAsync("devices", new JsonObject
        {
            ["id"] = id,
            ["name"] = $"Gerät {id}",
            ["devEui"] = DevEui(id),
            ["profile"] = profile,
            ["location"] = new JsonObject { ["type"] = "Point", ["coordinates"] = new JsonArray(longitude, latitude) },
        });
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), text);
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Keeps a codec and a profile of the same id with one field, <c>value</c>.</summary>
    public static async Task KeepCodecAsync(this FreshMunicipality municipality, string id, string javascript)
    {
        using var developer = await municipality.AsAsync("developer");
        using var codec = await developer.PutAsync($"codecs/{id}", new StringContent(javascript, null, "text/javascript"));
        Assert.That((int)codec.StatusCode, Is.AnyOf(201, 204), await codec.Content.ReadAsStringAsync());
        using var profile = await developer.PutAsJsonAsync($"device-profiles/{id}", new JsonObject
        {
            ["name"] = id,
            ["codec"] = id,
            ["fields"] = new JsonArray(new JsonObject { ["field"] = "value", ["name"] = "Wert", ["observedProperty"] = "value", ["unit"] = "1" }),
        });
        Assert.That((int)profile.StatusCode, Is.AnyOf(201, 204), await profile.Content.ReadAsStringAsync());
    }

    /// <summary>The Things Stack's webhook body.</summary>
    public static JsonObject Webhook(string id, DateTime time, string bytes, int fPort = 5, long fCnt = 1) => new()
    {
        ["end_device_ids"] = new JsonObject { ["device_id"] = id, ["application_ids"] = new JsonObject { ["application_id"] = "town" }, ["dev_eui"] = DevEui(id) },
        ["received_at"] = Rfc3339(time.AddMilliseconds(180)),
        ["uplink_message"] = new JsonObject
        {
            ["f_port"] = fPort,
            ["f_cnt"] = fCnt,
            ["frm_payload"] = Convert.ToBase64String(Convert.FromHexString(bytes)),
            ["rx_metadata"] = new JsonArray(new JsonObject { ["gateway_ids"] = new JsonObject { ["gateway_id"] = "gw-rathaus" }, ["rssi"] = -87, ["snr"] = 8.5 }),
            ["settings"] = new JsonObject { ["data_rate"] = new JsonObject { ["lora"] = new JsonObject { ["bandwidth"] = 125000, ["spreading_factor"] = 7 } } },
            ["received_at"] = Rfc3339(time),
        },
    };

    /// <summary>Sends an uplink through The Things Stack's door and expects it to be taken; returns its id.</summary>
    public static async Task<string> SendAsync(this HttpClient device, string id, DateTime time, string bytes, int fPort = 5, long fCnt = 1)
    {
        using var answer = await device.PostAsJsonAsync("uplinks/tts", Webhook(id, time, bytes, fPort, fCnt));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), text);
        return JsonNode.Parse(text)!["uplink"]!.GetValue<string>();
    }

    /// <summary>The value of a Datastream at a time; null while there is none.</summary>
    public static async Task<JsonObject?> ObservationAsync(this HttpClient http, string datastream, DateTime time)
    {
        var answer = await http.GetFromJsonAsync<JsonObject>(
            $"sta/v1.1/Datastreams('{datastream}')/Observations?$filter=phenomenonTime eq {Rfc3339(time)}&$select=result,resultQuality,phenomenonTime");
        return answer!["value"]!.AsArray().FirstOrDefault()?.AsObject();
    }

    /// <summary>Now, in whole seconds: what survives every format.</summary>
    public static DateTime Now()
    {
        var now = DateTime.UtcNow;
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond));
    }

    public static string Rfc3339(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    static string DevEui(string id) => $"70B3D57E{(uint)string.GetHashCode(id, StringComparison.Ordinal):X8}";
}
