using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Identity;

/// <summary>Makes a municipality's database: from the template, a schema for each service, closed to everybody else.</summary>
sealed class MunicipalDatabaseMaker(MunicipalDatabases databases)
{
    const string Template = "allmende_template";

    /// <summary>Services that own a schema in every municipality's database; each has the role <c>allmende_{service}</c>.</summary>
    static readonly string[] Services = ["ingestion", "streams", "observations", "catalog", "opendata"];

    /// <summary>Whether there is a database of that municipality's name.</summary>
    public async Task<bool> ExistsAsync(string municipality, CancellationToken cancel)
    {
        await using var command = databases.Installation.CreateCommand("SELECT count(*) FROM pg_database WHERE datname = $1");
        command.Parameters.Add(new() { Value = Municipality.DatabaseOf(municipality) });
        return (long)(await command.ExecuteScalarAsync(cancel))! > 0;
    }

    /// <summary>Makes what is missing of it; doing so again changes nothing.</summary>
    public async Task EnsureAsync(string municipality, CancellationToken cancel)
    {
        // The name is a checked slug with a prefix, so it needs no quoting; DDL takes no parameters.
        var database = Municipality.DatabaseOf(municipality);
        if (!await ExistsAsync(municipality, cancel)) await CreateAsync(database, cancel);
        try
        {
            await ExecuteAsync(databases.Of(municipality), $"""
                REVOKE ALL ON DATABASE {database} FROM PUBLIC;
                GRANT CONNECT ON DATABASE {database} TO {string.Join(", ", Services.Select(Role))};
                REVOKE CREATE ON SCHEMA public FROM PUBLIC;
                {string.Concat(Services.Select(service => $"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {Role(service)};\n"))}
                """, cancel);
        }
        finally
        {
            // Identity never comes back here, so it keeps no connection.
            await databases.ForgetAsync(municipality);
        }
    }

    async Task CreateAsync(string database, CancellationToken cancel)
    {
        try
        {
            await ExecuteAsync(databases.Installation, $"CREATE DATABASE {database} TEMPLATE {Template}", cancel);
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            // A call that was given up had got that far.
        }
    }

    static string Role(string service) => "allmende_" + service;

    static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancel)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
