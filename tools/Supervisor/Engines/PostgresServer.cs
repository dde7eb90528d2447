using Npgsql;

namespace Allmende.Supervisor.Engines;

/// <summary>The way into a PostgreSQL server, ours or one that runs already.</summary>
/// <param name="Host">Host name or address.</param>
/// <param name="Port">Port.</param>
/// <param name="User">The user, here mostly a superuser.</param>
/// <param name="Password">Its password.</param>
public sealed record PostgresServer(string Host, int Port, string User, string Password)
{
    /// <summary>Reads <c>postgresql://user:password@host:port</c>.</summary>
    /// <exception cref="InstallationException">It is no such URL.</exception>
    public static PostgresServer Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql") || uri.UserInfo.Split(':') is not [var user, var password])
            throw new InstallationException("--postgres wants the superuser's URL: postgresql://user:password@host:port");
        return new PostgresServer(uri.Host, uri.IsDefaultPort ? 5432 : uri.Port, Uri.UnescapeDataString(user), Uri.UnescapeDataString(password));
    }

    /// <summary>The connection string of a role, without database, as services take it in <c>Platform__Postgres</c>.</summary>
    public string ConnectionString(string role, string password) => new NpgsqlConnectionStringBuilder
    {
        Host = Host,
        Port = Port,
        Username = role,
        Password = password,
    }.ConnectionString;

    /// <summary>The superuser's connection string for a database.</summary>
    public string ConnectionStringFor(string database) =>
        new NpgsqlConnectionStringBuilder { Host = Host, Port = Port, Username = User, Password = Password, Database = database, Pooling = false, Timeout = 5 }.ConnectionString;

    /// <summary>Runs statements as superuser.</summary>
    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellation = default)
    {
        await using var connection = new NpgsqlConnection(ConnectionStringFor(database));
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Runs a query of one column as superuser.</summary>
    public async Task<IReadOnlyList<string>> QueryAsync(string database, string sql, CancellationToken cancellation = default)
    {
        await using var connection = new NpgsqlConnection(ConnectionStringFor(database));
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<string>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(reader.GetString(0));
        return rows;
    }
}
