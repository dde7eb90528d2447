using System.Security.Cryptography;
using Allmende.Supervisor;
using Allmende.Supervisor.Engines;
using Npgsql;

namespace Allmende.Testing;

/// <summary>
/// A private PostgreSQL and Redis for one test process, with the settings of an installation (fsync, append-only file always), in a temporary
/// directory and on free ports. They end with the process, also when it crashes.
/// </summary>
public sealed class TestEngines : IAsyncDisposable
{
    static readonly Lazy<Task<TestEngines>> One = new(() => StartAsync());

    readonly TemporaryDirectory directory;
    readonly Dictionary<string, string> passwords;

    TestEngines(TemporaryDirectory directory, Dictionary<string, string> passwords, PostgresEngine? postgres, RedisEngine? redis)
    {
        this.directory = directory;
        this.passwords = passwords;
        PostgresOrNull = postgres;
        RedisOrNull = redis;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DisposeAsync().AsTask().Wait();
    }

    /// <summary>PostgreSQL with the services' roles, the database <c>allmende</c> and the template of municipalities.</summary>
    public PostgresEngine Postgres => PostgresOrNull ?? throw new InvalidOperationException("Started without PostgreSQL.");

    /// <summary>Redis.</summary>
    public RedisEngine Redis => RedisOrNull ?? throw new InvalidOperationException("Started without Redis.");

    PostgresEngine? PostgresOrNull { get; }

    RedisEngine? RedisOrNull { get; }

    /// <summary>The engines of this test process, started when first asked for; fixtures share them and keep to municipalities of their own.</summary>
    public static Task<TestEngines> SharedAsync() => One.Value;

    /// <summary>Starts engines of one's own, for tests that kill them.</summary>
    /// <param name="postgres">Whether PostgreSQL is needed.</param>
    /// <param name="redis">Whether Redis is needed.</param>
    public static async Task<TestEngines> StartAsync(bool postgres = true, bool redis = true)
    {
        var directory = TemporaryDirectory.Create();
        var passwords = Databases.Services.ToDictionary(service => service, _ => Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));
        var port = FreePorts.Block(2);
        var startPostgres = postgres ? StartPostgresAsync(directory, port, passwords) : Task.FromResult<PostgresEngine?>(null);
        var startRedis = redis ? StartRedisAsync(directory, port + 1) : Task.FromResult<RedisEngine?>(null);
        return new TestEngines(directory, passwords, await startPostgres, await startRedis);
    }

    /// <summary>A service's connection string without database, as it stands in <c>Platform__Postgres</c>.</summary>
    /// <param name="service">For example <c>streams</c>.</param>
    public string ConnectionString(string service) => Postgres.Server.ConnectionString(Databases.Role(service), passwords[service]);

    /// <summary>The password of a service's role.</summary>
    public string Password(string service) => passwords[service];

    /// <summary>
    /// Makes a municipality's database as onboarding does: from the template, with a schema per service. Returns the id of the municipality, a fresh one.
    /// </summary>
    public async Task<string> CreateMunicipalityAsync()
    {
        var id = $"t{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var database = $"m_{id}";
        var identity = new NpgsqlConnectionStringBuilder(ConnectionString("identity")) { Pooling = false };
        await ExecuteAsync(identity, Databases.Installation, $"CREATE DATABASE {database} TEMPLATE {Databases.Template}");
        var services = Databases.Services.Where(service => service != "identity").ToList();
        await ExecuteAsync(identity, database, $"""
            REVOKE CONNECT ON DATABASE {database} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {string.Join(", ", services.Select(Databases.Role))};
            {string.Concat(services.Select(service => $"CREATE SCHEMA {service} AUTHORIZATION {Databases.Role(service)};\n"))}
            """);
        return id;
    }

    public async ValueTask DisposeAsync()
    {
        if (PostgresOrNull is not null)
            await PostgresOrNull.DisposeAsync();
        if (RedisOrNull is not null)
            await RedisOrNull.DisposeAsync();
        directory.Dispose();
    }

    static async Task<PostgresEngine?> StartPostgresAsync(TemporaryDirectory directory, int port, Dictionary<string, string> passwords)
    {
        var engine = await PostgresEngine.StartAsync(
            Path.Combine(directory.Path, "postgres"), port, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), directory.Path);
        await Databases.PrepareAsync(engine.Server, passwords);
        return engine;
    }

    static async Task<RedisEngine?> StartRedisAsync(TemporaryDirectory directory, int port) =>
        await RedisEngine.StartAsync(Path.Combine(directory.Path, "redis"), port, directory.Path);

    static async Task ExecuteAsync(NpgsqlConnectionStringBuilder server, string database, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = database }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
