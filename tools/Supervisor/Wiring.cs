using Allmende.Supervisor.Data;
using Allmende.Supervisor.Engines;

namespace Allmende.Supervisor;

/// <summary>Where everything of one installation is found.</summary>
/// <param name="Ports">The ports.</param>
/// <param name="Secrets">The installation's secrets.</param>
/// <param name="Postgres">The database server, with a superuser.</param>
/// <param name="Redis"><c>host:port</c>.</param>
/// <param name="Issuer">The issuer of access tokens.</param>
/// <param name="Provider">The address of the OpenID provider that we start; null when another is used.</param>
sealed record Wiring(Ports Ports, Secrets Secrets, PostgresServer Postgres, string Redis, string Issuer, string? Provider)
{
    /// <summary>The address that clients see.</summary>
    public string PublicUrl => $"http://localhost:{Ports.Gateway}";

    /// <summary>Where a service listens. The gateway answers on <c>localhost</c> over IPv4 and IPv6, as browsers ask for either.</summary>
    public string Url(string service) => service == "gateway" ? PublicUrl : $"http://127.0.0.1:{Ports[service]}";

    public static Wiring Of(InstallationOptions options, Ports ports, Secrets secrets) => new(
        ports,
        secrets,
        options.Postgres is { } url ? PostgresServer.Parse(url) : new PostgresServer("127.0.0.1", ports.Postgres, "postgres", secrets.Postgres),
        options.Redis ?? $"127.0.0.1:{ports.Redis}",
        options.Issuer?.TrimEnd('/') ?? $"http://localhost:{ports.Gateway}/realms/allmende",
        options.Issuer is null ? $"http://127.0.0.1:{ports.Provider}" : null);
}
