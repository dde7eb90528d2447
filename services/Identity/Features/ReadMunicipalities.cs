using Allmende.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Identity.Features;

/// <summary><c>GET /operator/municipalities</c> and <c>/{id}</c>: those that are open.</summary>
static class ReadMunicipalities
{
    public static void Map(RouteGroupBuilder routes)
    {
        routes.MapGet("/", async (MunicipalityRegistry registry, CancellationToken cancel) =>
                new MunicipalityList(await registry.ListAsync([OnboardingState.Ready], cancel)))
            .WithName("ListMunicipalities").WithSummary("The municipalities of the installation.");

        routes.MapGet("/{id}", async Task<Results<Ok<Municipality>, ProblemHttpResult>> (string id, MunicipalityRegistry registry, CancellationToken cancel) =>
                (await registry.ListAsync([OnboardingState.Ready], cancel)).FirstOrDefault(municipality => municipality.Id == id) is { } found
                    ? TypedResults.Ok(found)
                    : IdentityErrors.NoSuchMunicipality.Problem($"There is no municipality '{id}' here."))
            .WithName("GetMunicipality").WithSummary("One municipality.");
    }
}

/// <summary>A list that can grow fields.</summary>
public sealed record MunicipalityList(IReadOnlyList<Municipality> Municipalities);
