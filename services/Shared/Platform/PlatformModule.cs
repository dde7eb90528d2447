using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Platform.Security;
using Allmende.Platform.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform;

/// <summary>The service's own name, as in <c>allmende_{name}</c>.</summary>
public sealed record ServiceName(string Name);

/// <summary>What every service starts with.</summary>
public static class PlatformModule
{
    /// <summary>Longest body that any route takes, in bytes.</summary>
    internal const int LargestBody = 10 * 1024 * 1024;

    /// <summary>Configuration, telemetry, security, health, errors, log, events, databases.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="service">The service's name; its schema, its role's suffix, its consumer group.</param>
    /// <param name="needs">What it uses.</param>
    /// <param name="defaults">What this service sets otherwise than all, where nothing is configured.</param>
    /// <exception cref="InvalidOperationException">The configuration is faulty; the message tells all faults.</exception>
    public static PlatformOptions AddPlatform(this WebApplicationBuilder builder, string service, PlatformNeeds needs = PlatformNeeds.All, Action<PlatformOptions>? defaults = null)
    {
        var options = new PlatformOptions();
        defaults?.Invoke(options);
        builder.Configuration.GetSection("Platform").Bind(options);
        // The short forms of docs/architecture.md: Platform__Log__Kind and the like bind by themselves.
        var faults = options.Faults(needs).ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));

        builder.Logging.ClearProviders().AddJsonConsole(console => { console.UseUtcTimestamp = true; console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ"; });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning).AddFilter("Npgsql", LogLevel.Warning);
        // Starting twice, or a neighbour on the port, is told by Kestrel in plain words and needs no stack of Hosting's.
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
        });

        // No handler blocks a thread: what arrives is handled where it was received, without a change of threads.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);

        var services = builder.Services;
        services.AddSingleton(options).AddSingleton(options.Log).AddSingleton(options.Events).AddSingleton(options.Identity).AddSingleton(new ServiceName(service));
        services.AddExceptionHandler<ProblemExceptionHandler>().AddProblemDetails();
        // Otherwise a body that cannot be read is a bare 400 outside of development, without the line and field at fault.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddOpenApi();
        services.AddSingleton<MetricsText>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        AddHttpClients(services, options);
        PlatformSecurity.Add(builder, service, options);
        PlatformTelemetry.AddOtlp(builder, service);

        if (options.Redis is { } redis) services.AddSingleton(_ => new RedisConnection(redis));
        if (needs.HasFlag(PlatformNeeds.Log) || (needs.HasFlag(PlatformNeeds.Events) && options.Events.Kind == "log"))
        {
            if (options.Log.Kind == "kafka") services.AddSingleton<KafkaLog>().AddSingleton(provider => new InstrumentedLog(provider.GetRequiredService<KafkaLog>()));
            else services.AddSingleton<RedisLog>().AddSingleton(provider => new InstrumentedLog(provider.GetRequiredService<RedisLog>()));
            services.AddSingleton<ILog>(provider => provider.GetRequiredService<InstrumentedLog>());
            if (needs.HasFlag(PlatformNeeds.Municipalities)) services.AddHostedService<LagMeasurement>();
        }
        if (needs.HasFlag(PlatformNeeds.Events))
        {
            services.AddSingleton<EventDispatcher>();
            if (options.Events.Kind == "dapr") services.AddSingleton<IEventBus, DaprEventBus>();
            else services.AddSingleton<IEventBus, LogEventBus>().AddHostedService<LogEventDelivery>();
        }
        if (needs.HasFlag(PlatformNeeds.Database))
        {
            services.AddSingleton(_ => new MunicipalDatabases(options.Postgres!, service, mostKept: options.DatabasesKept));
            services.AddSingleton(_ => new Migrations(service, System.Reflection.Assembly.Load(builder.Environment.ApplicationName)));
        }
        if (needs.HasFlag(PlatformNeeds.Municipalities))
        {
            services.AddSingleton<Municipalities>().AddHostedService(provider => provider.GetRequiredService<Municipalities>());
            if (needs.HasFlag(PlatformNeeds.Events)) services.AddEventHandler<MunicipalityOnboardedHandler>();
        }
        return options;
    }

    static void AddHttpClients(IServiceCollection services, PlatformOptions options)
    {
        foreach (var name in options.Services.Keys)
            services.AddHttpClient(name.ToLowerInvariant(), client =>
            {
                client.BaseAddress = options.ServiceAddress(name);
                client.Timeout = TimeSpan.FromSeconds(10);
                client.DefaultRequestHeaders.Add(InternalRequests.Header, options.InternalKey);
            });
        services.AddHttpClient("dapr", client =>
        {
            client.BaseAddress = new Uri(options.Events.Dapr.TrimEnd('/') + "/");
            client.Timeout = TimeSpan.FromSeconds(10);
        });
    }

    /// <summary>Errors, security, <c>/health</c>, <c>/metrics</c>, <c>/openapi/v1.json</c>, <c>/internal/municipalities/{m}</c>, Dapr's routes.</summary>
    public static WebApplication MapPlatform(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<PlatformOptions>();
        app.UseExceptionHandler();
        app.UseStatusCodePages(PlatformSecurity.WriteStatusPageAsync);
        app.UseRouting();
        app.UseMiddleware<RefuseLargeBodies>();
        app.UseMiddleware<RequestSpans>();
        app.UseMiddleware<InternalRequests>();
        if (app.Services.GetService<MunicipalDatabases>() is not null) app.UseMiddleware<RepeatBrokenReads>();
        app.UseAuthentication();
        if (app.Services.GetService<Municipalities>() is not null) app.UseMiddleware<MunicipalityInPath>();
        app.UseMiddleware<RefusedCredentials>();
        app.UseAuthorization();

        app.MapOpenApi("/openapi/v1.json");
        app.Services.GetRequiredService<MetricsText>(); // measures from the start, not from the first who asks
        app.MapGet("/metrics", (MetricsText metrics) => TypedResults.Text(metrics.Write(), "text/plain; version=0.0.4")).ExcludeFromDescription();
        app.MapHealth();
        if (app.Services.GetService<Municipalities>() is not null)
            app.MapGet("/internal/municipalities/{municipality}", async Task<IResult> (string municipality, Municipalities municipalities, CancellationToken cancellation) =>
                await municipalities.FindAsync(municipality, cancellation) is null ? PlatformErrors.NotFound.Problem() : TypedResults.NoContent()).ExcludeFromDescription();
        if (options.Events.Kind == "dapr" && app.Services.GetService<EventDispatcher>() is not null) DaprEventDelivery.Map(app, options.Events);
        return app;
    }
}

/// <summary>A new municipality is taken in at once.</summary>
sealed class MunicipalityOnboardedHandler(Municipalities municipalities) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } = [EventTypes.MunicipalityOnboarded];

    public Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation) => municipalities.RefreshAsync(domainEvent.Municipality, TimeSpan.Zero, cancellation);
}
