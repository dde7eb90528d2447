using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>A bucket of a series.</summary>
/// <param name="Time">Its begin.</param>
/// <param name="Mean">Mean of the values; of directions, the direction of their mean vector.</param>
/// <param name="Min">The lowest.</param>
/// <param name="Max">The highest.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Increase">How far a counter went on since the last value of the bucket before; where a value is less than the one before, it began again at 0.</param>
public readonly record struct SeriesPoint(DateTime Time, double Mean, double Min, double Max, long Count, double Increase);

/// <summary>A Datastream's values over time in few points, for charts.</summary>
public sealed record Series(string Datastream, string? Unit, int? ExpectedInterval, IReadOnlyList<SeriesPoint> Points);

/// <summary>Reads series and what a dataset holds; the caller's access classes are part of each query.</summary>
public sealed class SeriesStore(MunicipalDatabases databases)
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1), Day = TimeSpan.FromDays(1);

    /// <summary>
    /// The plausible values of each <paramref name="step"/>, beginning at <paramref name="from"/>; truth values count as 1 and 0. Steps of whole hours or days are
    /// read from the aggregates; from and to are whole hours or days of UTC then.
    /// </summary>
    /// <returns>Null if there is no such Datastream to see.</returns>
    public async Task<Series?> ReadAsync(string municipality, string[] access, string datastream, DateTime from, DateTime to, TimeSpan step, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT unit ->> 'symbol', (properties ->> 'expectedInterval')::int FROM datastream WHERE id = $2 AND access = ANY($1)")
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = access }, new NpgsqlParameter<string> { TypedValue = datastream } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(IsWhole(step, Day) ? FromDays : IsWhole(step, Hour) ? FromHours : FromValues)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = access },
                new NpgsqlParameter<string> { TypedValue = datastream },
                new NpgsqlParameter<DateTime> { TypedValue = from, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<DateTime> { TypedValue = to, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<TimeSpan> { TypedValue = step, NpgsqlDbType = NpgsqlDbType.Interval },
            },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation)) return null;
        var unit = reader.IsDBNull(0) ? null : reader.GetString(0);
        var interval = reader.IsDBNull(1) ? (int?)null : reader.GetInt32(1);
        await reader.NextResultAsync(cancellation);
        var points = new List<SeriesPoint>();
        while (await reader.ReadAsync(cancellation))
            points.Add(new SeriesPoint(reader.GetDateTime(0), reader.GetDouble(1), reader.GetDouble(2), reader.GetDouble(3), reader.GetInt64(4), reader.GetDouble(5)));
        return new Series(datastream, unit, interval, points);
    }

    /// <summary>What is read for steps of <paramref name="step"/>: whole hours or days where those are kept as aggregates.</summary>
    public static (DateTime From, DateTime To) Aligned(DateTime from, DateTime to, TimeSpan step)
    {
        if (!IsWhole(step, Hour)) return (from, to);
        var unit = IsWhole(step, Day) ? Day : Hour;
        return (new DateTime(from.Ticks - from.Ticks % unit.Ticks, DateTimeKind.Utc), new DateTime((to.Ticks + unit.Ticks - 1) / unit.Ticks * unit.Ticks, DateTimeKind.Utc));
    }

    static bool IsWhole(TimeSpan step, TimeSpan unit) => step >= unit && step.Ticks % unit.Ticks == 0;

    const string Key = "SELECT key FROM datastream WHERE id = $2 AND access = ANY($1)";

    /// <summary>Buckets of the wanted step out of <c>part</c>, whose rows lie in one each; with the last value before them, for counters.</summary>
    const string Series = """
        SELECT p.bucket,
          CASE WHEN sum(p.sine) IS NULL THEN sum(p.sum) / sum(p.n) ELSE (atan2d(sum(p.sine), sum(p.cosine)) + 360)::numeric % 360 END::double precision,
          min(p.min), max(p.max), sum(p.n)::bigint, sum(p.increase + counted(p.before, p.first_value))
        FROM (SELECT part.*, date_bin($5, start, $3) AS bucket, lag(last_value) OVER (ORDER BY start) AS before FROM part) p
        WHERE p.start >= $3 GROUP BY p.bucket ORDER BY p.bucket
        """;

    const string FromValues = $"""
        WITH part AS (SELECT * FROM aggregate_of(({Key}), $3, $4, $5, $3))
        {Series}
        """;

    static readonly string FromHours = FromAggregates("aggregate_hour", "1 hour");

    static readonly string FromDays = FromAggregates("aggregate_day", "1 day");

    /// <summary>What was written into since it was computed is computed here, from the single values.</summary>
    static string FromAggregates(string table, string unit) => $"""
        WITH d AS MATERIALIZED ({Key}),
        dirty AS MATERIALIZED (
          SELECT unnest(range_agg(tstzrange(s.begin, s.finish))) AS span FROM (
            SELECT greatest(date_bin('{unit}', m.start, '2000-01-01T00:00:00Z'), $3, (SELECT r.time FROM raw_from r JOIN d ON r.datastream = d.key)) AS begin,
              least(date_bin('{unit}', m.start + (m.hours - 1) * interval '1 hour', '2000-01-01T00:00:00Z') + interval '{unit}', $4) AS finish
            FROM aggregate_dirty m JOIN d ON m.datastream = d.key WHERE m.start < $4 AND m.start + m.hours * interval '1 hour' > $3) s
          WHERE s.begin < s.finish),
        part AS (
          SELECT a.start, a.n, a.sum, a.min, a.max, a.first_value, a.last_value, a.increase, a.sine, a.cosine FROM {table} a
          WHERE a.datastream = (SELECT key FROM d) AND a.start >= $3 AND a.start < $4 AND NOT EXISTS (SELECT 1 FROM dirty WHERE span @> a.start)
          UNION ALL
          SELECT a.start, a.n, a.sum, a.min, a.max, a.first_value, a.last_value, a.increase, a.sine, a.cosine
          FROM d CROSS JOIN dirty CROSS JOIN LATERAL aggregate_of(d.key, lower(span), upper(span), '{unit}', '2000-01-01T00:00:00Z') a
          UNION ALL
          SELECT $3 - interval '1 microsecond', 1, 0, 0, 0, b.number, b.number, 0, NULL, NULL FROM (
            (SELECT a.last_time AS time, a.last_value AS number FROM {table} a WHERE a.datastream = (SELECT key FROM d) AND a.start < $3
               AND NOT EXISTS (SELECT 1 FROM aggregate_dirty m WHERE m.datastream = a.datastream AND m.start < a.start + interval '{unit}' AND m.start + m.hours * interval '1 hour' > a.start)
             ORDER BY a.start DESC LIMIT 1)
            UNION ALL
            (SELECT o.time, o.value FROM observation_row o WHERE o.datastream = (SELECT key FROM d) AND o.time < $3 AND o.quality & 3 = 0 AND o.value IS NOT NULL ORDER BY o.time DESC LIMIT 1)
            UNION ALL
            (SELECT u.time, u.value FROM (SELECT p AS chunk FROM observation_pack p WHERE p.datastream = (SELECT key FROM d) AND p.chunk_from < $3 ORDER BY p.chunk_from DESC LIMIT 1) p
             CROSS JOIN LATERAL observation_unpack(p.chunk) u WHERE u.time < $3 AND u.quality & 3 = 0 AND u.value IS NOT NULL ORDER BY u.time DESC LIMIT 1)
            ORDER BY time DESC LIMIT 1) b)
        {Series}
        """;

    /// <summary>What is stored under each key, in their order; null for a Datastream that is not there, or is of no class of <paramref name="access"/>. Packed months count as not there.</summary>
    public async Task<StoredResult?[]> StoredAsync(string municipality, string[] access, IReadOnlyList<ObservationKey> keys, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT k.place::int - 1, o.value, o.json::text FROM unnest($2, $3) WITH ORDINALITY AS k(datastream, time, place)
            JOIN datastream d ON d.id = k.datastream AND d.access = ANY($1) LEFT JOIN observation_row o ON o.datastream = d.key AND o.time = k.time
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = access });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.Datastream.Replace("\0", "", StringComparison.Ordinal))] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. keys.Select(key => key.Time.UtcDateTime)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        var stored = new StoredResult?[keys.Count];
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            stored[reader.GetInt32(0)] = new StoredResult(
                !reader.IsDBNull(1) ? JsonSerializer.SerializeToElement(reader.GetDouble(1), JsonSerializerOptions.Web)
                : reader.IsDBNull(2) ? null
                : JsonSerializer.Deserialize<JsonElement>(reader.GetString(2), JsonSerializerOptions.Web));
        }
        return stored;
    }

    /// <summary>True if the caller may see something of the dataset.</summary>
    public async Task<bool> SeesDatasetAsync(string municipality, string[] access, string dataset, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT 1 FROM dataset WHERE id = $2 AND access = ANY($1)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = access });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = dataset });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>
    /// All observations of a dataset in order of Datastream and time, as JSON arrays: time, Thing's id and name, Datastream's id and name, observedProperty, unit,
    /// result, quality, longitude, latitude.
    /// </summary>
    public IAsyncEnumerable<string> ObservationsOfDatasetAsync(
        string municipality, string[] access, string dataset, DateTime? from, DateTime? to, string? thing, CancellationToken cancellation) =>
        LinesAsync(municipality, """
            SELECT json_build_array(to_char(o.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), t.id, t.name, d.id, d.name, p.id, d.unit ->> 'symbol',
              coalesce(to_jsonb(o.value), o.json), CASE WHEN o.quality = 0 THEN 'good' ELSE 'suspect' END, ST_X(ST_Centroid(f.geom)), ST_Y(ST_Centroid(f.geom)))::text
            FROM datastream d JOIN thing t ON t.key = d.thing JOIN observed_property p ON p.key = d.observed_property LEFT JOIN feature f ON f.key = d.feature
            CROSS JOIN LATERAL (SELECT * FROM observation o WHERE o.datastream = d.key
              AND o.time >= coalesce($3, '-infinity'::timestamptz) AND o.time < coalesce($4, 'infinity'::timestamptz)
              AND o.chunk_to >= coalesce($3, '-infinity'::timestamptz) AND o.chunk_from < coalesce($4, 'infinity'::timestamptz) ORDER BY o.time) o
            WHERE d.dataset = $2 AND d.access = ANY($1) AND ($5::text IS NULL OR t.id = $5)
            ORDER BY d.key, o.time
            """, access, dataset, from, to, thing, cancellation);

    /// <summary>The Things of a dataset with the latest value of each Datastream, as JSON objects.</summary>
    public IAsyncEnumerable<string> ThingsOfDatasetAsync(string municipality, string[] access, string dataset, string? thing, CancellationToken cancellation) =>
        LinesAsync(municipality, """
            SELECT json_build_object('id', t.id, 'name', t.name, 'description', t.description,
              'location', (SELECT l.location FROM location l JOIN thing_location tl ON tl.location = l.key WHERE tl.thing = t.key ORDER BY l.key DESC LIMIT 1),
              'datastreams', coalesce((SELECT json_agg(json_build_object('id', d.id, 'name', d.name, 'observedProperty', p.id, 'unit', d.unit ->> 'symbol',
                  'time', to_char(n.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'value', coalesce(to_jsonb(n.value), n.json),
                  'quality', CASE WHEN n.quality IS NULL THEN NULL WHEN n.quality = 0 THEN 'good' ELSE 'suspect' END) ORDER BY d.key)
                FROM datastream d JOIN observed_property p ON p.key = d.observed_property LEFT JOIN latest n ON n.datastream = d.key
                WHERE d.thing = t.key AND d.access = ANY($1)), '[]'::json))::text
            FROM thing t WHERE t.dataset = $2 AND t.access = ANY($1) AND ($5::text IS NULL OR t.id = $5) AND ($3::timestamptz IS NULL AND $4::timestamptz IS NULL)
            ORDER BY t.key
            """, access, dataset, null, null, thing, cancellation);

    async IAsyncEnumerable<string> LinesAsync(string municipality, string sql, string[] access, string dataset, DateTime? from, DateTime? to, string? thing,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection)
        {
            CommandTimeout = 0, // a long download is not a slow query; who goes away cancels it
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = access },
                new NpgsqlParameter<string> { TypedValue = dataset },
                new NpgsqlParameter { Value = (object?)from ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter { Value = (object?)to ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter { Value = (object?)thing ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) yield return reader.GetString(0);
    }
}
