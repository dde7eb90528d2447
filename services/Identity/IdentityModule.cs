using Allmende.Identity.Features;
using Allmende.Identity.Keycloak;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Security;

namespace Allmende.Identity;

/// <summary>Wiring and routes of Identity.</summary>
public static class IdentityModule
{
    /// <summary>The registry, the provider's administration, and what onboarding needs.</summary>
    /// <exception cref="InvalidOperationException">The configuration is faulty; the message tells all faults.</exception>
    public static void AddIdentity(this WebApplicationBuilder builder, PlatformOptions platform)
    {
        var provider = builder.Configuration.GetSection("Identity:Provider").Get<ProviderOptions>() ?? new ProviderOptions();
        var faults = provider.Faults().ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));

        var services = builder.Services;
        services.AddSingleton(provider.CompletedFrom(platform.Identity));
        services.AddSingleton(builder.Configuration.GetSection("Identity:Onboarding").Get<OnboardingOptions>() ?? new OnboardingOptions());
        services.AddSingleton(_ => new Migrations("identity", typeof(IdentityModule).Assembly)).AddHostedService<RegistryMigration>();
        services.AddHttpClient(KeycloakAdmin.HttpClientName, http => http.Timeout = TimeSpan.FromSeconds(10));
        services.AddSingleton(TimeProvider.System).AddSingleton<KeycloakAdmin>().AddSingleton<RoleClients>();
        services.AddSingleton<MunicipalityRegistry>().AddSingleton<MunicipalDatabaseMaker>().AddSingleton<ServicesReady>().AddSingleton<AuditTrail>();
        services.AddSingleton<ApiKeyStore>().AddSingleton<IApiKeyVerifier>(container => container.GetRequiredService<ApiKeyStore>());
        services.AddSingleton<OnboardMunicipality>();
    }

    /// <summary>The doors of Identity.</summary>
    public static void MapIdentity(this WebApplication app)
    {
        var registry = app.MapGroup("/operator/municipalities").WithTags("Municipalities").RequireOperator();
        OnboardMunicipality.Map(registry);
        ReadMunicipalities.Map(registry);
        ReplaceClientSecret.MapForOperator(registry);

        var municipality = app.MapGroup("/{municipality}/identity").AddEndpointFilter<KnownMunicipality>();
        ManageApiKeys.Map(municipality.MapGroup("/api-keys").WithTags("API keys"));
        ReplaceClientSecret.Map(municipality.MapGroup("/clients").WithTags("Clients"));
        ReadAudit.Map(municipality.MapGroup("/audit").WithTags("Audit"));

        AnswerServices.Map(app.MapGroup("/internal").ExcludeFromDescription());
    }
}

/// <summary>The registry's tables are there before the first request is.</summary>
sealed class RegistryMigration(Migrations migrations, MunicipalDatabases databases) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => migrations.RunAsync(databases.Installation, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A municipality that is not there (or not yet) is 404, whatever is asked of it.</summary>
sealed class KnownMunicipality(MunicipalityRegistry registry) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var id = (string)context.HttpContext.GetRouteValue("municipality")!;
        return await registry.IsReadyAsync(id, context.HttpContext.RequestAborted)
            ? await next(context)
            : IdentityErrors.NoSuchMunicipality.Problem($"There is no municipality '{id}' here.");
    }
}
