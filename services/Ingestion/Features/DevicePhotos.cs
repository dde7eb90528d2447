using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Allmende.Ingestion.Features;

/// <summary><c>PUT</c>, <c>GET</c> and <c>DELETE /{m}/devices/{id}/photo</c>: a photo of the installed device, for the municipality's own people.</summary>
static class DevicePhotos
{
    const int LargestPhoto = 2 * 1024 * 1024;

    public static void Map(RouteGroupBuilder devices)
    {
        devices.MapPut("/{id}/photo", PutAsync)
            .RequireRole(Roles.OfDevices)
            .Accepts<byte[]>("image/jpeg", "image/png", "image/webp", "application/octet-stream").WithMetadata(new RequestSizeLimitAttribute(LargestPhoto))
            .Produces(204)
            .ProducesProblem(404)
            .ProducesProblem(413)
            .ProducesProblem(422)
            .WithName("PutDevicePhoto")
            .WithSummary("Store a device's photo")
            .WithDescription("JPEG, PNG or WebP, at most 2 MB; its first bytes say which, not its header.");
        devices.MapGet("/{id}/photo", GetAsync)
            .RequireRole(DeviceReaders.Roles)
            .Produces<byte[]>(200, "image/jpeg", "image/png", "image/webp")
            .Produces(304)
            .ProducesProblem(404)
            .WithName("GetDevicePhoto")
            .WithSummary("Show a device's photo");
        devices.MapDelete("/{id}/photo", RemoveAsync)
            .RequireRole(Roles.OfDevices)
            .Produces(204)
            .ProducesProblem(404)
            .WithName("RemoveDevicePhoto")
            .WithSummary("Remove a device's photo");
    }

    static async Task<IResult> PutAsync(string municipality, string id, HttpRequest request, DevicePhotoStore photos, CancellationToken cancellation)
    {
        if (!Device.IsId(id)) return Stored.NoSuchDevice.Problem(id);
        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        await request.Body.CopyToAsync(body, cancellation);
        var content = body.ToArray();
        if (DevicePhoto.TypeOf(content) is not { } type) return IngestionErrors.InvalidPhoto.Problem("it must be JPEG, PNG or WebP");
        return await photos.PutAsync(municipality, id, content, type, cancellation) ? TypedResults.NoContent() : Stored.NoSuchDevice.Problem(id);
    }

    static async Task<IResult> GetAsync(string municipality, string id, HttpResponse response, DevicePhotoStore photos, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || await photos.FindAsync(municipality, id, cancellation) is not { } photo) return IngestionErrors.NoPhoto.Problem();
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "private, no-cache";
        return TypedResults.Bytes(photo.Content, photo.MediaType, entityTag: new EntityTagHeaderValue($"\"{photo.ETag}\""));
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, DevicePhotoStore photos, CancellationToken cancellation) =>
        Device.IsId(id) && await photos.RemoveAsync(municipality, id, cancellation) ? TypedResults.NoContent() : IngestionErrors.NoPhoto.Problem();
}
