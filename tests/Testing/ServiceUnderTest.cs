using System.Net;
using System.Net.Http.Headers;
using Allmende.Contracts;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Allmende.Testing;

/// <summary>Starts services alone.</summary>
public static class ServiceUnderTest
{
    /// <summary>Starts the service in this process.</summary>
    /// <param name="service">Its name, as in <c>allmende_{name}</c>.</param>
    /// <param name="identity">Whose municipalities and tokens it knows.</param>
    /// <param name="settings">Configuration beyond the engines and Identity.</param>
    /// <param name="replace">Services that a test puts others in the place of.</param>
    public static Task<ServiceUnderTest<TProgram>> StartAsync<TProgram>(
        string service, IdentityStandIn identity, Dictionary<string, string>? settings = null, Action<IServiceCollection>? replace = null) where TProgram : class =>
        ServiceUnderTest<TProgram>.StartAsync(service, identity, settings, replace);
}

/// <summary>One service in this process, on a real port, with real PostgreSQL and Redis, configured as its process would be.</summary>
/// <typeparam name="TProgram">The service's <c>Program</c>.</typeparam>
public sealed class ServiceUnderTest<TProgram> : WebApplicationFactory<TProgram> where TProgram : class
{
    readonly string internalKey = Guid.NewGuid().ToString("N");
    readonly Dictionary<string, string> settings;
    readonly Action<IServiceCollection> replace;
    readonly TestEngines engines;
    readonly IdentityStandIn identity;

    ServiceUnderTest(string service, TestEngines engines, IdentityStandIn identity, Dictionary<string, string> extra, Action<IServiceCollection> replace)
    {
        this.engines = engines;
        this.identity = identity;
        this.replace = replace;
        settings = new Dictionary<string, string>(extra)
        {
            ["Platform:Postgres"] = engines.ConnectionString(service),
            ["Platform:Redis"] = engines.Redis.Address,
            ["Platform:InternalKey"] = internalKey,
            ["Platform:Identity:Issuer"] = identity.Issuer,
            ["Platform:Services:identity"] = identity.Url,
        };
    }

    internal static async Task<ServiceUnderTest<TProgram>> StartAsync(string service, IdentityStandIn identity, Dictionary<string, string>? settings, Action<IServiceCollection>? replace)
    {
        var started = new ServiceUnderTest<TProgram>(service, await TestEngines.SharedAsync(), identity, settings ?? [], replace ?? (_ => { }));
        started.UseKestrel(0);
        started.StartServer();
        return started;
    }

    /// <summary>A client with the token of <paramref name="roles"/> in <paramref name="municipality"/>; without roles, the public.</summary>
    public HttpClient Client(string municipality, params string[] roles)
    {
        var client = CreateClient();
        if (roles.Length > 0) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", identity.Token(municipality, roles));
        return client;
    }

    /// <summary>A fresh municipality that the service is ready for.</summary>
    /// <param name="defaultAccess">Access class of its new datasets.</param>
    public async Task<Municipality> OnboardAsync(string defaultAccess = Access.Internal)
    {
        var id = await engines.CreateMunicipalityAsync();
        var municipality = new Municipality(id, "Musterstadt", "059990001001", 101_000, [8.38, 51.9], [8.2, 51.8, 8.5, 52.0], defaultAccess);
        identity.Add(municipality);
        using var client = CreateClient();
        client.DefaultRequestHeaders.Add("X-Internal-Key", internalKey);
        await Eventually.TrueAsync(
            async () => (await client.GetAsync(new Uri($"/internal/municipalities/{id}", UriKind.Relative))).StatusCode == HttpStatusCode.NoContent, "municipality", TimeSpan.FromSeconds(30));
        return municipality;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        foreach (var (key, value) in settings) builder.UseSetting(key, value);
        builder.ConfigureTestServices(replace);
    }
}
