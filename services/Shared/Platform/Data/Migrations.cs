using System.Reflection;
using Npgsql;

namespace Allmende.Platform.Data;

/// <summary>
/// Forward migrations of a service's schema: the embedded resources <c>Migrations/NNNN-title.sql</c> of its assembly, in order, each once, each in a
/// transaction, recorded in <c>{schema}.migration</c>. An advisory lock lets one instance do it while others wait.
/// </summary>
public sealed class Migrations(string schema, Assembly assembly)
{
    readonly (string Name, string Sql)[] scripts = assembly.GetManifestResourceNames()
        .Where(name => name.Contains(".Migrations.", StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(name => (name[(name.IndexOf(".Migrations.", StringComparison.Ordinal) + 12)..^4], Read(assembly, name)))
        .ToArray();

    /// <summary>Brings the database up to date.</summary>
    public async Task RunAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock(hashtext('migrate {schema}'))", cancellation);
        await ExecuteAsync(connection, $"CREATE TABLE IF NOT EXISTS {schema}.migration (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())", cancellation);
        var done = new HashSet<string>(StringComparer.Ordinal);
        await using (var command = new NpgsqlCommand($"SELECT name FROM {schema}.migration", connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) done.Add(reader.GetString(0));
        foreach (var (name, sql) in scripts.Where(script => !done.Contains(script.Name)))
        {
            await ExecuteAsync(connection, sql, cancellation);
            await using var record = new NpgsqlCommand($"INSERT INTO {schema}.migration (name) VALUES ($1)", connection) { Parameters = { new() { Value = name } } };
            await record.ExecuteNonQueryAsync(cancellation);
        }
        await transaction.CommitAsync(cancellation);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
