using System.Collections.Concurrent;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Live;

/// <summary>
/// A Datastream as filters and rights see it. There is one of each while a municipality is listened to, and what waits in a queue refers to it: a change of
/// its access class holds for that, too.
/// </summary>
sealed class LiveDatastream
{
    volatile Facts facts = Facts.None;

    public string Id { get; init; } = "";
    public long Key => facts.Key;
    public string Thing => facts.Thing;
    /// <summary>Ids of the ObservedProperties: one, or of a MultiDatastream one for each place of its results.</summary>
    public string[] Types => facts.Types;
    /// <summary>UCUM codes, as many; null where a result has none.</summary>
    public string?[] Units => facts.Units;
    public bool IsMulti => facts.IsMulti;
    /// <summary>Access class; of none if the Datastream has gone.</summary>
    public string Access => facts.Access;
    /// <summary>West, south, east, north of what it observes, else of where its Thing is; null if neither is known.</summary>
    public double[]? Box => facts.Box;
    internal long LoadedAt { get; private set; }

    internal void Set(Facts now)
    {
        facts = now;
        LoadedAt = Environment.TickCount64;
    }

    internal sealed record Facts(long Key, string Thing, string[] Types, string?[] Units, bool IsMulti, string Access, double[]? Box)
    {
        public static readonly Facts None = new(0, "", [], [], false, "", null);
    }
}

/// <summary>The Datastreams of a municipality that is listened to, looked up when first seen and again every few seconds; changes are told besides.</summary>
sealed class LiveDatastreams(MunicipalDatabases databases, string municipality)
{
    static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);
    const int MostEntries = 200_000;

    readonly ConcurrentDictionary<string, LiveDatastream> known = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<long, double[]?> featureBoxes = new();

    /// <summary>Those of the given ids that there are.</summary>
    public async ValueTask<Dictionary<string, LiveDatastream>> FindAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var old = Environment.TickCount64 - (long)MaxAge.TotalMilliseconds;
        var asked = ids.Where(id => !known.TryGetValue(id, out var one) || one.LoadedAt < old).ToArray();
        if (asked.Length > 0) await LoadAsync(asked, cancellation);
        var found = new Dictionary<string, LiveDatastream>(ids.Count, StringComparer.Ordinal);
        foreach (var id in ids)
            if (known.TryGetValue(id, out var one)) found[id] = one;
        return found;
    }

    /// <summary>Looks again at all that is known: something has changed.</summary>
    public Task RefreshAsync(CancellationToken cancellation)
    {
        featureBoxes.Clear();
        return known.IsEmpty ? Task.CompletedTask : LoadAsync([.. known.Keys], cancellation);
    }

    /// <summary>Where a FeatureOfInterest lies.</summary>
    public async ValueTask<double[]?> BoxOfFeatureAsync(long key, CancellationToken cancellation)
    {
        if (featureBoxes.TryGetValue(key, out var box)) return box;
        if (featureBoxes.Count > MostEntries) featureBoxes.Clear();
        await using var command = databases.Of(municipality).CreateCommand(
            "SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) FROM feature WHERE key = $1");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = key });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return featureBoxes[key] = await reader.ReadAsync(cancellation) ? ReadBox(reader, 0) : null;
    }

    async Task LoadAsync(string[] ids, CancellationToken cancellation)
    {
        if (known.Count > MostEntries) known.Clear();
        var gone = ids.ToHashSet(StringComparer.Ordinal);
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT d.id, d.key, t.id,
              CASE WHEN d.multi_types IS NULL THEN ARRAY(SELECT p.id FROM observed_property p WHERE p.key = d.observed_property)
                ELSE ARRAY(SELECT p.id FROM multi_datastream_observed_property m JOIN observed_property p ON p.key = m.observed_property WHERE m.datastream = d.key ORDER BY m.place) END,
              CASE WHEN d.multi_types IS NULL THEN ARRAY[d.unit ->> 'symbol'] ELSE ARRAY(SELECT u ->> 'symbol' FROM jsonb_array_elements(d.unit) u) END,
              d.multi_types IS NOT NULL, d.access, ST_XMin(g.geom), ST_YMin(g.geom), ST_XMax(g.geom), ST_YMax(g.geom)
            FROM datastream d JOIN thing t ON t.key = d.thing
            LEFT JOIN LATERAL (SELECT coalesce((SELECT f.geom FROM feature f WHERE f.key = d.feature),
              (SELECT l.geom FROM location l JOIN thing_location tl ON tl.location = l.key WHERE tl.thing = d.thing ORDER BY l.key DESC LIMIT 1)) AS geom) g ON true
            WHERE d.id = ANY($1)
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var id = reader.GetString(0);
            gone.Remove(id);
            known.GetOrAdd(id, static id => new LiveDatastream { Id = id }).Set(new LiveDatastream.Facts(reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<string[]>(3),
                reader.GetFieldValue<string?[]>(4), reader.GetBoolean(5), reader.GetString(6), ReadBox(reader, 7)));
        }
        foreach (var id in gone)
            if (known.TryRemove(id, out var one)) one.Set(LiveDatastream.Facts.None);
    }

    static double[]? ReadBox(NpgsqlDataReader reader, int at) =>
        reader.IsDBNull(at) ? null : [reader.GetDouble(at), reader.GetDouble(at + 1), reader.GetDouble(at + 2), reader.GetDouble(at + 3)];
}
