using System.Collections.Concurrent;
using Allmende.Contracts;
using Npgsql;

namespace Allmende.Platform.Data;

/// <summary>
/// One pool of connections per municipality's database, with this service's role. The municipality is the first argument of whatever uses it. A pool lets go of
/// connections that rest for a while; where many municipalities are asked in turn, those of all but the last few go at once, so that the server's max_connections
/// last for any number of municipalities.
/// </summary>
public sealed class MunicipalDatabases : IAsyncDisposable
{
    /// <summary>A pool that was used so lately is left alone.</summary>
    static readonly TimeSpan InUse = TimeSpan.FromSeconds(1);

    static readonly TimeSpan LookedAtEvery = TimeSpan.FromMilliseconds(500);

    readonly ConcurrentDictionary<string, Pool> pools = new(StringComparer.Ordinal);
    readonly Timer timer;
    readonly int mostKept;
    readonly string connectionString;
    readonly string schema;
    readonly int poolSize;

    /// <param name="connectionString">Without database.</param>
    /// <param name="service">The service; its schema is the search path.</param>
    /// <param name="poolSize">Most connections to one municipality's database.</param>
    /// <param name="mostKept">Municipalities to whose databases connections are kept while nobody uses them.</param>
    public MunicipalDatabases(string connectionString, string service, int poolSize = 8, int mostKept = 16)
    {
        this.mostKept = mostKept;
        this.connectionString = connectionString;
        this.poolSize = poolSize;
        schema = service;
        timer = new Timer(_ => LetGo(), null, LookedAtEvery, LookedAtEvery);
    }

    /// <summary>The municipality's database.</summary>
    public NpgsqlDataSource Of(string municipality) => pools.GetOrAdd(municipality, Open).Use();

    /// <summary>The installation's own database, <c>allmende</c>.</summary>
    public NpgsqlDataSource Installation => pools.GetOrAdd("", _ => new Pool(Build("allmende"))).Use();

    Pool Open(string municipality) => new(Build(Municipality.DatabaseOf(municipality)));

    /// <summary>Closes what rests in all pools but those that were used last.</summary>
    void LetGo()
    {
        var open = pools.Values.Where(pool => pool.MayHoldConnections).ToList();
        if (open.Count <= mostKept) return;
        var now = Environment.TickCount64;
        foreach (var pool in open.OrderByDescending(pool => pool.UsedAt).Skip(mostKept))
            if (now - pool.UsedAt > InUse.TotalMilliseconds) pool.Clear();
    }

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
        if (pools.TryRemove(municipality, out var pool)) await pool.Source.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync();
        foreach (var pool in pools.Values) await pool.Source.DisposeAsync();
    }

    sealed class Pool(NpgsqlDataSource source)
    {
        long usedAt, clearedAt = -1;

        public NpgsqlDataSource Source => source;

        public long UsedAt => Volatile.Read(ref usedAt);

        public bool MayHoldConnections => Volatile.Read(ref clearedAt) != UsedAt;

        public NpgsqlDataSource Use()
        {
            Volatile.Write(ref usedAt, Environment.TickCount64);
            return source;
        }

        /// <summary>A connection that is in use closes when it is given back.</summary>
        public void Clear()
        {
            Volatile.Write(ref clearedAt, UsedAt);
            source.Clear();
        }
    }
}
