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
    public async Task InvokeAsync(HttpContext context)
    {
        // Health, metrics and what else has no municipality does not care who asks; the rest has a policy that does.
        if (context.GetRouteValue("municipality") is not string municipality || context.Request.Path.StartsWithSegments("/internal"))
        {
            await next(context);
            return;
        }
        // The handler keeps its result for the request, so nothing is checked twice.
        if (context.User.Identity?.IsAuthenticated != true && (await context.AuthenticateAsync()).Failure is not null)
        {
            await context.ChallengeAsync();
            return;
        }
        if (context.User.FindFirst(Roles.MunicipalityClaim) is { Value: var own } && own != municipality)
        {
            await PlatformErrors.Forbidden.Problem("The credential belongs to another municipality.").ExecuteAsync(context);
            return;
        }
        await next(context);
    }
}
