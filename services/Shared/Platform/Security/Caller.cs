using System.Security.Claims;
using Allmende.Contracts;

namespace Allmende.Platform.Security;

/// <summary>Who is behind a request, in claims of our own shape: <c>client</c>, <c>sub</c>, and those of <see cref="Roles"/>.</summary>
public static class Caller
{
    /// <summary>Claim that carries the OAuth client's id, or <c>key:{id}</c> for an API key.</summary>
    public const string ClientClaim = "client";

    /// <summary>Claim that carries the subject of a token.</summary>
    public const string SubjectClaim = "sub";

    /// <summary>The client's id, <c>key:{id}</c> for an API key, or <c>anonymous</c>; for the audit, never for a decision.</summary>
    public static string Name(this ClaimsPrincipal principal) => principal.FindFirst(ClientClaim)?.Value ?? "anonymous";

    /// <summary>The holder of an API key: scopes, and with <see cref="Roles.ManageDevices"/> the role that goes with it.</summary>
    public static ClaimsPrincipal Of(ApiKeyHolder holder) => new(new ClaimsIdentity(
        [
            new Claim(ClientClaim, "key:" + holder.Id),
            new Claim(Roles.MunicipalityClaim, holder.Municipality),
            .. holder.Scopes.Select(scope => new Claim(Roles.ScopeClaim, scope)),
            .. holder.Scopes.Where(scope => scope == Roles.ManageDevices).Select(_ => new Claim(Roles.RoleClaim, Roles.DeviceManager)),
        ],
        TokenAuthentication.Scheme, ClientClaim, Roles.RoleClaim));
}
