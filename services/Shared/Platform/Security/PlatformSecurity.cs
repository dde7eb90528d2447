using Allmende.Contracts;
using Allmende.Platform.Events;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Allmende.Platform.Security;

/// <summary>Who is asking, and what they may do. Authorisation is said on the route: <see cref="RequireRole{T}"/>, <see cref="RequireOperator{T}"/>.</summary>
public static class PlatformSecurity
{
    internal static void Add(WebApplicationBuilder builder, string service, PlatformOptions options)
    {
        var services = builder.Services;
        services.AddSingleton<IConfigurationManager<OpenIdConnectConfiguration>>(_ => ProviderMetadata(options.Identity)).AddSingleton<AccessTokens>();
        services.AddSingleton(provider => new Credentials(provider.GetRequiredService<AccessTokens>(), provider.GetServices<IApiKeyVerifier>()));
        if (service != "identity" && options.Services.ContainsKey("identity"))
            services.AddSingleton<IdentityApiKeys>()
                .AddSingleton<IApiKeyVerifier>(provider => provider.GetRequiredService<IdentityApiKeys>())
                .AddSingleton<IEventHandler>(provider => provider.GetRequiredService<IdentityApiKeys>());
        services.AddAuthentication(TokenAuthentication.Scheme).AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.Scheme, null);
        services.AddAuthorization();
    }

    /// <summary>
    /// The provider's keys: read when first needed, again every few minutes, and at once for a key that is not known yet, but not more than once a second:
    /// tokens with invented keys cannot make us flood the provider.
    /// </summary>
    static ConfigurationManager<OpenIdConnectConfiguration> ProviderMetadata(IdentityOptions options)
    {
        var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = TimeSpan.FromSeconds(5) };
        var address = (options.Authority ?? options.Issuer).TrimEnd('/') + "/.well-known/openid-configuration";
        // Plain HTTP is for the configuration to decide: inside one machine or cluster it is usual.
        return new(address, new OpenIdConnectConfigurationRetriever(), new HttpDocumentRetriever(http) { RequireHttps = false })
        {
            AutomaticRefreshInterval = ConfigurationManager<OpenIdConnectConfiguration>.MinimumAutomaticRefreshInterval,
            RefreshInterval = ConfigurationManager<OpenIdConnectConfiguration>.MinimumRefreshInterval,
        };
    }

    /// <summary>Lets in whoever has one of <paramref name="roles"/> in the path's municipality.</summary>
    public static T RequireRole<T>(this T route, params string[] roles) where T : IEndpointConventionBuilder =>
        route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
            Municipality(context) is { } municipality && Roles.Of(context.User, municipality).Overlaps(roles)));

    /// <summary>Lets in every member and client of the path's municipality.</summary>
    public static T RequireMember<T>(this T route) where T : IEndpointConventionBuilder => route.RequireRole([.. Roles.OfMunicipality, Roles.DeviceManager]);

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
