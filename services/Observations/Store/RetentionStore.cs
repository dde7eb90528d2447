using Allmende.Observations.Store.Packed;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>Deletes what a dataset's retention no longer allows to be kept; whole days of UTC. <c>latest</c> goes on telling the truth.</summary>
public sealed class RetentionStore(MunicipalDatabases databases)
{
    /// <summary>Rows, chunks and aggregates that one transaction deletes, each.</summary>
    const int Most = 10_000, MostChunks = 200;

    /// <summary>Datastreams that hold single values before their day.</summary>
    internal async Task<List<(long Datastream, DateTime Before)>> DueAsync(string municipality, DateTime now, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT l.datastream, date_trunc('day', $1 - s.raw_days * interval '1 day', 'UTC') FROM dataset s JOIN datastream d ON d.dataset = s.id JOIN latest l ON l.datastream = d.key
            WHERE s.raw_days IS NOT NULL AND l.first_time < date_trunc('day', $1 - s.raw_days * interval '1 day', 'UTC')
            """);
        command.Parameters.Add(Time(now));
        var due = new List<(long, DateTime)>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) due.Add((reader.GetInt64(0), reader.GetDateTime(1)));
        return due;
    }

    /// <summary>Deletes some of a Datastream's single values before a day, with what the audit has of them.</summary>
    /// <returns>How many were deleted and whether there are more; where aggregates are still to be computed of them, none are deleted for now.</returns>
    internal async Task<(long Deleted, bool More)> DeleteAsync(string municipality, long datastream, DateTime before, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Writers of this Datastream wait from here on, as they do for each other.
        if (await ScalarAsync(connection, "SELECT first_time FROM latest WHERE datastream = $1 FOR UPDATE", [Key(datastream)], cancellation) is not DateTime first) return (0, false);
        if (await ScalarAsync(connection, "SELECT 1 FROM aggregate_dirty WHERE datastream = $1 AND start < $2 LIMIT 1", [Key(datastream), Time(before)], cancellation) is not null) return (0, false);
        await PackStore.LockAsync(connection, datastream, first, before, cancellation);
        await PackStore.ThawAsync(connection, new[] { datastream }, new[] { before }, cancellation);
        await ScalarAsync(connection, "INSERT INTO raw_from AS r VALUES ($1, $2) ON CONFLICT (datastream) DO UPDATE SET time = greatest(r.time, excluded.time)", [Key(datastream), Time(before)], cancellation);
        var chunks = (long)(await ScalarAsync(connection, $"""
            WITH old AS (SELECT chunk_from FROM observation_pack WHERE datastream = $1 AND chunk_to < $2 ORDER BY chunk_from LIMIT {MostChunks}),
            gone AS (DELETE FROM observation_pack p USING old WHERE p.datastream = $1 AND p.chunk_from = old.chunk_from RETURNING p.n)
            SELECT coalesce(sum(n), 0)::bigint FROM gone
            """, [Key(datastream), Time(before)], cancellation))!;
        var rows = (long)(await ScalarAsync(connection, $"""
            WITH old AS (SELECT time FROM observation_row WHERE datastream = $1 AND time < $2 ORDER BY time LIMIT {Most}),
            gone AS (DELETE FROM observation_row o USING old WHERE o.datastream = $1 AND o.time = old.time RETURNING 1)
            SELECT count(*) FROM gone
            """, [Key(datastream), Time(before)], cancellation))!;
        await ScalarAsync(connection, "DELETE FROM observation_audit WHERE datastream = $1 AND time < $2", [Key(datastream), Time(before)], cancellation);
        var left = await ScalarAsync(connection, """
            SELECT least((SELECT min(time) FROM observation_row WHERE datastream = $1), (SELECT min(chunk_from) FROM observation_pack WHERE datastream = $1))
            """, [Key(datastream)], cancellation) as DateTime?;
        if (left is { } time) await ScalarAsync(connection, "UPDATE latest SET n = n - $2, first_time = $3 WHERE datastream = $1", [Key(datastream), Key(chunks + rows), Time(time)], cancellation);
        else await ScalarAsync(connection, "DELETE FROM latest WHERE datastream = $1", [Key(datastream)], cancellation);
        await transaction.CommitAsync(cancellation);
        return (chunks + rows, left < before);
    }

    /// <summary>Deletes some of the aggregates that are older than their dataset keeps them.</summary>
    /// <returns>How many.</returns>
    internal async Task<long> DeleteAggregatesAsync(string municipality, DateTime now, CancellationToken cancellation)
    {
        var deleted = 0L;
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        foreach (var table in new[] { "aggregate_hour", "aggregate_day" })
            deleted += (long)(await ScalarAsync(connection, $"""
                WITH kept AS (
                  SELECT d.key, date_trunc('day', $1 - s.aggregate_days * interval '1 day', 'UTC') AS since FROM dataset s JOIN datastream d ON d.dataset = s.id WHERE s.aggregate_days IS NOT NULL),
                old AS (SELECT a.datastream, a.start FROM kept k CROSS JOIN LATERAL (SELECT * FROM {table} a WHERE a.datastream = k.key AND a.start < k.since ORDER BY a.start LIMIT {Most}) a LIMIT {Most}),
                gone AS (DELETE FROM {table} a USING old WHERE a.datastream = old.datastream AND a.start = old.start RETURNING 1)
                SELECT count(*) FROM gone
                """, [Time(now)], cancellation))!;
        return deleted;
    }

    static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync(cancellation) is var value and not DBNull ? value : null;
    }

    static NpgsqlParameter Key(long key) => new NpgsqlParameter<long> { TypedValue = key };

    static NpgsqlParameter Time(DateTime time) => new NpgsqlParameter<DateTime> { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
