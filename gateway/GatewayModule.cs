using Allmende.Platform;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Yarp.ReverseProxy.Transforms;

namespace Allmende.Gateway;

/// <summary>Wiring and pipeline of the gateway.</summary>
public static class GatewayModule
{
    /// <summary>The proxy with its table, its limits and what it answers itself.</summary>
    /// <exception cref="InvalidOperationException">The configuration is faulty; the message tells all faults.</exception>
    public static void AddGateway(this WebApplicationBuilder builder, PlatformOptions platform)
    {
        var options = builder.Configuration.GetSection("Gateway").Get<GatewayOptions>() ?? new GatewayOptions();
        var faults = options.Faults()
            .Concat(RouteTable.Services.Where(service => !platform.Services.ContainsKey(service)).Select(service => $"Platform:Services:{service} is not set"))
            .ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));

        var services = builder.Services;
        services.AddSingleton(TimeProvider.System).AddSingleton(options).AddSingleton<MunicipalityLimits>().AddSingleton<MergedOpenApi>().AddSingleton<Readiness>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes);
        // Whoever asks is the services' business: each knows its own kinds of keys. Without these, the pipeline has no authentication.
        services.RemoveAll<IAuthenticationSchemeProvider>().RemoveAll<IAuthorizationHandlerProvider>();
        services.AddCors();
        // Two lines per request otherwise.
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);
        services.AddReverseProxy()
            .LoadFromMemory(RouteTable.Routes(platform), RouteTable.Clusters(platform))
            .AddTransforms(transforms => transforms.AddXForwarded(ForwardedTransformActions.Set));
    }

    /// <summary>From the outside in.</summary>
    public static void MapGateway(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseMiddleware<FromOutside>();
        app.UseMiddleware<MappedHosts>();
        // Tokens and keys travel in headers that a foreign page cannot make a browser send, so every page may call the APIs.
        app.UseCors(policy => policy.AllowAnyOrigin().AllowAnyHeader().AllowAnyMethod().WithExposedHeaders("Location", "Link", "Retry-After", "Content-Disposition"));
        app.UseRouting();

        app.MapGet("/health/live", () => TypedResults.Text("""{"status":"live"}""", "application/json"));
        app.MapGet("/health/ready", (Readiness readiness, CancellationToken cancel) => readiness.AnswerAsync(cancel));
        app.MapGet("/openapi", (MergedOpenApi document, CancellationToken cancel) => document.AnswerAsync(cancel));
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<FailuresAsProblems>();
            proxy.UseMiddleware<MunicipalityGate>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        });
        app.MapFallback("{**path}", () => PlatformErrors.NotFound.Problem("See /openapi for what there is."));
    }
}
