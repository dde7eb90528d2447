namespace Allmende.Supervisor.Engines;

/// <summary>What identity finds on a fresh server: the services' roles, the installation database, the template of municipalities.</summary>
public static class Databases
{
    /// <summary>The database of identity's registry.</summary>
    public const string Installation = "allmende";

    /// <summary>What a municipality's database is made from: empty, with PostGIS.</summary>
    public const string Template = "allmende_template";

    /// <summary>The services that own a schema.</summary>
    public static IReadOnlyList<string> Services { get; } = ["identity", "ingestion", "streams", "observations", "catalog", "opendata"];

    /// <summary>A service's role.</summary>
    public static string Role(string service) => $"allmende_{service}";

    /// <summary>Makes what is missing; running it again changes nothing but sets the given passwords.</summary>
    /// <param name="server">The server, with a superuser.</param>
    /// <param name="passwords">The password of each of <see cref="Services"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task PrepareAsync(PostgresServer server, IReadOnlyDictionary<string, string> passwords, CancellationToken cancellation = default)
    {
        var roles = await server.QueryAsync("postgres", "SELECT rolname::text FROM pg_roles", cancellation);
        await server.ExecuteAsync("postgres", string.Concat(Services.Select(service => RoleStatements(service, roles, passwords[service]))), cancellation);

        var databases = await server.QueryAsync("postgres", "SELECT datname::text FROM pg_database", cancellation);
        if (!databases.Contains(Installation))
            await server.ExecuteAsync("postgres", $"CREATE DATABASE {Installation}", cancellation);
        await server.ExecuteAsync(Installation, $"""
            REVOKE CONNECT ON DATABASE {Installation} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {Installation} TO {Role("identity")};
            CREATE SCHEMA IF NOT EXISTS identity AUTHORIZATION {Role("identity")};
            """, cancellation);
        if (!databases.Contains(Template))
            await MakeTemplateAsync(server, cancellation);
    }

    static string RoleStatements(string service, IReadOnlyList<string> existing, string password)
    {
        var role = Role(service);
        var create = existing.Contains(role) ? "" : $"CREATE ROLE {role};\n";
        // Identity makes databases, and schemas in the name of the other services; for that it is a member of their roles.
        var grant = service == "identity" ? "" : $"GRANT {role} TO {Role("identity")};\n";
        return $"{create}ALTER ROLE {role} LOGIN {(service == "identity" ? "CREATEDB" : "NOCREATEDB")} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}';\n{grant}";
    }

    static async Task MakeTemplateAsync(PostgresServer server, CancellationToken cancellation)
    {
        // Under another name until it is complete, so that an interrupted start does not leave half a template.
        const string draft = Template + "_draft";
        await server.ExecuteAsync("postgres", $"DROP DATABASE IF EXISTS {draft}", cancellation);
        await server.ExecuteAsync("postgres", $"CREATE DATABASE {draft}", cancellation);
        await server.ExecuteAsync(draft, "CREATE EXTENSION postgis", cancellation);
        await server.ExecuteAsync(draft, $"REVOKE CONNECT ON DATABASE {draft} FROM PUBLIC", cancellation);
        await server.ExecuteAsync("postgres", $"ALTER DATABASE {draft} RENAME TO {Template}", cancellation);
        await server.ExecuteAsync("postgres", $"ALTER DATABASE {Template} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false", cancellation);
    }
}
