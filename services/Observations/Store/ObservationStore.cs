using Allmende.Observations.Store.Aggregates;
using Allmende.Observations.Store.Packed;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>
/// Writes observations. The natural key (Datastream, phenomenonTime) decides: the same one twice is stored once; one with a newer resultTime replaces
/// the older. Rows, latest values and the place in the log go into one transaction.
/// </summary>
public sealed class ObservationStore(MunicipalDatabases databases, MonthlyPartitions partitions)
{
    /// <summary>From how many rows on COPY is worth its round trips.</summary>
    const int CopyFrom = 200;

    const string Columns = "datastream, time, value, end_time, result_time, json, extra, feature, quality";

    /// <summary>Stores <paramref name="rows"/> and notes that the log is stored up to <paramref name="until"/>.</summary>
    /// <returns>How many were new.</returns>
    public async Task<int> StoreAsync(string municipality, ObservationRows rows, LogPosition until, CancellationToken cancellation)
    {
        await partitions.EnsureAsync(municipality, rows.Times, cancellation);
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        if (rows.Count >= CopyFrom)
        {
            try
            {
                return await CopyAsync(connection, rows, until, cancellation);
            }
            catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // Something in it is stored already: a redelivery, or a sender's repetition. The slower way sorts it out.
            }
        }
        return await InsertAsync(connection, rows, until, cancellation);
    }

    static async Task<int> CopyAsync(NpgsqlConnection connection, ObservationRows rows, LogPosition until, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ThawAsync(connection, rows, cancellation);
        await using (var copy = await connection.BeginBinaryImportAsync($"COPY observation_row ({Columns}) FROM STDIN (FORMAT binary)", cancellation))
        {
            await rows.WriteAsync(copy, cancellation);
            await copy.CompleteAsync(cancellation);
        }
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(Merging(CountGiven, rows, until, rows.AddCounts));
        if (rows.HasSuperseded) batch.BatchCommands.Add(AuditOf(rows));
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return rows.Count;
    }

    /// <summary>
    /// One round trip and, as the statements of a batch are, one transaction: what is late finds rows, what is new is inserted, and what came with a newer
    /// resultTime replaces what is stored under its key, in the rows and, where it is the newest, in <c>latest</c>; the audit keeps the old one.
    /// </summary>
    static async Task<int> InsertAsync(NpgsqlConnection connection, ObservationRows rows, LogPosition until, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        var thaws = PackStore.MayBePacked(rows.Oldest) && PackStore.AddThaw(batch, rows.Datastreams, rows.Times);
        batch.BatchCommands.Add(Merging(InsertAndCount, rows, until, rows.AddRows));
        if (rows.MayCorrect)
        {
            var correct = new NpgsqlBatchCommand(Correct);
            rows.AddCorrections(correct.Parameters);
            batch.BatchCommands.Add(correct);
        }
        if (rows.HasSuperseded) batch.BatchCommands.Add(AuditOf(rows));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        if (thaws) await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var added = reader.GetInt32(0);
        while (await reader.NextResultAsync(cancellation)) { /* what follows returns nothing, but may fail */ }
        return added;
    }

    /// <summary>Late data, repetitions and corrections of what is packed find rows.</summary>
    static Task ThawAsync(NpgsqlConnection connection, ObservationRows rows, CancellationToken cancellation) =>
        PackStore.MayBePacked(rows.Oldest) ? PackStore.ThawAsync(connection, rows.Datastreams, rows.Times, cancellation) : Task.CompletedTask;

    /// <summary>An observation that was corrected before it was stored is kept in the audit too; once, also when the batch comes again.</summary>
    static NpgsqlBatchCommand AuditOf(ObservationRows rows)
    {
        var command = new NpgsqlBatchCommand(AuditSuperseded);
        rows.AddSuperseded(command.Parameters);
        return command;
    }

    /// <summary>
    /// Deletes single observations, within the caller's transaction; the audit keeps them, <c>latest</c> is what remains. What is not there is passed over.
    /// </summary>
    public async Task DeleteAsync(NpgsqlConnection connection, long[] datastreams, DateTime[] times, CancellationToken cancellation)
    {
        await PackStore.ThawAsync(connection, datastreams, times, cancellation);
        await DeleteAsync(connection, "USING unnest($1::bigint[], $2::timestamptz[]) AS k(datastream, time) WHERE o.datastream = k.datastream AND o.time = k.time", datastreams, times, cancellation);
    }

    /// <summary>Deletes all observations of these FeaturesOfInterest, also of those Datastreams whose own they are.</summary>
    /// <returns>The Datastreams that lost some.</returns>
    public async Task<long[]> DeleteOfFeaturesAsync(NpgsqlConnection connection, long[] features, CancellationToken cancellation)
    {
        await PackStore.ThawOfFeaturesAsync(connection, features, cancellation);
        return await DeleteAsync(connection, "WHERE o.feature = ANY($1) OR (o.feature IS NULL AND o.datastream IN (SELECT key FROM datastream WHERE feature = ANY($1)))", features, null, cancellation);
    }

    /// <summary>
    /// Deletes all that is kept of observations of these Datastreams, in the transaction that deletes the Datastreams. Rows before chunks: what the packer moves
    /// meanwhile is found in its new place.
    /// </summary>
    public static async Task DeleteAllAsync(NpgsqlConnection connection, long[] datastreams, CancellationToken cancellation)
    {
        foreach (var table in new[] { "observation_row", "observation_pack", "pack_due", "aggregate_hour", "aggregate_day", "observation_audit", "raw_from", "latest" })
        {
            await using var command = new NpgsqlCommand($"DELETE FROM {table} WHERE datastream = ANY($1)", connection) { CommandTimeout = DeletionTimeout };
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = datastreams });
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }

    static async Task<long[]> DeleteAsync(NpgsqlConnection connection, string which, long[] keys, DateTime[]? times, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"""
            WITH gone AS (DELETE FROM observation_row o {which} RETURNING o.*),
            kept AS (INSERT INTO observation_audit ({Columns}, replaced_by) SELECT {Columns}, 'deletion' FROM gone),
            marked AS (INSERT INTO aggregate_dirty SELECT DISTINCT datastream, date_trunc('hour', time, 'UTC'), 1 FROM gone)
            SELECT datastream, count(*) FROM gone GROUP BY 1
            """, connection)
        {
            CommandTimeout = DeletionTimeout,
        };
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = keys });
        if (times is not null) command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = times, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.TimestampTz });
        var gone = new SortedDictionary<long, long>();
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) gone[reader.GetInt64(0)] = reader.GetInt64(1);
        foreach (var (datastream, count) in gone)
        {
            await using var recount = new NpgsqlBatch(connection);
            foreach (var sql in Recount)
                recount.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<long> { TypedValue = datastream }, new NpgsqlParameter<long> { TypedValue = count } } });
            await recount.ExecuteNonQueryAsync(cancellation);
        }
        return [.. gone.Keys];
    }

    /// <summary>Seconds; a Datastream may have many millions.</summary>
    const int DeletionTimeout = 600;

    /// <summary>SQL of the newest observation that Datastream <c>$1</c> still has: of the rows, or of the last chunk.</summary>
    const string NewestLeft = """
        SELECT o.* FROM (
          (SELECT o.time, o.value, o.end_time, o.result_time, o.json, o.extra, o.feature, o.quality FROM observation_row o WHERE o.datastream = $1 ORDER BY o.time DESC LIMIT 1)
          UNION ALL
          (SELECT u.time, u.value, NULL, u.result_time, u.json, NULL, p.feature, u.quality
           FROM (SELECT p AS chunk, p.feature FROM observation_pack p WHERE p.datastream = $1 ORDER BY p.chunk_from DESC LIMIT 1) p
           CROSS JOIN LATERAL observation_unpack(p.chunk) u ORDER BY u.time DESC LIMIT 1)) o
        ORDER BY o.time DESC LIMIT 1
        """;

    /// <summary>The row of <c>latest</c> is locked first: what is stored meanwhile waits, and what was stored before is counted.</summary>
    static readonly string[] Recount =
    [
        "SELECT $2::bigint FROM latest WHERE datastream = $1 FOR UPDATE",
        """
        DELETE FROM latest l WHERE l.datastream = $1 AND $2::bigint > 0 AND NOT EXISTS (SELECT 1 FROM observation_row o WHERE o.datastream = $1)
          AND NOT EXISTS (SELECT 1 FROM observation_pack p WHERE p.datastream = $1)
        """,
        $"""
        UPDATE latest l SET n = l.n - $2,
          first_time = least((SELECT min(o.time) FROM observation_row o WHERE o.datastream = $1), (SELECT min(p.chunk_from) FROM observation_pack p WHERE p.datastream = $1)),
          (time, value, end_time, result_time, json, extra, feature, quality) = ({NewestLeft})
        WHERE l.datastream = $1
        """,
    ];

    /// <summary>The parameters of <see cref="Merge"/> in their order; <paramref name="added"/> gives those of what was added.</summary>
    static NpgsqlBatchCommand Merging(string sql, ObservationRows rows, LogPosition until, Action<NpgsqlParameterCollection> added)
    {
        var command = new NpgsqlBatchCommand(sql);
        rows.AddNewest(command.Parameters);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = until.Partition });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = until.Major });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = until.Minor });
        added(command.Parameters);
        rows.AddHours(command.Parameters);
        return command;
    }

    /// <summary>
    /// One statement, one round trip: <paramref name="counts"/> defines what was added per Datastream, the rest merges it into <c>latest</c> and marks the hours
    /// whose aggregates are to be computed anew.
    /// </summary>
    static string Merge(string counts, string marks) => $"""
        WITH {counts},
        marked AS ({marks}),
        newest AS (
          SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[], $8::jsonb[], $9::bigint[], $10::smallint[])
            AS r(datastream, first_time, time, value, end_time, result_time, json, extra, feature, quality)),
        place AS (
          INSERT INTO stored_until AS s (partition, major, minor) VALUES ($11, $12, $13)
          ON CONFLICT (partition) DO UPDATE SET major = excluded.major, minor = excluded.minor WHERE (s.major, s.minor) < (excluded.major, excluded.minor)),
        merged AS (
          INSERT INTO latest AS l (datastream, n, first_time, time, value, end_time, result_time, json, extra, feature, quality)
          SELECT r.datastream, c.n, r.first_time, r.time, r.value, r.end_time, r.result_time, r.json, r.extra, r.feature, r.quality
          FROM newest r JOIN counts c ON c.datastream = r.datastream
          ON CONFLICT (datastream) DO UPDATE SET
            n = l.n + excluded.n,
            first_time = least(l.first_time, excluded.first_time),
            (time, value, end_time, result_time, json, extra, feature, quality) = (
              SELECT new.* FROM (SELECT excluded.time, excluded.value, excluded.end_time, excluded.result_time, excluded.json, excluded.extra, excluded.feature, excluded.quality) AS new
              WHERE excluded.time > l.time
              UNION ALL
              SELECT l.time, l.value, l.end_time, l.result_time, l.json, l.extra, l.feature, l.quality WHERE excluded.time <= l.time))
        SELECT coalesce(sum(n), 0)::int FROM counts
        """;

    static readonly string CountGiven = Merge("counts AS (SELECT * FROM unnest($14::bigint[], $15::bigint[]) AS c(datastream, n))", AggregateStore.Mark("$16", "$17"));

    static readonly string InsertAndCount = Merge($"""
        added AS (
          INSERT INTO observation_row ({Columns})
          SELECT * FROM unnest($14::bigint[], $15::timestamptz[], $16::float8[], $17::timestamptz[], $18::timestamptz[], $19::jsonb[], $20::jsonb[], $21::bigint[], $22::smallint[])
          ON CONFLICT (datastream, time) DO NOTHING
          RETURNING datastream),
        counts AS (SELECT datastream, count(*) AS n FROM added GROUP BY datastream)
        """, AggregateStore.Mark("$23", "$24"));

    /// <summary>
    /// What a replay made of an uplink is always newer than what was made of it at first, also where the device's clock is ahead. Where it says the same, nothing
    /// happens; where it does not, it replaces result and quality, as an uplink tells no more.
    /// </summary>
    const string Correct = $"""
        WITH given AS (
          SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::float8[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::jsonb[], $8::bigint[], $9::smallint[], $10::text[])
            AS r({Columns}, replay)),
        old AS MATERIALIZED (
          SELECT o.*, g.replay FROM observation_row o JOIN given g ON o.datastream = g.datastream AND o.time = g.time
          WHERE CASE WHEN g.replay IS NULL THEN g.result_time > coalesce(o.result_time, o.time)
            ELSE g.result_time > coalesce(o.result_time, '-infinity') AND (g.value, g.json, g.quality) IS DISTINCT FROM (o.value, o.json, o.quality) END FOR UPDATE OF o),
        kept AS (INSERT INTO observation_audit ({Columns}, replaced_by, replay) SELECT {Columns}, CASE WHEN replay IS NULL THEN 'correction' ELSE 'replay' END, replay FROM old),
        corrected AS (
          UPDATE observation_row o SET value = g.value, result_time = g.result_time, json = g.json, quality = g.quality,
            end_time = CASE WHEN g.replay IS NULL THEN g.end_time ELSE o.end_time END, extra = CASE WHEN g.replay IS NULL THEN g.extra ELSE o.extra END,
            feature = CASE WHEN g.replay IS NULL THEN g.feature ELSE o.feature END
          FROM given g JOIN old ON old.datastream = g.datastream AND old.time = g.time WHERE o.datastream = g.datastream AND o.time = g.time
          RETURNING o.datastream, o.time, o.value, o.end_time, o.result_time, o.json, o.extra, o.feature, o.quality)
        UPDATE latest l SET value = c.value, end_time = c.end_time, result_time = c.result_time, json = c.json, extra = c.extra, feature = c.feature, quality = c.quality
        FROM corrected c WHERE l.datastream = c.datastream AND l.time = c.time
        """;

    const string AuditSuperseded = $"""
        INSERT INTO observation_audit ({Columns}, replay, replaced_by)
        SELECT g.*, CASE WHEN g.replay IS NULL THEN 'correction' ELSE 'replay' END
        FROM unnest($1::bigint[], $2::timestamptz[], $3::float8[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::jsonb[], $8::bigint[], $9::smallint[], $10::text[])
          AS g({Columns}, replay)
        WHERE NOT EXISTS (SELECT 1 FROM observation_audit a WHERE a.datastream = g.datastream AND a.time = g.time
          AND (a.value, a.json, a.result_time) IS NOT DISTINCT FROM (g.value, g.json, g.result_time))
        """;
}
