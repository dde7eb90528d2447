using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Identity.Features;

/// <summary>A municipality's API keys: make (shown once), list, revoke.</summary>
static class ManageApiKeys
{
    public static void Map(RouteGroupBuilder routes)
    {
        routes.MapPost("/", CreateAsync).RequireRole(Roles.Admin, Roles.DeviceManager).WithName("CreateApiKey").WithSummary("Makes an API key; the answer shows it, once.")
            .WithDescription("Admins make keys of any scope; who connects devices makes keys that write uplinks, for network servers.").ProducesProblem(403).ProducesProblem(422);
        routes.MapGet("/", async (string municipality, ApiKeyStore keys, CancellationToken cancel) => new ApiKeyList(await keys.ListAsync(municipality, cancel)))
            .RequireRole(Roles.Admin).WithName("ListApiKeys").WithSummary("The keys that are not revoked, the newest first.");
        routes.MapDelete("/{id}", RevokeAsync).RequireRole(Roles.Admin).WithName("RevokeApiKey").WithSummary("Revokes a key everywhere.").ProducesProblem(404);
    }

    static async Task<Results<Created<CreatedApiKey>, ProblemHttpResult>> CreateAsync(
        string municipality, NewApiKey body, ApiKeyStore keys, ClaimsPrincipal caller, HttpContext http, CancellationToken cancel)
    {
        var faults = body.Faults().ToList();
        if (faults.Count > 0) return IdentityErrors.InvalidApiKey.Problem(faults);
        // Nobody hands out more than they have.
        if (!Roles.Of(caller, municipality).Contains(Roles.Admin) && body.Scopes!.Any(scope => scope != Roles.WriteUplinks))
            return PlatformErrors.Forbidden.Problem($"This key may make keys with scope {Roles.WriteUplinks} alone.");
        var (key, info) = await keys.CreateAsync(municipality, body.Name!.Trim(), [.. body.Scopes!.Distinct()], caller, cancel);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/{municipality}/identity/api-keys/{info.Id}", new CreatedApiKey(info.Id, info.Name, info.Scopes, info.CreatedAt, key));
    }

    static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        string municipality, string id, ApiKeyStore keys, IEventBus events, ClaimsPrincipal caller, CancellationToken cancel)
    {
        if (await keys.RevokeAsync(municipality, id, caller, cancel) is not { } hash) return IdentityErrors.NoSuchApiKey.Problem();
        // Told again when the call is repeated: the first time, the event may not have got out.
        await events.PublishAsync(municipality, "identity", EventTypes.ApiKeyRevoked, id, new ApiKeyRevoked(hash), ContractsJson.Default.ApiKeyRevoked, cancel);
        return TypedResults.NoContent();
    }
}

/// <summary>Body of <c>POST /{municipality}/identity/api-keys</c>.</summary>
/// <param name="Name">What people call it, 1 to 100 characters.</param>
/// <param name="Scopes">What it may do: <c>uplinks:write</c>, <c>observations:write</c>, <c>devices:manage</c>.</param>
public sealed record NewApiKey(string? Name, IReadOnlyList<string>? Scopes)
{
    internal IEnumerable<(string Field, string Fault)> Faults()
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > 100 || Name.Any(char.IsControl)) yield return ("name", "must be a text of 1 to 100 characters");
        if (Scopes is not { Count: > 0 } || Scopes.Any(scope => !ApiKeyStore.Scopes.Contains(scope)))
            yield return ("scopes", $"must be some of {string.Join(", ", ApiKeyStore.Scopes)}");
    }
}

/// <summary>A key that was just made.</summary>
/// <param name="Id">Its id; not secret.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Key">The key itself, for <c>X-Api-Key</c>; shown this once.</param>
public sealed record CreatedApiKey(string Id, string Name, string[] Scopes, DateTimeOffset CreatedAt, string Key);

/// <summary>A list that can grow fields.</summary>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyInfo> ApiKeys);
