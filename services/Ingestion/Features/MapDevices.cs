using System.Text.Json;
using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/devices.geojson</c>: where devices are, all of a selection at once.</summary>
static class MapDevices
{
    const int FlushedEvery = 500;

    static readonly JsonEncodedText Type = JsonEncodedText.Encode("type"), Feature = JsonEncodedText.Encode("Feature"), Id = JsonEncodedText.Encode("id"),
        Properties = JsonEncodedText.Encode("properties"), Name = JsonEncodedText.Encode("name"), State = JsonEncodedText.Encode("state"),
        Conditions = JsonEncodedText.Encode("conditions"), Geometry = JsonEncodedText.Encode("geometry");

    public static void Map(WebApplication app) => app.MapGet("/{municipality}/devices.geojson", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<string>(200, "application/geo+json")
        .ProducesProblem(422)
        .WithTags("Devices")
        .WithName("MapDevices")
        .WithSummary("Show devices on a map")
        .WithDescription("""
            A FeatureCollection (RFC 7946) of all devices that have a location, or of those that the filters of GET /devices find, in the order of ids. A feature's id is the
            device's; its properties are `name`, `state` and, where something is wrong, `conditions`.
            """);

    static async Task<IResult> HandleAsync(string municipality, [AsParameters] DeviceQuery query, HttpResponse response, DeviceStore store, CancellationToken cancellation)
    {
        var (filter, field, fault) = query.Read();
        if (fault is not null) return IngestionErrors.InvalidPage.Problem(fault, field);
        await using var places = store.PlacesAsync(municipality, filter, cancellation).GetAsyncEnumerator(cancellation);
        var more = await places.MoveNextAsync(); // a database that is away is told by a status
        response.ContentType = "application/geo+json";
        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteString(Type, "FeatureCollection");
        json.WriteStartArray("features");
        for (var count = 1; more; count++, more = await places.MoveNextAsync())
        {
            Write(json, places.Current);
            if (count % FlushedEvery > 0) continue;
            await json.FlushAsync(cancellation);
            await response.BodyWriter.FlushAsync(cancellation);
        }
        json.WriteEndArray();
        json.WriteEndObject();
        return TypedResults.Empty;
    }

    static void Write(Utf8JsonWriter json, PlacedDevice device)
    {
        json.WriteStartObject();
        json.WriteString(Type, Feature);
        json.WriteString(Id, device.Id);
        json.WriteStartObject(Properties);
        json.WriteString(Name, device.Name);
        json.WriteString(State, device.State);
        if (device.Conditions.Length > 0)
        {
            json.WriteStartArray(Conditions);
            foreach (var kind in device.Conditions) json.WriteStringValue(kind);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WritePropertyName(Geometry);
        json.WriteRawValue(device.Location, skipInputValidation: true);
        json.WriteEndObject();
    }
}
