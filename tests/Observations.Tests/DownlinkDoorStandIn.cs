using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Observations.Tests;

/// <summary>Stands in for Ingestion where Observations asks it what would be sent: it notes the question, refuses what is for <c>stumm-…</c>, and is not there for <c>weg-…</c>.</summary>
static class DownlinkDoorStandIn
{
    /// <summary>What was asked, by device: the query, the credential, the body.</summary>
    public static ConcurrentDictionary<string, (string Query, string Credential, JsonNode Body)> Asked { get; } = new(StringComparer.Ordinal);

    public static void Map(WebApplication app) => app.MapPost("/{municipality}/devices/{device}/downlinks", async (string municipality, string device, HttpRequest request) =>
    {
        var body = (await JsonNode.ParseAsync(request.Body))!;
        Asked[$"{municipality} {device}"] = (request.QueryString.Value!, request.Headers["X-Api-Key"].ToString(), body);
        if (device.StartsWith("weg", StringComparison.Ordinal)) return Results.StatusCode(503);
        return device.StartsWith("stumm", StringComparison.Ordinal)
            ? Results.Text("""{"type":"urn:allmende:error:invalid_downlink","status":422,"title":"The downlink cannot be sent","errors":{"data":["cannot be encoded: on must be true"]}}""", "application/problem+json", statusCode: 422)
            : Results.Text("""{"downlink":{"fPort":1,"bytes":"31"},"warnings":[],"kind":"mqtt","topic":"x/devices/y/down","body":{}}""", "application/json");
    });
}

/// <summary>Street lamps in tests: devices that can be told something.</summary>
static class Lamps
{
    /// <summary>What a lamp can be told: on or off, how bright, for how long.</summary>
    public static readonly ProfileTask Switch = new("schalten", "Licht schalten",
        [
            new TaskParameter("on", "Boolean", "An"), new TaskParameter("level", "Quantity", "Helligkeit", "%", Range: [0, 100], Optional: true),
            new TaskParameter("minutes", "Count", "Minuten", Range: [1, 255], Optional: true), new TaskParameter("scene", "Category", "Szene", Values: ["abend", "nacht"], Optional: true),
        ], "Switch the light", Downlink: new DownlinkSettings(2, true, "high", 600));

    public static DeviceRegistered Lamp(string device, string dataset = "licht", params string[] fields) =>
        new(device, $"Gerät {device}", null, null, "profil-1", "Profil 1", dataset, dataset, Town.Marketplace, 600,
            fields.Select(field => new DeviceDatastream($"{device}.{field}", field, field, field, "Cel", null)).ToList(), [Switch]);

    public const string Record = """{"type":"DataRecord","field":[{"name":"on","label":"An","type":"Boolean"}]}""";

    public const string Actuator = """{"name":"Relais","description":"im Schaltschrank","encodingType":"application/pdf","metadata":"http://localhost/relais.pdf"}""";

    /// <summary>The body of a TaskingCapability.</summary>
    public static string Capability(string record = Record, string more = "") => $$"""{"name":"Schalten","description":"an und aus","taskingParameters":{{record}},"Actuator":{{Actuator}}{{more}}}""";
}
