using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Allmende.Identity.Tests;

/// <summary>
/// A service with nothing but the platform: what any service makes of credentials and municipalities. It has a door for everybody,
/// one for members and one for devices, each of which answers who the caller is taken for.
/// </summary>
sealed class ProbeService(WebApplication app, string url) : IAsyncDisposable
{
    public string Url => url;

    public static async Task<ProbeService> StartAsync(IdentityInstallation installation, string authority, string url)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Platform:Postgres"] = installation.Engines.ConnectionString("catalog"),
            ["Platform:Redis"] = installation.Engines.Redis.Address,
            ["Platform:Identity:Issuer"] = installation.Issuer,
            ["Platform:Identity:Authority"] = authority,
            ["Platform:InternalKey"] = IdentityInstallation.InternalKey,
            ["Platform:Services:identity"] = installation.IdentityUrl,
        });
        builder.AddPlatform("catalog");
        builder.Logging.ClearProviders();

        var app = builder.Build();
        app.Urls.Add(url);
        app.MapPlatform();
        app.MapGet("/{municipality}/open", Who);
        app.MapGet("/{municipality}/members", Who).RequireMember();
        app.MapGet("/{municipality}/devices-door", Who).RequireScopeOrRole(Roles.WriteUplinks, Roles.Admin);
        await app.StartAsync();
        return new ProbeService(app, url);
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(soon.Token);
        await app.DisposeAsync();
    }

    static string Who(ClaimsPrincipal caller, HttpContext http) => $"{caller.Name()} {string.Join(',', http.VisibleAccess())}";
}
