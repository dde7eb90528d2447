using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>PATCH /{m}/devices/{id}</c>: changes single fields, as JSON merge patch (RFC 7396).</summary>
static class PatchDevice
{
    /// <summary>Somebody else may change it between our reading and our writing; then both changes are made, one after the other.</summary>
    const int Attempts = 10;

    static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static void Map(RouteGroupBuilder devices) => devices.MapPatch("/{id}", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .WithDeviceBody("application/merge-patch+json")
        .Produces<DeviceAnswer>()
        .ProducesProblem(404)
        .ProducesProblem(409)
        .ProducesProblem(422)
        .WithName("PatchDevice")
        .WithSummary("Change a device's description")
        .WithDescription("A JSON merge patch (RFC 7396): what the body leaves out stays, null removes. The id cannot change, the key stays.")
        .WithExamples(request: """{ "location": { "coordinates": [8.381, 51.902] }, "notes": null, "tags": ["hochwasser", "funkloch"] }""", responses: ("200", DeviceExamples.Answer));

    static async Task<IResult> HandleAsync(
        string municipality, string id, JsonElement body, DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher,
        SensorThings things, CancellationToken cancellation)
    {
        if (!Device.IsId(id)) return Stored.NoSuchDevice.Problem(id);
        if (body.ValueKind != JsonValueKind.Object) return IngestionErrors.InvalidDevice.Problem([("", "must be a JSON object")]);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await store.FindAsync(municipality, id, cancellation) is not { } before) return Stored.NoSuchDevice.Problem(id);
            if (Merged(before.Device, body) is not { } merged) return IngestionErrors.InvalidDevice.Problem([("", "has a field or text that is no Unicode")]);
            var form = new DeviceForm(merged);
            var device = form.Read(id);
            var profile = await form.FindProfileAsync(municipality, device, profiles, cancellation);
            if (form.Faults.Count > 0 || profile is null) return IngestionErrors.InvalidDevice.Problem(form.Faults);

            var stored = await store.ReplaceAsync(municipality, device, profile, before.ChangedAt, cancellation);
            if (stored == Stored.NoSuchDevice) continue; // changed, or removed
            if (stored != Stored.Yes) return stored.Problem(device);
            directory.Forget(municipality, id);
            publisher.Wake(municipality);
            return await store.FindAsync(municipality, id, cancellation) is { } now ? TypedResults.Ok(DeviceAnswer.Of(now, things, municipality)) : Stored.NoSuchDevice.Problem(id);
        }
        return IngestionErrors.ChangedMeanwhile.Problem();
    }

    static JsonElement? Merged(Device device, JsonElement patch)
    {
        if (!patch.IsUnicode()) return null;
        // Names of fields count whatever their case, as in the other bodies.
        var target = JsonSerializer.SerializeToNode(device, Web)!.AsObject().Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()));
        return JsonSerializer.SerializeToElement(Merge(new JsonObject(target, new JsonNodeOptions { PropertyNameCaseInsensitive = true }), patch));
    }

    /// <summary>RFC 7396, section 2.</summary>
    static JsonNode? Merge(JsonNode? target, JsonElement patch)
    {
        if (patch.ValueKind == JsonValueKind.Array) return JsonArray.Create(patch);
        if (patch.ValueKind != JsonValueKind.Object) return JsonValue.Create(patch);
        var merged = target as JsonObject ?? [];
        foreach (var field in patch.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Null)
            {
                merged.Remove(field.Name);
                continue;
            }
            var before = merged[field.Name];
            merged.Remove(field.Name); // a node has one parent
            merged[field.Name] = Merge(before, field.Value);
        }
        return merged;
    }
}
