using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Identity.Keycloak;
using Allmende.Platform;
using Allmende.Platform.Events;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Identity.Features;

/// <summary>
/// <c>POST /operator/municipalities</c>: one call, and a municipality has its database, clients, device key, and is known to every service.
/// A call that broke off, wherever it was, is finished by repeating it; only a municipality that is open answers 409.
/// </summary>
sealed partial class OnboardMunicipality(
    MunicipalityRegistry registry,
    MunicipalDatabaseMaker databases,
    RoleClients clients,
    ApiKeyStore keys,
    IEventBus events,
    ServicesReady services,
    PlatformOptions platform,
    ILogger<OnboardMunicipality> logger)
{
    public static void Map(RouteGroupBuilder routes) => routes
        .MapPost("/", (NewMunicipality body, ClaimsPrincipal caller, OnboardMunicipality feature, HttpContext http) => feature.HandleAsync(body, caller, http))
        .WithName("OnboardMunicipality")
        .WithSummary("Onboards a municipality. The answer shows the secrets of its clients and its device key, once.")
        .ProducesProblem(409).ProducesProblem(422).ProducesProblem(503);

    async Task<Results<Created<OnboardedMunicipality>, ProblemHttpResult>> HandleAsync(NewMunicipality body, ClaimsPrincipal caller, HttpContext http)
    {
        var cancel = http.RequestAborted;
        var faults = body.Faults().ToList();
        if (faults.Count > 0) return IdentityErrors.InvalidMunicipality.Problem(faults);
        var municipality = body.ToMunicipality();

        await using var alone = await registry.TryLockAsync(municipality.Id, cancel);
        if (alone is null) return Again(http, IdentityErrors.OnboardingRuns.Problem("Wait for its answer."));
        var state = await registry.StateAsync(municipality.Id, cancel);
        if (state == OnboardingState.Ready) return IdentityErrors.MunicipalityExists.Problem($"'{municipality.Id}' is taken.", "id");
        // A database without a registration is somebody's data; it is not for us to give it to a new municipality.
        if (state is null && await databases.ExistsAsync(municipality.Id, cancel))
            return IdentityErrors.DatabaseExists.Problem($"Restore the registration of '{municipality.Id}', or remove the database {municipality.Database}.", "id");
        try
        {
            await registry.BeginAsync(municipality, cancel);
            await databases.EnsureAsync(municipality.Id, cancel);
            var roleClients = await clients.CreateAsync(municipality.Id, cancel);
            var (deviceKey, connectKey) = await keys.CreateFirstKeysAsync(municipality.Id, caller, cancel);

            await registry.AnnounceAsync(municipality.Id, cancel);
            await events.PublishAsync(municipality.Id, "identity", EventTypes.MunicipalityOnboarded, municipality.Id, municipality, ContractsJson.Default.Municipality, cancel);
            var missing = await services.MissingAsync(municipality.Id, cancel);
            if (missing.Count > 0)
                return Again(http, IdentityErrors.OnboardingIncomplete.Problem($"Not ready yet: {string.Join(", ", missing)}. Repeat the call to finish."));

            await registry.OpenAsync(municipality.Id, AuditTrail.Entry(municipality.Id, caller, "municipality.onboarded", municipality.Id), cancel);
            LogOnboarded(municipality.Id);
            return TypedResults.Created($"{platform.PublicUrl}/operator/municipalities/{municipality.Id}",
                new OnboardedMunicipality(municipality, roleClients, deviceKey, connectKey, TokenEndpoint));
        }
        catch (KeycloakException fault)
        {
            LogProviderFailed(municipality.Id, fault);
            return Again(http, IdentityErrors.ProviderFailed.Problem(fault.Message + " Repeat the call to finish."));
        }
    }

    string TokenEndpoint => $"{platform.Identity.Issuer.TrimEnd('/')}/protocol/openid-connect/token";

    static ProblemHttpResult Again(HttpContext http, ProblemHttpResult problem)
    {
        http.Response.Headers.RetryAfter = "5";
        return problem;
    }

    [LoggerMessage(1200, LogLevel.Information, "{Municipality} is onboarded")]
    partial void LogOnboarded(string municipality);

    [LoggerMessage(1201, LogLevel.Error, "{Municipality} cannot be onboarded")]
    partial void LogProviderFailed(string municipality, Exception fault);
}

/// <summary>Answer of an onboarding. The secrets are shown this once.</summary>
/// <param name="Municipality">The municipality as every service knows it.</param>
/// <param name="Clients">Its clients by role.</param>
/// <param name="DeviceKey">API key with scope <c>uplinks:write</c>, for network servers and devices.</param>
/// <param name="ConnectKey">API key with scope <c>devices:manage</c>, for the people who connect devices at the portal.</param>
/// <param name="TokenEndpoint">Where the clients get tokens.</param>
public sealed record OnboardedMunicipality(
    Municipality Municipality,
    IReadOnlyDictionary<string, RoleClient> Clients,
    string DeviceKey,
    string ConnectKey,
    string TokenEndpoint);
