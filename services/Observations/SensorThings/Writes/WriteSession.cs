using Allmende.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>What somebody may do who writes.</summary>
/// <param name="Access">Access classes of what they may see, and so may change and link to; a parameter of every query.</param>
/// <param name="MayWrite">They may write at all.</param>
/// <param name="MakesDatasets">
/// They may bring datasets into being. Those see everything that has single values; whoever sees less must not find out by trying which names are taken.
/// </param>
/// <param name="By">The client's name, for what is kept of who did it.</param>
sealed record WriteRights(string[] Access, bool MayWrite, bool MakesDatasets, string By);

/// <summary>What has become of a write; the Observations among it have their id when the session is through.</summary>
sealed class Written(int status, EntitySet? set = null)
{
    public int Status { get; } = status;

    public EntitySet? Set { get; } = set;

    public EntityId Id { get; set; }

    /// <summary><c>Things(1)</c>; null where there is nothing to read.</summary>
    public string? Path => Set is null ? null : $"{Set.Name}({Ids.InPath(Id.Text, Id.Quoted)})";
}

/// <summary>An Observation that goes over the log when its Datastream is committed.</summary>
readonly record struct PendingObservation(PostedObservation Posted, Written? Answer);

/// <summary>
/// One transaction of writes, and what follows its commit: Observations on their way to the log, changes to be told, datasets that Catalog does not know.
/// A single request is a session of its own; all requests of a change set share one.
/// </summary>
sealed class WriteSession(string municipality, string defaultAccess, WriteRights rights, NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    bool isDisposed;

    public string Municipality { get; } = municipality;
    /// <summary>Access class of a dataset that nobody has decided on.</summary>
    public string DefaultAccess { get; } = defaultAccess;
    public WriteRights Rights { get; } = rights;
    public NpgsqlConnection Connection { get; } = connection;
    public List<EntityChange> Changes { get; } = [];
    public List<PendingObservation> Observations { get; } = [];
    /// <summary>Commands to devices that it wrote into the outbox.</summary>
    public List<DeviceCommand> Commands { get; } = [];
    public bool NeedsDatasets { get; set; }

    /// <summary>Entities that earlier requests of a batch made, by Content-ID or id.</summary>
    public Func<string, EntityId?> References { get; init; } = _ => null;

    public void Changed(EntitySet set, string id, string change)
    {
        // Several changes of one entity in one transaction are one.
        if (!Changes.Exists(known => known.Set == set.Name && known.Id == id && (known.Change == change || change == EntityChange.Updated)))
            Changes.Add(new EntityChange(set.Name, id, change));
    }

    /// <summary>A statement with the caller's access classes as <c>$1</c>.</summary>
    public (NpgsqlCommand Command, SqlParameters Parameters) Command()
    {
        var command = new NpgsqlCommand { Connection = Connection };
        return (command, new SqlParameters(command.Parameters, Rights.Access));
    }

    /// <summary>A statement with values from <c>$1</c> on.</summary>
    public NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, Connection);
        foreach (var value in values) command.Parameters.Add(ParameterOf(value));
        return command;
    }

    public async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    public static NpgsqlParameter ParameterOf(object value) => value is DateTime time
        ? new NpgsqlParameter<DateTime> { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz }
        : new NpgsqlParameter { Value = value };

    /// <summary>Commits and gives the connection back: what follows takes time and needs connections itself.</summary>
    public async Task CommitAsync(CancellationToken cancellation)
    {
        await transaction.CommitAsync(cancellation);
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // Once only: the pool hands the connection and its transaction to others, who would be rolled back.
        if (isDisposed) return;
        isDisposed = true;
        await transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
