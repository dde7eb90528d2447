using System.Text.Json.Nodes;

namespace Allmende.Ingestion.Features;

/// <summary>Examples for the API's description.</summary>
static class ApiExamples
{
    /// <summary>Puts an example beside the request and beside responses, by status.</summary>
    public static RouteHandlerBuilder WithExamples(this RouteHandlerBuilder route, string? request = null, params (string Status, string Json)[] responses) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            if (request is not null && operation.RequestBody?.Content?.TryGetValue("application/json", out var body) == true) body.Example = JsonNode.Parse(request);
            foreach (var (status, json) in responses)
                if (operation.Responses?.TryGetValue(status, out var response) == true && response.Content?.TryGetValue("application/json", out var content) == true)
                    content.Example = JsonNode.Parse(json);
            return Task.CompletedTask;
        });
}

static class DeviceExamples
{
    public const string Device = """
        {
          "id": "pegel-1", "name": "Pegel Altstadt", "devEui": "70B3D57ED0000001", "profile": "milesight-em310",
          "location": { "type": "Point", "coordinates": [8.38, 51.90] }, "description": "An der Mühlenbrücke", "expectedInterval": 600,
          "tags": ["hochwasser"], "group": "Mühlbach", "department": "Tiefbauamt", "installedAt": "2026-03-01T08:00:00Z", "externalIds": { "inventory": "T-4711" }
        }
        """;

    public const string Registration = """
        {
          "id": "pegel-1", "name": "Pegel Altstadt", "profile": "milesight-em310", "devEui": "70B3D57ED0000001",
          "location": { "type": "Point", "coordinates": [8.38, 51.90] }, "description": "An der Mühlenbrücke", "expectedInterval": 600,
          "thing": "http://localhost:8080/musterstadt/sta/v1.1/Things('pegel-1')",
          "datastreams": ["http://localhost:8080/musterstadt/sta/v1.1/Datastreams('pegel-1.distance')"],
          "key": "dk_…"
        }
        """;

    public const string Answer = """
        {
          "id": "pegel-1", "name": "Pegel Altstadt", "profile": "milesight-em310", "devEui": "70B3D57ED0000001",
          "location": { "type": "Point", "coordinates": [8.38, 51.90] }, "description": "An der Mühlenbrücke", "expectedInterval": 600,
          "registeredAt": "2026-03-01T08:00:00Z", "changedAt": "2026-03-01T08:00:00Z",
          "lastSeen": { "at": "2026-03-02T10:20:05.1234Z", "fCnt": 158, "rssi": -97, "snr": 6.5, "spreadingFactor": 9, "gateways": 1, "lost": 3, "battery": 12 },
          "thing": "http://localhost:8080/musterstadt/sta/v1.1/Things('pegel-1')",
          "tags": ["hochwasser"], "group": "Mühlbach", "department": "Tiefbauamt", "installedAt": "2026-03-01T08:00:00Z", "externalIds": { "inventory": "T-4711" },
          "state": "active", "stateSince": "2026-03-01T08:10:00Z",
          "health": "weak", "conditions": [{ "kind": "battery-low", "since": "2026-03-02T10:20:10Z", "detail": { "battery": 12 } }]
        }
        """;

    public const string Page = $$"""{ "items": [{{Answer}}], "next": "http://localhost:8080/musterstadt/devices?after=pegel-1" }""";

    public const string State = """
        {
          "id": "pegel-1", "state": "faulty", "since": "2026-03-02T11:00:00Z", "allowed": ["installed", "retired"],
          "history": [
            { "at": "2026-03-02T11:00:00Z", "from": "active", "to": "faulty", "by": "musterstadt-admin", "reason": "Gehäuse gebrochen" },
            { "at": "2026-03-01T08:10:00Z", "from": "planned", "to": "active", "by": "platform" }
          ]
        }
        """;

    public const string Maintenance = """{ "id": 7, "at": "2026-03-02T11:00:00Z", "kind": "battery-changed", "text": "2 × ER34615", "by": "musterstadt-admin" }""";

    public const string Condition = """
        { "id": 31, "device": "pegel-1", "kind": "silent", "since": "2026-03-02T10:50:05Z", "detail": { "lastSeen": "2026-03-02T10:20:05.1234Z", "expectedInterval": 600 } }
        """;

    public const string Import = """
        {
          "applied": false, "created": 1, "changed": 1, "unchanged": 0, "faulty": 1, "delimiter": ";", "encoding": "utf-8", "ignoredColumns": ["Raum"],
          "rows": [
            { "line": 2, "id": "pegel-2", "action": "create" },
            { "line": 3, "id": "pegel-1", "action": "change", "changes": [{ "column": "department", "old": "Bauamt", "new": "Tiefbauamt" }] },
            { "line": 4, "id": "Pegel 3", "action": "error", "errors": [{ "column": "id", "reason": "must consist of lower-case letters, digits and dashes (not digits alone, no dash at an end)" }] }
          ]
        }
        """;

    public const string Unknown = """
        {
          "name": "70B3D57ED0000001", "deviceId": "pegel-1", "door": "tts", "firstSeen": "2026-03-02T10:20:05Z", "lastSeen": "2026-03-02T10:40:05Z", "count": 3,
          "uplinks": [{
            "time": "2026-03-02T10:20:05.012345Z", "receivedAt": "2026-03-02T10:20:05.1Z", "fPort": 85, "fCnt": 158, "bytes": "03670001047e0001",
            "radio": { "rssi": -97, "snr": 6.5, "spreadingFactor": 9, "gateways": 1 }
          }]
        }
        """;

    public const string UnknownPage = $$"""{ "items": [{{Unknown}}] }""";

    public const string Adopted = """
        {
          "id": "pegel-1", "name": "Pegel Altstadt", "profile": "milesight-em310", "location": { "type": "Point", "coordinates": [8.38, 51.90] }
        }
        """;

    public const string Counts = """
        {
          "total": 12, "states": { "planned": 4, "installed": 1, "active": 290, "silent": 8, "faulty": 2, "retired": 7 },
          "conditions": { "any": 12, "silent": 8, "battery-low": 3 },
          "profiles": [{ "value": "milesight-em310", "devices": 40 }], "groups": [{ "value": "Mühlbach", "devices": 6 }],
          "departments": [{ "value": "Tiefbauamt", "devices": 52 }], "tags": [{ "value": "hochwasser", "devices": 31 }],
          "unknown": 2, "may": ["manage"]
        }
        """;

    public const string Key = """{ "id": "pegel-1", "key": "dk_…" }""";
}

static class UplinkExamples
{
    public const string TheThingsStack = """
        {
          "end_device_ids": { "device_id": "pegel-1", "application_ids": { "application_id": "musterstadt" }, "dev_eui": "70B3D57ED0000001" },
          "received_at": "2026-03-02T10:20:05.223456789Z",
          "uplink_message": {
            "f_port": 85, "f_cnt": 158, "frm_payload": "A2cAAQR+AAE=",
            "rx_metadata": [{ "gateway_ids": { "gateway_id": "rathaus" }, "rssi": -97, "snr": 6.5 }],
            "settings": { "data_rate": { "lora": { "bandwidth": 125000, "spreading_factor": 9 } }, "frequency": "868300000" },
            "received_at": "2026-03-02T10:20:05.012345678Z"
          }
        }
        """;

    public const string ChirpStack = """
        {
          "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2026-03-02T10:20:05.012345678+00:00",
          "deviceInfo": { "deviceName": "Pegel Altstadt", "devEui": "70b3d57ed0000001" },
          "fCnt": 158, "fPort": 85, "data": "A2cAAQR+AAE=",
          "rxInfo": [{ "gatewayId": "0016c001f153a14c", "rssi": -97, "snr": 6.5 }],
          "txInfo": { "frequency": 868300000, "modulation": { "lora": { "bandwidth": 125000, "spreadingFactor": 9 } } }
        }
        """;

    public const string Actility = """
        {
          "DevEUI_uplink": {
            "Time": "2026-03-02T11:20:05.012+01:00", "DevEUI": "70B3D57ED0000001", "FPort": 85, "FCntUp": 158, "payload_hex": "03670001047e0001",
            "LrrRSSI": -97, "LrrSNR": 6.5, "SpFact": 9, "DevLrrCnt": 1, "Lrrs": { "Lrr": [{ "Lrrid": "08060412", "Chain": 0, "LrrRSSI": -97, "LrrSNR": 6.5 }] }
          }
        }
        """;

    public const string Mioty = """
        {
          "epEui": "70-b3-d5-67-70-11-00-01", "typeEui": 8121069197264125953, "cnt": 1234, "format": 0, "data": [3, 103, 0, 1],
          "baseStations": [{ "bsEui": 8121069065325449230, "rssi": -123.45, "snr": 6.78, "eqSnr": 7.1, "rxTime": 1772446805012345678 }]
        }
        """;

    public const string SensorCommunity = """
        {
          "esp8266id": "12331981", "software_version": "NRZ-2020-129",
          "sensordatavalues": [
            { "value_type": "SDS_P1", "value": "4.40" }, { "value_type": "SDS_P2", "value": "2.20" },
            { "value_type": "BME280_temperature", "value": "20.47" }, { "value_type": "BME280_pressure", "value": "100613.25" },
            { "value_type": "BME280_humidity", "value": "69.02" }, { "value_type": "signal", "value": "-64" }
          ]
        }
        """;

    public const string Mapped = """{ "station": "rathaus", "battery": [3.6], "readings": [{ "ts": 1772446805, "values": { "t": 7.5, "rh": 81 } }] }""";

    public const string Plain = """{ "device": "pegel-1", "time": "2026-03-02T10:20:05.012Z", "fPort": 85, "bytes": "03670001047e0001" }""";

    public const string Accepted = """{ "uplink": "5f2b8c0e9a41d37764c1f08b2e6ad953" }""";
}
