using Allmende.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Allmende.Platform.Security;

/// <summary>
/// Whoever shows a credential gets what it gives or is told that it does not hold, also where the public may read: an expired token
/// must not quietly turn into the view of the public. And a credential of one municipality is no credential in another.
/// </summary>
sealed class RefusedCredentials(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        // Health, metrics and what else has no municipality and no policy does not care who asks.
        if (context.GetEndpoint() is null) return next(context);
        if (context.GetRouteValue("municipality") is not string municipality || context.Request.Path.StartsWithSegments("/internal")) return next(context);

        if (context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Failure is not null) return context.ChallengeAsync();
        return context.User.FindFirst(Roles.MunicipalityClaim) is { Value: var own } && own != municipality
            ? PlatformErrors.Forbidden.Problem("The credential belongs to another municipality.").ExecuteAsync(context)
            : next(context);
    }
}
