using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Identity.Keycloak;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Identity.Features;

/// <summary>
/// A municipality's clients: who there is, and a new secret for one whose secret was lost or seen. The municipality's admin does that,
/// or the operator, for a municipality that has lost its admin's secret.
/// </summary>
static class ReplaceClientSecret
{
    public static void Map(RouteGroupBuilder routes)
    {
        routes.MapGet("/", async Task<Results<Ok<ClientList>, ProblemHttpResult>> (string municipality, RoleClients clients, HttpContext http, CancellationToken cancel) =>
            {
                try
                {
                    return TypedResults.Ok(new ClientList(await clients.ListAsync(municipality, cancel)));
                }
                catch (KeycloakException fault)
                {
                    return Unavailable(http, fault);
                }
            })
            .RequireRole(Roles.Admin).WithName("ListClients").WithSummary("The municipality's clients, without secrets.").ProducesProblem(503);

        routes.MapPost("/{clientId}/secret", HandleAsync)
            .RequireRole(Roles.Admin).WithName("ReplaceClientSecret").WithSummary("A new secret for a client, shown once; the old one is void.")
            .ProducesProblem(404).ProducesProblem(503);
    }

    public static void MapForOperator(RouteGroupBuilder routes) => routes
        .MapPost("/{id}/clients/{clientId}/secret", async Task<Results<Ok<RoleClient>, ProblemHttpResult>> (
            string id, string clientId, RoleClients clients, MunicipalityRegistry registry, AuditTrail audit, ClaimsPrincipal caller, HttpContext http, CancellationToken cancel) =>
            await registry.IsReadyAsync(id, cancel)
                ? await HandleAsync(id, clientId, clients, audit, caller, http, cancel)
                : IdentityErrors.NoSuchMunicipality.Problem($"There is no municipality '{id}' here."))
        .WithName("ReplaceClientSecretAsOperator").WithSummary("A new secret for a municipality's client, shown once.")
        .ProducesProblem(404).ProducesProblem(503);

    static async Task<Results<Ok<RoleClient>, ProblemHttpResult>> HandleAsync(
        string municipality, string clientId, RoleClients clients, AuditTrail audit, ClaimsPrincipal caller, HttpContext http, CancellationToken cancel)
    {
        try
        {
            if (await clients.ReplaceSecretAsync(municipality, clientId, cancel) is not { } client) return IdentityErrors.NoSuchClient.Problem();
            await audit.WriteAsync(municipality, caller, "client.secret-replaced", clientId, cancel);
            http.Response.Headers.CacheControl = "no-store";
            return TypedResults.Ok(client);
        }
        catch (KeycloakException fault)
        {
            return Unavailable(http, fault);
        }
    }

    static ProblemHttpResult Unavailable(HttpContext http, KeycloakException fault)
    {
        http.Response.Headers.RetryAfter = "5";
        return IdentityErrors.ProviderFailed.Problem(fault.Message);
    }
}

/// <summary>A list that can grow fields.</summary>
public sealed record ClientList(IReadOnlyList<RoleClientInfo> Clients);
