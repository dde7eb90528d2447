using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Identity.Features;

/// <summary>What the other services ask Identity, behind the internal key.</summary>
static class AnswerServices
{
    public static void Map(RouteGroupBuilder routes)
    {
        // Also those that are being onboarded: their schemas are to be made now.
        routes.MapGet("/municipalities", async (MunicipalityRegistry registry, CancellationToken cancel) =>
            TypedResults.Json(await registry.ListAsync([OnboardingState.Announced, OnboardingState.Ready], cancel), ContractsJson.Default.MunicipalityArray));

        routes.MapGet("/api-keys/{hash}", async Task<IResult> (string hash, ApiKeyStore keys, CancellationToken cancel) =>
            await keys.FindAsync(hash, cancel) is { } holder
                ? TypedResults.Json(holder, SecurityJson.Default.ApiKeyHolder)
                : PlatformErrors.NotFound.Problem());
    }
}
