using System.Text.Json;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Observations;

/// <summary><c>POST /internal/{municipality}/observations/stored</c>: what is stored under some keys, with the rights of the caller whose credentials came along.</summary>
static class StoredRoutes
{
    const int LargestBody = 4 * 1024 * 1024;

    public static void MapStored(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/{municipality}/observations/stored", ReadAsync).ExcludeFromDescription().WithMetadata(new RequestSizeLimitAttribute(LargestBody));

    static async Task<IResult> ReadAsync(string municipality, HttpContext context, SeriesStore store)
    {
        ObservationKey[]? keys;
        try
        {
            keys = await JsonSerializer.DeserializeAsync(context.Request.Body, ContractsJson.Default.ObservationKeyArray, context.RequestAborted);
        }
        catch (JsonException)
        {
            return PlatformErrors.MalformedRequest.Problem();
        }
        if (keys is null || keys.Length > ObservationKey.Most || keys.Any(key => key?.Datastream is null)) return PlatformErrors.MalformedRequest.Problem($"A list of at most {ObservationKey.Most} keys is needed.");
        var stored = await store.StoredAsync(municipality, context.VisibleAccess(), keys, context.RequestAborted);
        return TypedResults.Json(stored!, ContractsJson.Default.StoredResultArray);
    }
}
