using System.Collections.Concurrent;
using Allmende.Contracts;
using Npgsql;

namespace Allmende.Platform.Data;

/// <summary>One pool of connections per municipality's database, with this service's role. The municipality is the first argument of whatever uses it.</summary>
public sealed class MunicipalDatabases : IAsyncDisposable
{
    readonly ConcurrentDictionary<string, NpgsqlDataSource> sources = new(StringComparer.Ordinal);
    readonly string connectionString;
    readonly string schema;
    readonly int poolSize;

    /// <param name="connectionString">Without database.</param>
    /// <param name="service">The service; its schema is the search path.</param>
    /// <param name="poolSize">Most connections to one municipality's database.</param>
    public MunicipalDatabases(string connectionString, string service, int poolSize = 8)
    {
        this.connectionString = connectionString;
        this.poolSize = poolSize;
        schema = service;
    }

    /// <summary>The municipality's database.</summary>
    public NpgsqlDataSource Of(string municipality) => sources.GetOrAdd(municipality, Open);

    /// <summary>The installation's own database, <c>allmende</c>.</summary>
    public NpgsqlDataSource Installation => sources.GetOrAdd("", _ => Build("allmende"));

    NpgsqlDataSource Open(string municipality) => Build(Municipality.DatabaseOf(municipality));

    NpgsqlDataSource Build(string database)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Database = database,
            SearchPath = schema + ",public",
            MaxPoolSize = poolSize,
            MinPoolSize = 0,
            // Every service has a pool for every municipality: what rests is given back soon, so that many fit into the server's max_connections.
            ConnectionIdleLifetime = 15,
            ConnectionPruningInterval = 5,
            Timeout = 5,
            CommandTimeout = 30,
            CancellationTimeout = 1000,
            MaxAutoPrepare = 200,
            AutoPrepareMinUsages = 2,
            ApplicationName = "allmende-" + schema,
            KeepAlive = 30,
            NoResetOnClose = true,
        };
        return new NpgsqlDataSourceBuilder(builder.ConnectionString).Build();
    }

    /// <summary>Closes the pool of a municipality that has left.</summary>
    public async Task ForgetAsync(string municipality)
    {
        if (sources.TryRemove(municipality, out var source)) await source.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in sources.Values) await source.DisposeAsync();
    }
}
