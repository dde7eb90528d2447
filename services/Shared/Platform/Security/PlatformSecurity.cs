using Allmende.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Allmende.Platform.Security;

/// <summary>Who is asking, and what they may do. Authorisation is said on the route: <see cref="RequireRole{T}"/>, <see cref="RequireOperator{T}"/>.</summary>
public static class PlatformSecurity
{
    internal static void Add(WebApplicationBuilder builder, PlatformOptions options)
    {
        _ = options;
        builder.Services.AddAuthentication(TokenAuthentication.Scheme).AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.Scheme, null);
        builder.Services.AddAuthorization();
    }

    /// <summary>Lets in whoever has one of <paramref name="roles"/> in the path's municipality.</summary>
    public static T RequireRole<T>(this T route, params string[] roles) where T : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
            Municipality(context) is { } municipality && Roles.Of(context.User, municipality).Overlaps(roles)));

    /// <summary>Lets in every member and client of the path's municipality.</summary>
    public static T RequireMember<T>(this T route) where T : IEndpointConventionBuilder => route.RequireRole([.. Roles.OfMunicipality]);

    /// <summary>Lets in who has one of <paramref name="roles"/>, and API keys of the municipality with <paramref name="scope"/>.</summary>
    public static T RequireScopeOrRole<T>(this T route, string scope, params string[] roles) where T : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireAssertion(context => Municipality(context) is { } municipality
            && (Roles.Of(context.User, municipality).Overlaps(roles)
                || (context.User.HasClaim(Roles.MunicipalityClaim, municipality) && context.User.HasClaim(Roles.ScopeClaim, scope)))));

    /// <summary>Lets in the operator of the installation.</summary>
    public static T RequireOperator<T>(this T route) where T : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.HasClaim(Roles.RoleClaim, Roles.Operator)));

    static string? Municipality(AuthorizationHandlerContext context) =>
        (context.Resource as HttpContext)?.GetRouteValue("municipality") as string;

    /// <summary>Gives bare status codes (401, 403, 404, 405, …) a problem as body.</summary>
    internal static Task WriteStatusPageAsync(StatusCodeContext context)
    {
        var response = context.HttpContext.Response;
        var problem = response.StatusCode switch
        {
            401 => PlatformErrors.Unauthorized.Problem("send 'Authorization: Bearer …' or 'X-Api-Key: …'"),
            403 => PlatformErrors.Forbidden.Problem(),
            404 => PlatformErrors.NotFound.Problem(),
            413 => PlatformErrors.TooLarge.Problem(),
            503 => PlatformErrors.Unavailable.Problem(),
            var status => new ApiError("http_" + status, status, Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status)).Problem(),
        };
        return problem.ExecuteAsync(context.HttpContext);
    }
}
