using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store.Aggregates;

/// <summary>
/// Hourly and daily aggregates. Who writes marks the hours he touches; <see cref="RecomputeAsync"/> computes them anew from the single values, the days from the
/// hours. Whatever was written, late, twice, corrected or deleted: the result is that of the values that are there.
/// </summary>
public sealed class AggregateStore(MunicipalDatabases databases)
{
    /// <summary>Marks that one transaction works off, and Datastreams.</summary>
    public const int MostMarks = 5_000, MostDatastreams = 1_000;

    /// <summary>Hours of one Datastream that one transaction computes; a year's worth of marks is worked off in several.</summary>
    const int MostHours = 24 * 62;

    /// <summary>And of all together.</summary>
    const int MostHoursTogether = 50_000;

    /// <summary>SQL that marks the hours <paramref name="times"/> of <paramref name="datastreams"/>, both SQL of arrays.</summary>
    internal static string Mark(string datastreams, string times) => $"INSERT INTO aggregate_dirty SELECT m.*, 1 FROM unnest({datastreams}::bigint[], {times}::timestamptz[]) AS m";

    /// <summary>Marks the hours of these times as touched; in the transaction that corrects or deletes there.</summary>
    public static async Task MarkAsync(NpgsqlConnection connection, IReadOnlyCollection<(long Datastream, DateTime Time)> touched, CancellationToken cancellation)
    {
        var hours = touched.Select(one => (one.Datastream, Hour: HourOf(one.Time))).Distinct().ToList();
        await using var command = new NpgsqlCommand(Mark("$1", "$2"), connection)
        {
            Parameters = { Array(hours.ConvertAll(one => one.Datastream)), Array(hours.ConvertAll(one => one.Hour)) },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    internal static DateTime HourOf(DateTime time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);

    /// <summary>Works off some of the marks, the oldest first; one instance at a time.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="cancellation">Gives up; nothing has happened then.</param>
    /// <param name="datastreams">Of how many Datastreams at most.</param>
    /// <returns>How many marks there were (0 also if another instance is at it), and of how many Datastreams.</returns>
    public async Task<(int Marks, int Datastreams)> RecomputeAsync(string municipality, CancellationToken cancellation, int datastreams = MostDatastreams)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtext('aggregates'))", connection))
            if (await alone.ExecuteScalarAsync(cancellation) is not true) return (0, 0);
        var marks = await TakeAsync(connection, datastreams, cancellation);
        if (marks.Count == 0) return (0, 0);
        var (ranges, later) = Plan(marks);
        await PutBackAsync(connection, later, cancellation);
        // A statement of its own: it sees all that belongs to the marks.
        await ComputeAsync(connection, ranges, cancellation);
        await transaction.CommitAsync(cancellation);
        return (marks.Count, marks.DistinctBy(mark => mark.Datastream).Count());
    }

    static async Task<List<(long Datastream, DateTime Start, int Hours)>> TakeAsync(NpgsqlConnection connection, int datastreams, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"""
            WITH oldest AS MATERIALIZED (SELECT ctid AS place, datastream FROM aggregate_dirty LIMIT {MostMarks}),
            chosen AS (SELECT datastream FROM oldest GROUP BY datastream ORDER BY min(place) LIMIT $1)
            DELETE FROM aggregate_dirty WHERE ctid = ANY(ARRAY(SELECT place FROM oldest JOIN chosen USING (datastream))) RETURNING datastream, start, hours
            """, connection)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = datastreams } },
        };
        var marks = new List<(long, DateTime, int)>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) marks.Add((reader.GetInt64(0), reader.GetDateTime(1), reader.GetInt32(2)));
        return marks;
    }

    /// <summary>Joins marks into ranges of whole hours, and says what is too much for now.</summary>
    static (List<(long Datastream, DateTime From, DateTime To)> Now, List<(long Datastream, DateTime Start, int Hours)> Later) Plan(List<(long Datastream, DateTime Start, int Hours)> marks)
    {
        var now = new List<(long Datastream, DateTime From, DateTime To)>();
        var later = new List<(long, DateTime, int)>();
        var together = 0;
        foreach (var (datastream, start, hours) in marks.Order())
        {
            var doneHours = Math.Min(Math.Min(hours, MostHours), Math.Max(MostHoursTogether - together, 0));
            if (doneHours < hours) later.Add((datastream, start.AddHours(doneHours), hours - doneHours));
            if (doneHours == 0) continue;
            var end = start.AddHours(doneHours);
            if (now.Count > 0 && now[^1].Datastream == datastream && now[^1].To >= start)
            {
                if (end > now[^1].To) together += (int)(end - now[^1].To).TotalHours;
                now[^1] = now[^1] with { To = end > now[^1].To ? end : now[^1].To };
            }
            else
            {
                together += doneHours;
                now.Add((datastream, start, end));
            }
        }
        return (now, later);
    }

    static async Task PutBackAsync(NpgsqlConnection connection, List<(long Datastream, DateTime Start, int Hours)> later, CancellationToken cancellation)
    {
        if (later.Count == 0) return;
        await using var command = new NpgsqlCommand("INSERT INTO aggregate_dirty SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::integer[])", connection)
        {
            Parameters = { Array(later.ConvertAll(one => one.Datastream)), Array(later.ConvertAll(one => one.Start)), new NpgsqlParameter<int[]> { TypedValue = later.ConvertAll(one => one.Hours).ToArray() } },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task ComputeAsync(NpgsqlConnection connection, List<(long Datastream, DateTime From, DateTime To)> ranges, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 120 };
        foreach (var sql in new[] { Hours, Days, EmptyDays })
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
            {
                Parameters = { Array(ranges.ConvertAll(range => range.Datastream)), Array(ranges.ConvertAll(range => range.From)), Array(ranges.ConvertAll(range => range.To)) },
            });
        }
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    // What is older than a Datastream's single values stays as it is.
    const string Given = """
        given AS (
          SELECT g.datastream, greatest(g.begin, r.time) AS begin, g.finish FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS g(datastream, begin, finish)
          LEFT JOIN raw_from r ON r.datastream = g.datastream)
        """;

    const string Values = "last_time, n, sum, min, max, first_value, last_value, increase, sine, cosine";

    const string Upsert = $"""
        ON CONFLICT (datastream, start) DO UPDATE SET ({Values}) = (excluded.last_time, excluded.n, excluded.sum, excluded.min, excluded.max,
          excluded.first_value, excluded.last_value, excluded.increase, excluded.sine, excluded.cosine)
        """;

    const string Hours = $"""
        WITH {Given},
        computed AS MATERIALIZED (
          SELECT g.datastream, a.* FROM given g CROSS JOIN LATERAL aggregate_of(g.datastream, g.begin, g.finish, '1 hour', '2000-01-01T00:00:00Z') a WHERE g.begin < g.finish),
        gone AS (
          DELETE FROM aggregate_hour h USING given g WHERE h.datastream = g.datastream AND h.start >= g.begin AND h.start < g.finish
            AND NOT EXISTS (SELECT 1 FROM computed c WHERE c.datastream = h.datastream AND c.start = h.start))
        INSERT INTO aggregate_hour (datastream, start, {Values}) SELECT * FROM computed
        {Upsert}
        """;

    const string TouchedDays = $"""
        {Given},
        day AS (SELECT DISTINCT g.datastream, d.start FROM given g CROSS JOIN LATERAL generate_series(date_bin('1 day', g.begin, '2000-01-01T00:00:00Z'), g.finish - interval '1 hour', '1 day') AS d(start))
        """;

    const string Days = $"""
        WITH {TouchedDays}
        INSERT INTO aggregate_day (datastream, start, {Values})
        SELECT h.datastream, h.day, max(h.last_time), sum(h.n)::integer, sum(h.sum), min(h.min), max(h.max), max(h.first_value) FILTER (WHERE h.before IS NULL),
          max(h.last_value) FILTER (WHERE h.next IS NULL), sum(h.increase + counted(h.before, h.first_value)), sum(h.sine), sum(h.cosine)
        FROM (
          SELECT a.*, d.start AS day, lag(a.last_value) OVER w AS before, lead(a.start) OVER w AS next
          FROM day d JOIN aggregate_hour a ON a.datastream = d.datastream AND a.start >= d.start AND a.start < d.start + interval '1 day'
          WINDOW w AS (PARTITION BY d.datastream, d.start ORDER BY a.start)) h
        GROUP BY h.datastream, h.day
        {Upsert}
        """;

    const string EmptyDays = $"""
        WITH {TouchedDays}
        DELETE FROM aggregate_day a USING day d WHERE a.datastream = d.datastream AND a.start = d.start
          AND NOT EXISTS (SELECT 1 FROM aggregate_hour h WHERE h.datastream = d.datastream AND h.start >= d.start AND h.start < d.start + interval '1 day')
        """;

    static NpgsqlParameter Array(List<long> values) => new NpgsqlParameter<long[]> { TypedValue = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    static NpgsqlParameter Array(List<DateTime> values) => new NpgsqlParameter<DateTime[]> { TypedValue = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };
}
