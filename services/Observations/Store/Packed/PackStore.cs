using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store.Packed;

/// <summary>
/// Moves observations between rows and chunks. The packer takes a Datastream's month under an exclusive lock; who writes into times that may be packed
/// takes the same lock shared, and first unpacks the chunks that his keys fall into. So a key is in a row or in a chunk, never in both.
/// </summary>
public sealed class PackStore(MunicipalDatabases databases)
{
    /// <summary>Nothing younger is ever packed, whatever the configuration says: writers rely on it.</summary>
    public static readonly TimeSpan Youngest = TimeSpan.FromDays(7);

    /// <summary>Who writes nothing older needs no lock and no look at the chunks. Two days less than <see cref="Youngest"/>: no clock is that wrong, no transaction that long.</summary>
    static readonly TimeSpan CertainlyRows = TimeSpan.FromDays(5);

    /// <summary>Rows of a Datastream's month that one transaction packs.</summary>
    const int MostRows = 20_000;

    /// <summary>Locks stand for (Datastream, month) by their hash: a batch of many needs few.</summary>
    const int Locks = 64;
    const long FirstLock = 0x7061636B_00000000;

    const string ChunkColumns = """
        datastream, chunk_from, chunk_to, chunk_min, chunk_max, n, feature, step, tick, t_small, t_low, t_high, t_int, t_wide, result_offset, result_deviation,
        is_boolean, relative, base, divisor, v_small, v_low, v_int, reals, doubles, qualities
        """;

    /// <summary>True if one of the times may be packed.</summary>
    public static bool MayBePacked(DateTime oldest) => oldest < DateTime.UtcNow - CertainlyRows;

    /// <summary>
    /// To be called in a transaction before observations of these keys are written, corrected or deleted: whatever chunk they fall into is rows afterwards, and
    /// stays so until the transaction ends. Costs nothing where all are young.
    /// </summary>
    public static async Task ThawAsync(NpgsqlConnection connection, long[] datastreams, DateTime[] times, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (AddThaw(batch, datastreams, times)) await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The same as the first statements of a batch; the first of them returns a row for each lock.</summary>
    /// <returns>False if all are young: then nothing was added.</returns>
    public static bool AddThaw(NpgsqlBatch batch, long[] datastreams, DateTime[] times)
    {
        var keys = new SortedSet<(long Datastream, DateTime Time)>();
        for (var i = 0; i < times.Length; i++)
            if (MayBePacked(times[i])) keys.Add((datastreams[i], times[i]));
        if (keys.Count == 0) return false;
        var months = keys.Select(key => (key.Datastream, Month: MonthOf(key.Time))).Distinct().ToList();
        batch.BatchCommands.Add(Lock(months.Select(month => LockOf(month.Datastream, month.Month))));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO pack_due (datastream, month) SELECT * FROM unnest($1::bigint[], $2::date[]) ON CONFLICT DO NOTHING")
        {
            Parameters = { Array(months.ConvertAll(month => month.Datastream)), Array(months.ConvertAll(month => DateOnly.FromDateTime(month.Month))) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Thaw)
        {
            Parameters = { Array(keys.Select(key => key.Datastream).ToList()), Array(keys.Select(key => key.Time).ToList()) },
        });
        return true;
    }

    /// <summary>Keeps the packer away from a Datastream's months between two times until the transaction ends.</summary>
    public static async Task LockAsync(NpgsqlConnection connection, long datastream, DateTime from, DateTime to, CancellationToken cancellation)
    {
        var locks = new SortedSet<long>();
        for (var month = MonthOf(from); month <= to && locks.Count < Locks; month = month.AddMonths(1)) locks.Add(LockOf(datastream, month));
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Lock(locks));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>All chunks of these FeaturesOfInterest, also of those Datastreams whose own they are, are rows afterwards.</summary>
    public static async Task ThawOfFeaturesAsync(NpgsqlConnection connection, long[] features, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 600 };
        batch.BatchCommands.Add(Lock(Enumerable.Range(0, Locks).Select(number => FirstLock + number)));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ThawOfFeatures) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = features } } });
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Everybody takes them in the same order.</summary>
    static NpgsqlBatchCommand Lock(IEnumerable<long> locks) => new("SELECT pg_advisory_xact_lock_shared(number) FROM unnest($1::bigint[]) AS number")
    {
        Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. locks.Distinct().Order()] } },
    };

    /// <summary>The keys' chunks, in the order of their keys: two who thaw the same wait for each other in turn, and the second finds rows.</summary>
    const string Thaw = """
        WITH covering AS MATERIALIZED (
          SELECT p.datastream, p.chunk_from FROM observation_pack p
          WHERE (p.datastream, p.chunk_from) IN (
            SELECT k.datastream, c.chunk_from FROM unnest($1::bigint[], $2::timestamptz[]) AS k(datastream, time)
            CROSS JOIN LATERAL (SELECT * FROM observation_pack c WHERE c.datastream = k.datastream AND c.chunk_from <= k.time ORDER BY c.chunk_from DESC LIMIT 1) c
            WHERE c.chunk_to >= k.time)
          ORDER BY p.datastream, p.chunk_from FOR UPDATE)
        """ + Move;

    const string ThawOfFeatures = """
        WITH covering AS MATERIALIZED (
          SELECT p.datastream, p.chunk_from FROM observation_pack p
          WHERE p.feature = ANY($1) OR (p.feature IS NULL AND p.datastream IN (SELECT d.key FROM datastream d WHERE d.feature = ANY($1)))
          ORDER BY p.datastream, p.chunk_from FOR UPDATE)
        """ + Move;

    const string Move = """
        , gone AS (
          DELETE FROM observation_pack p USING covering c WHERE p.datastream = c.datastream AND p.chunk_from = c.chunk_from
          RETURNING p AS chunk)
        INSERT INTO observation_row (datastream, time, value, result_time, json, feature, quality)
        SELECT (g.chunk).datastream, u.time, u.value, u.result_time, u.json, (g.chunk).feature, u.quality
        FROM gone g CROSS JOIN LATERAL observation_unpack(g.chunk) u
        ON CONFLICT DO NOTHING
        """;

    /// <summary>
    /// Packs some of what is due: one Datastream's month, or a part of it, in one transaction.
    /// </summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="after">What was tried last in this round; the default to begin.</param>
    /// <param name="before">Only months that were over then.</param>
    /// <param name="differed">Those that did not come out as they went in once already: a second time they are left alone until somebody writes there.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What was tried; null if there is nothing more.</returns>
    internal async Task<PackStep?> PackNextAsync(string municipality, (DateOnly Month, long Datastream) after, DateTime before, HashSet<(DateOnly Month, long Datastream)> differed, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await NextDueAsync(connection, after, before, cancellation) is not { } due) return null;
        var month = due.Month.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        // Somebody writes there: another time. To wait would make the next writer wait behind us.
        if (!await TryLockAsync(connection, due.Datastream, month, cancellation)) return new PackStep(due, 0, 0, More: false);
        var rows = await RowsAsync(connection, due.Datastream, month, cancellation);
        var occupied = await OccupiedAsync(connection, due.Datastream, month, cancellation);
        var chunks = Chunk.Pack(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(rows), occupied);
        var packed = chunks.Sum(chunk => chunk.Count);
        var more = rows.Count == MostRows && packed > 0;
        if (chunks.Count > 0 && !await ReplaceAsync(connection, due.Datastream, chunks, cancellation))
        {
            // Somebody who asks nobody deleted a row meanwhile, or the packed form cannot hold this: it stays in rows.
            await transaction.RollbackAsync(cancellation);
            if (differed.Add(due)) return new PackStep(due, 0, 0, More: true);
            await DoneAsync(municipality, due, cancellation);
            return new PackStep(due, 0, 0, More: false, Differs: true);
        }
        if (!more) await DoneAsync(connection, due, cancellation);
        await transaction.CommitAsync(cancellation);
        return new PackStep(due, packed, chunks.Count, more);
    }

    static async Task<(DateOnly Month, long Datastream)?> NextDueAsync(NpgsqlConnection connection, (DateOnly Month, long Datastream) after, DateTime before, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            SELECT month, datastream FROM pack_due WHERE (month, datastream) > ($1, $2) AND month + interval '1 month' <= $3
            ORDER BY month, datastream LIMIT 1 FOR UPDATE SKIP LOCKED
            """, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<DateOnly> { TypedValue = after.Month },
                new NpgsqlParameter<long> { TypedValue = after.Datastream },
                new NpgsqlParameter<DateTime> { TypedValue = DateTime.SpecifyKind(before, DateTimeKind.Unspecified), NpgsqlDbType = NpgsqlDbType.Timestamp },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? (reader.GetFieldValue<DateOnly>(0), reader.GetInt64(1)) : null;
    }

    static async Task<bool> TryLockAsync(NpgsqlConnection connection, long datastream, DateTime month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock($1)", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = LockOf(datastream, month) } },
        };
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    static async Task<List<PackableRow>> RowsAsync(NpgsqlConnection connection, long datastream, DateTime month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT o.time, o.value, o.json = 'true'::jsonb, o.result_time, o.feature, o.quality FROM observation_row o
            WHERE o.datastream = $1 AND o.time >= $2 AND o.time < $3 AND o.end_time IS NULL AND o.extra IS NULL
              AND ((o.value IS NOT NULL AND o.json IS NULL) OR (o.value IS NULL AND o.json IN ('true'::jsonb, 'false'::jsonb)))
              AND NOT EXISTS (SELECT 1 FROM observation_pack p WHERE p.datastream = $1 AND p.chunk_from <= o.time AND p.chunk_to >= o.time)
            ORDER BY o.time LIMIT {MostRows}
            """, connection)
        { Parameters = { new NpgsqlParameter<long> { TypedValue = datastream }, Time(month), Time(month.AddMonths(1)) } };
        var rows = new List<PackableRow>(4_500);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var isNumber = !reader.IsDBNull(1);
            rows.Add(new PackableRow(Micros(reader.GetDateTime(0)), isNumber ? reader.GetDouble(1) : null, !isNumber && reader.GetBoolean(2),
                reader.IsDBNull(3) ? null : Micros(reader.GetDateTime(3)), reader.IsDBNull(4) ? null : reader.GetInt64(4), reader.GetInt16(5)));
        }
        return rows;
    }

    static async Task<List<(long From, long To)>> OccupiedAsync(NpgsqlConnection connection, long datastream, DateTime month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT chunk_from, chunk_to FROM observation_pack WHERE datastream = $1 AND chunk_from >= $2 AND chunk_from < $3", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = datastream }, Time(month), Time(month.AddMonths(1)) },
        };
        var occupied = new List<(long, long)>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) occupied.Add((Micros(reader.GetDateTime(0)), Micros(reader.GetDateTime(1))));
        return occupied;
    }

    /// <summary>Writes the chunks and deletes the rows that equal, bit by bit, what comes out of them.</summary>
    /// <returns>False if that is not every one.</returns>
    static async Task<bool> ReplaceAsync(NpgsqlConnection connection, long datastream, List<Chunk> chunks, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var chunk in chunks)
        {
            batch.BatchCommands.Add(Insert(datastream, chunk));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("""
                DELETE FROM observation_row o USING observation_pack p CROSS JOIN LATERAL observation_unpack(p) u
                WHERE p.datastream = $1 AND p.chunk_from = $2 AND o.datastream = $1 AND o.time >= $2 AND o.time <= $3 AND o.time = u.time
                  AND float8send(o.value) IS NOT DISTINCT FROM float8send(u.value) AND o.json IS NOT DISTINCT FROM u.json AND o.result_time IS NOT DISTINCT FROM u.result_time
                  AND o.feature IS NOT DISTINCT FROM p.feature AND o.quality = u.quality AND o.end_time IS NULL AND o.extra IS NULL
                """)
            { Parameters = { new NpgsqlParameter<long> { TypedValue = datastream }, Time(Observation.Time(chunk.From)), Time(Observation.Time(chunk.To)) } });
        }
        await batch.ExecuteNonQueryAsync(cancellation);
        for (var i = 0; i < chunks.Count; i++)
            if (batch.BatchCommands[2 * i + 1].Rows != (ulong)chunks[i].Count) return false;
        return true;
    }

    static NpgsqlBatchCommand Insert(long datastream, Chunk chunk) => new($"""
        INSERT INTO observation_pack ({ChunkColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::integer[]::"char"[], $11::integer[]::smallint[], $12::integer[]::"char"[], $13, $14,
          $15, $16, $17, $18, $19, $20, $21::integer[]::"char"[], $22::integer[]::smallint[], $23, $24, $25, $26)
        """)
    {
        Parameters =
        {
            new NpgsqlParameter<long> { TypedValue = datastream },
            Time(Observation.Time(chunk.From)),
            Time(Observation.Time(chunk.To)),
            Nullable(chunk.Min, NpgsqlDbType.Double),
            Nullable(chunk.Max, NpgsqlDbType.Double),
            new NpgsqlParameter<int> { TypedValue = chunk.Count },
            Nullable(chunk.Feature, NpgsqlDbType.Bigint),
            new NpgsqlParameter<long> { TypedValue = chunk.Step },
            new NpgsqlParameter<long> { TypedValue = chunk.Tick },
            Nullable(chunk.TimesSmall, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.TimesLow, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.TimesHigh, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.Times, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.TimesWide, NpgsqlDbType.Array | NpgsqlDbType.Bigint),
            Nullable(chunk.ResultOffset, NpgsqlDbType.Bigint),
            Nullable(chunk.ResultDeviations, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            new NpgsqlParameter<bool> { TypedValue = chunk.IsBoolean },
            new NpgsqlParameter<bool> { TypedValue = chunk.Relative },
            new NpgsqlParameter<long> { TypedValue = chunk.Base },
            new NpgsqlParameter<double> { TypedValue = chunk.Divisor },
            Nullable(chunk.ValuesSmall, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.ValuesLow, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.Values, NpgsqlDbType.Array | NpgsqlDbType.Integer),
            Nullable(chunk.Reals, NpgsqlDbType.Array | NpgsqlDbType.Real),
            Nullable(chunk.Doubles, NpgsqlDbType.Array | NpgsqlDbType.Double),
            Nullable(chunk.Qualities, NpgsqlDbType.Array | NpgsqlDbType.Smallint),
        },
    };

    async Task DoneAsync(string municipality, (DateOnly Month, long Datastream) due, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await DoneAsync(connection, due, cancellation);
    }

    static async Task DoneAsync(NpgsqlConnection connection, (DateOnly Month, long Datastream) due, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("DELETE FROM pack_due WHERE month = $1 AND datastream = $2", connection)
        {
            Parameters = { new NpgsqlParameter<DateOnly> { TypedValue = due.Month }, new NpgsqlParameter<long> { TypedValue = due.Datastream } },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    internal static DateTime MonthOf(DateTime time) => new(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Key of the advisory lock of a Datastream's month.</summary>
    static long LockOf(long datastream, DateTime month) => FirstLock + (uint)(datastream * 31 + month.Year * 12 + month.Month) % Locks;

    static long Micros(DateTime time) => Observation.Micros(time);

    static NpgsqlParameter Time(DateTime time) => new NpgsqlParameter<DateTime> { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    static NpgsqlParameter Nullable<T>(T? value, NpgsqlDbType type) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = type };

    static NpgsqlParameter Array(List<long> values) => new NpgsqlParameter<long[]> { TypedValue = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    static NpgsqlParameter Array(List<DateTime> values) => new NpgsqlParameter<DateTime[]> { TypedValue = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };

    static NpgsqlParameter Array(List<DateOnly> values) => new NpgsqlParameter<DateOnly[]> { TypedValue = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Date };
}

/// <summary>What a step of packing did.</summary>
/// <param name="Due">Which month of which Datastream.</param>
/// <param name="Packed">How many observations it packed.</param>
/// <param name="Chunks">Into how many chunks.</param>
/// <param name="More">There are more of the same month.</param>
/// <param name="Differs">What came out was not what went in: nothing was done.</param>
readonly record struct PackStep((DateOnly Month, long Datastream) Due, int Packed, int Chunks, bool More, bool Differs = false);
