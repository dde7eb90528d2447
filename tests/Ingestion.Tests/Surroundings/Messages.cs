using System.Globalization;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>Messages as network servers send them.</summary>
static class Messages
{
    /// <summary>The Things Stack's webhook, as its documentation shows it, with all that the platform has no use for.</summary>
    public static string TheThingsStack(
        string deviceId, string? devEui, string uplink = """ "f_port":85,"f_cnt":158,"frm_payload":"A2cAAQR+AAE=", """, string? receivedAt = null) => $$"""
        {
          "end_device_ids": {
            "device_id": "{{deviceId}}", "application_ids": { "application_id": "stadt" },
            {{(devEui is null ? "" : $"\"dev_eui\": \"{devEui}\",")}} "join_eui": "0000000000000000", "dev_addr": "00BCB929"
          },
          "correlation_ids": ["as:up:01E0WZGT6Y7657CPFPE5WEYDSQ", "gs:conn:01E0WDEC6T9CKW3ADEP8Q4ZTYZ"],
          "received_at": "2026-03-02T10:20:06.223456789Z",
          "uplink_message": {
            "session_key_id": "AXBSH1Pk6Z0G166…",
            {{uplink}}
            "rx_metadata": [
              { "gateway_ids": { "gateway_id": "kirche", "eui": "B827EBFFFE8A4F2C" }, "time": "2026-03-02T10:20:04.99Z", "timestamp": 2463457000, "rssi": -117, "channel_rssi": -117, "snr": -4.2, "uplink_token": "ZW50cm9weQ==" },
              { "gateway_ids": { "gateway_id": "rathaus" }, "rssi": -97, "channel_rssi": -97, "uplink_token": "ZW50cm9weQ==" }
            ],
            "settings": { "data_rate": { "lora": { "bandwidth": 125000, "spreading_factor": 9, "coding_rate": "4/5" } }, "frequency": "868300000", "timestamp": 2463457000, "time": "2026-03-02T10:20:04.9Z" },
            "received_at": "{{receivedAt ?? "2026-03-02T10:20:05.012345678Z"}}",
            "consumed_airtime": "0.164864s",
            "locations": { "user": { "latitude": 51.9, "longitude": 8.38, "source": "SOURCE_REGISTRY" } },
            "network_ids": { "net_id": "000013", "tenant_id": "ttn", "cluster_id": "eu1" }
          }
        }
        """;

    /// <summary>ChirpStack v4's <c>event=up</c>, as its documentation shows it.</summary>
    public static string ChirpStack(string devEui, string uplink = """ "fCnt":158,"fPort":85,"data":"A2cAAQR+AAE=", """) => $$"""
        {
          "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2026-03-02T10:20:05.012345678+00:00",
          "deviceInfo": { "tenantId": "52f14cd4", "tenantName": "ChirpStack", "applicationId": "17c82e96", "deviceProfileName": "EU868", "deviceName": "Pegel", "devEui": "{{devEui}}", "tags": { "k": "v" } },
          "devAddr": "00189440", "adr": true, "dr": 3, {{uplink}} "confirmed": false,
          "rxInfo": [{ "gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5, "channel": 3, "location": {}, "context": "E3OWOQ==", "metadata": { "region_name": "eu868" } }],
          "txInfo": { "frequency": 867100000, "modulation": { "lora": { "bandwidth": 125000, "spreadingFactor": 9, "codeRate": "CR_4_5" } } }
        }
        """;

    public static string Plain(string device, string content = """ "bytes":"01ff" """, string time = "2026-03-02T10:20:05.012Z") =>
        $$"""{"device":"{{device}}","time":"{{time}}","fPort":1,{{content}}}""";

    /// <summary>The n-th message of a device, different from all others.</summary>
    public static string Plain(string device, int n) =>
        Plain(device, $"\"bytes\":\"{n:x8}\"", new DateTime(2026, 3, 2, 10, 0, 0, DateTimeKind.Utc).AddSeconds(n).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
}
