using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>A bucket of a series.</summary>
public readonly record struct SeriesPoint(DateTime Time, double Mean, double Min, double Max, long Count);

/// <summary>A Datastream's values over time in few points, for charts.</summary>
public sealed record Series(string Datastream, string? Unit, int? ExpectedInterval, IReadOnlyList<SeriesPoint> Points);

/// <summary>Reads series and what a dataset holds; the caller's access classes are part of each query.</summary>
public sealed class SeriesStore(MunicipalDatabases databases)
{
    /// <summary>Mean, lowest and highest value of each <paramref name="step"/>; truth values count as 1 and 0. Null if there is no such Datastream to see.</summary>
    public async Task<Series?> ReadAsync(string municipality, string[] access, string datastream, DateTime from, DateTime to, TimeSpan step, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT unit ->> 'symbol', (properties ->> 'expectedInterval')::int FROM datastream WHERE id = $2 AND access = ANY($1)")
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = access }, new NpgsqlParameter<string> { TypedValue = datastream } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT date_bin($5, time, $3), avg(number), min(number), max(number), count(*)
            FROM (SELECT time, coalesce(value, CASE WHEN json = 'true'::jsonb THEN 1.0 WHEN json = 'false'::jsonb THEN 0.0 END) AS number FROM observation
                  WHERE datastream = (SELECT key FROM datastream WHERE id = $2 AND access = ANY($1)) AND time >= $3 AND time < $4 AND quality & 3 = 0) o
            WHERE number IS NOT NULL
            GROUP BY 1 ORDER BY 1
            """)
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
            points.Add(new SeriesPoint(reader.GetDateTime(0), reader.GetDouble(1), reader.GetDouble(2), reader.GetDouble(3), reader.GetInt64(4)));
        return new Series(datastream, unit, interval, points);
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
              AND o.time >= coalesce($3, '-infinity'::timestamptz) AND o.time < coalesce($4, 'infinity'::timestamptz) ORDER BY o.time) o
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
