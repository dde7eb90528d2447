namespace Allmende.Observations.SensorThings;

/// <summary>The requirements that are met, as the root document lists them (OGC 18-088 section 9.2.1 and annex A, OGC 17-079r1 annex A).</summary>
static class Conformance
{
    const string Sensing = "http://www.opengis.net/spec/iot_sensing/1.1/req/";
    const string Tasking = "http://www.opengis.net/spec/iot_tasking/1.0/req/";

    /// <summary>Met where MQTT is spoken, with its endpoints (OGC 18-088 section 14, OGC 17-079r1 sections 10 and 11).</summary>
    public static readonly string[] MetByMqtt =
    [
        Sensing + "create-observations-via-mqtt/observations-creation", Sensing + "receive-updates-via-mqtt/receive-updates",
        Tasking + "create-tasks-via-mqtt/task-creation", Tasking + "receive-updates-via-mqtt/receive-updated",
    ];

    public static readonly string[] Met =
    [
        .. new[]
        {
            "datamodel/entity-control-information/common-control-information", "datamodel/thing/properties", "datamodel/thing/relations",
            "datamodel/location/properties", "datamodel/location/relations", "datamodel/historical-location/properties", "datamodel/historical-location/relations",
            "datamodel/datastream/properties", "datamodel/datastream/relations", "datamodel/sensor/properties", "datamodel/sensor/relations",
            "datamodel/observed-property/properties", "datamodel/observed-property/relations", "datamodel/observation/properties", "datamodel/observation/relations",
            "datamodel/feature-of-interest/properties", "datamodel/feature-of-interest/relations", "resource-path/resource-path-to-entities",
            "request-data/status-code", "request-data/query-status-code", "request-data/order", "request-data/expand", "request-data/select", "request-data/orderby",
            "request-data/top", "request-data/skip", "request-data/count", "request-data/filter", "request-data/built-in-filter-operations",
            "request-data/built-in-query-functions", "request-data/pagination",
            "create-update-delete/create-entity", "create-update-delete/link-to-existing-entities", "create-update-delete/deep-insert",
            "create-update-delete/deep-insert-status-code", "create-update-delete/update-entity", "create-update-delete/update-entity-put",
            "create-update-delete/update-entity-jsonpatch", "create-update-delete/delete-entity", "create-update-delete/historical-location-auto-creation",
            "create-update-delete/historical-location-manual-creation", "batch-request/batch-request",
            "multi-datastream/properties", "multi-datastream/relations", "multi-datastream/constraints", "data-array/data-array",
        }.Select(requirement => Sensing + requirement),
        .. new[]
        {
            "tasking-capability/properties", "tasking-capability/relations", "task/properties", "task/relations", "actuator/properties", "actuator/relations",
            "create-tasks/task-creation",
        }.Select(requirement => Tasking + requirement),
        "https://fraunhoferiosb.github.io/FROST-Server/extensions/JsonBatchRequest.html",
        "https://fraunhoferiosb.github.io/FROST-Server/extensions/GeoJSON-ResultFormat.html",
        "https://github.com/INSIDE-information-systems/SensorThingsAPI/blob/master/CSV-ResultFormat/CSV-ResultFormat.md",
    ];
}
