using Allmende.Contracts;
using Allmende.Observations.Store.Aggregates;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>
/// Observations as columns, each natural key once: of two with the same key the one with the newer resultTime stays, else the first. One of a replay counts as
/// newer than one without resultTime, and for nothing where it says the same.
/// </summary>
public sealed class ObservationRows
{
    readonly Dictionary<(long Datastream, long Time), int> byKey;
    readonly Dictionary<long, Newest> newest = [];
    readonly List<Row> rows;
    readonly List<Row> superseded = [];
    readonly HashSet<(long Datastream, DateTime Hour)> hours = [];
    (long Datastream, DateTime Hour) lastHour;

    /// <param name="capacity">How many are expected.</param>
    public ObservationRows(int capacity)
    {
        byKey = new(capacity);
        rows = new(capacity);
    }

    public int Count => rows.Count;

    /// <summary>True if a row might replace a stored one.</summary>
    public bool MayCorrect { get; private set; }

    /// <summary>The phenomenonTimes, in order of arrival.</summary>
    public DateTime[] Times => rows.ConvertAll(row => row.Time).ToArray();

    /// <summary>The Datastreams' keys, in the order of <see cref="Times"/>.</summary>
    public long[] Datastreams => rows.ConvertAll(row => row.Datastream).ToArray();

    /// <summary>The earliest phenomenonTime.</summary>
    public DateTime Oldest { get; private set; } = DateTime.MaxValue;

    /// <summary>Adds an observation of the Datastream with <paramref name="key"/>.</summary>
    public void Add(long key, in Observation observation)
    {
        var replay = observation.Replay;
        var (extra, feature) = SplitFeature(replay is null ? observation.Extra : null);
        var row = new Row(key, Observation.Time(observation.PhenomenonTime), observation.Json is null ? observation.Value : null,
            observation.PhenomenonEnd is { } end ? Observation.Time(end) : null, observation.ResultTime is { } at ? Observation.Time(at) : null,
            observation.Json, extra, feature, (short)observation.Quality, replay);
        if (byKey.TryGetValue((key, observation.PhenomenonTime), out var index))
        {
            if (!row.Replaces(rows[index])) return;
            superseded.Add(rows[index] with { Replay = replay });
            rows[index] = row.InPlaceOf(rows[index]);
        }
        else
        {
            index = rows.Count;
            byKey.Add((key, observation.PhenomenonTime), index);
            rows.Add(row);
        }
        MayCorrect |= row.ResultTime is not null;
        if (row.Time < Oldest) Oldest = row.Time;
        if (lastHour != (key, AggregateStore.HourOf(row.Time))) hours.Add(lastHour = (key, AggregateStore.HourOf(row.Time)));
        if (!newest.TryGetValue(key, out var one)) newest[key] = new Newest(index, row.Time, 1);
        else newest[key] = new Newest(row.Time >= rows[one.Index].Time ? index : one.Index, row.Time < one.First ? row.Time : one.First, index == rows.Count - 1 ? one.Count + 1 : one.Count);
    }

    /// <summary>A feature of interest of its own travels as the last member of the extra properties and has a column in the store.</summary>
    internal static (string? Extra, long? Feature) SplitFeature(string? extra)
    {
        const string Member = "\"feature\":";
        if (extra is null || extra.LastIndexOf(Member, StringComparison.Ordinal) is not (>= 0 and var at)
            || !long.TryParse(extra.AsSpan(at + Member.Length)[..^1], out var feature)) return (extra, null);
        return (at == 1 ? null : string.Concat(extra.AsSpan(0, at - 1), "}"), feature);
    }

    /// <summary>Writes the rows in the order of <see cref="ObservationStore"/>'s columns.</summary>
    internal async Task WriteAsync(NpgsqlBinaryImporter copy, CancellationToken cancellation)
    {
        foreach (var row in rows)
        {
            await copy.StartRowAsync(cancellation);
            await copy.WriteAsync(row.Datastream, NpgsqlDbType.Bigint, cancellation);
            await copy.WriteAsync(row.Time, NpgsqlDbType.TimestampTz, cancellation);
            if (row.Value is { } value) await copy.WriteAsync(value, NpgsqlDbType.Double, cancellation); else await copy.WriteNullAsync(cancellation);
            if (row.EndTime is { } end) await copy.WriteAsync(end, NpgsqlDbType.TimestampTz, cancellation); else await copy.WriteNullAsync(cancellation);
            if (row.ResultTime is { } at) await copy.WriteAsync(at, NpgsqlDbType.TimestampTz, cancellation); else await copy.WriteNullAsync(cancellation);
            if (row.Json is { } json) await copy.WriteAsync(json, NpgsqlDbType.Jsonb, cancellation); else await copy.WriteNullAsync(cancellation);
            if (row.Extra is { } extra) await copy.WriteAsync(extra, NpgsqlDbType.Jsonb, cancellation); else await copy.WriteNullAsync(cancellation);
            if (row.Feature is { } feature) await copy.WriteAsync(feature, NpgsqlDbType.Bigint, cancellation); else await copy.WriteNullAsync(cancellation);
            await copy.WriteAsync(row.Quality, NpgsqlDbType.Smallint, cancellation);
        }
    }

    internal void AddRows(NpgsqlParameterCollection parameters) => AddRows(parameters, rows);

    /// <summary>The rows, and of each the replay that made it.</summary>
    internal void AddCorrections(NpgsqlParameterCollection parameters)
    {
        AddRows(parameters, rows);
        Add(parameters, rows, row => row.Replay, NpgsqlDbType.Text);
    }

    /// <summary>What others of the same batch took the place of, and of each the replay that did.</summary>
    internal void AddSuperseded(NpgsqlParameterCollection parameters)
    {
        AddRows(parameters, superseded);
        Add(parameters, superseded, row => row.Replay, NpgsqlDbType.Text);
    }

    /// <summary>True if some took the place of others.</summary>
    public bool HasSuperseded => superseded.Count > 0;

    static void AddRows(NpgsqlParameterCollection parameters, List<Row> rows)
    {
        Add(parameters, rows, row => row.Datastream, NpgsqlDbType.Bigint);
        Add(parameters, rows, row => row.Time, NpgsqlDbType.TimestampTz);
        Add(parameters, rows, row => row.Value, NpgsqlDbType.Double);
        Add(parameters, rows, row => row.EndTime, NpgsqlDbType.TimestampTz);
        Add(parameters, rows, row => row.ResultTime, NpgsqlDbType.TimestampTz);
        Add(parameters, rows, row => row.Json, NpgsqlDbType.Jsonb);
        Add(parameters, rows, row => row.Extra, NpgsqlDbType.Jsonb);
        Add(parameters, rows, row => row.Feature, NpgsqlDbType.Bigint);
        Add(parameters, rows, row => row.Quality, NpgsqlDbType.Smallint);
    }

    /// <summary>Sorted by Datastream: two writers that share some take the locks of <c>latest</c> in the same order.</summary>
    internal void AddNewest(NpgsqlParameterCollection parameters)
    {
        var ordered = newest.OrderBy(pair => pair.Key).Select(pair => (pair.Value.First, Row: rows[pair.Value.Index])).ToList();
        Add(parameters, ordered, one => one.Row.Datastream, NpgsqlDbType.Bigint);
        Add(parameters, ordered, one => one.First, NpgsqlDbType.TimestampTz);
        Add(parameters, ordered, one => one.Row.Time, NpgsqlDbType.TimestampTz);
        Add(parameters, ordered, one => one.Row.Value, NpgsqlDbType.Double);
        Add(parameters, ordered, one => one.Row.EndTime, NpgsqlDbType.TimestampTz);
        Add(parameters, ordered, one => one.Row.ResultTime, NpgsqlDbType.TimestampTz);
        Add(parameters, ordered, one => one.Row.Json, NpgsqlDbType.Jsonb);
        Add(parameters, ordered, one => one.Row.Extra, NpgsqlDbType.Jsonb);
        Add(parameters, ordered, one => one.Row.Feature, NpgsqlDbType.Bigint);
        Add(parameters, ordered, one => one.Row.Quality, NpgsqlDbType.Smallint);
    }

    internal void AddCounts(NpgsqlParameterCollection parameters)
    {
        var ordered = newest.OrderBy(pair => pair.Key).ToList();
        Add(parameters, ordered, pair => pair.Key, NpgsqlDbType.Bigint);
        Add(parameters, ordered, pair => (long)pair.Value.Count, NpgsqlDbType.Bigint);
    }

    /// <summary>The hours that the rows fall into, of each Datastream.</summary>
    internal void AddHours(NpgsqlParameterCollection parameters)
    {
        var touched = hours.ToList();
        Add(parameters, touched, one => one.Datastream, NpgsqlDbType.Bigint);
        Add(parameters, touched, one => one.Hour, NpgsqlDbType.TimestampTz);
    }

    static void Add<TItem, T>(NpgsqlParameterCollection parameters, List<TItem> items, Func<TItem, T> column, NpgsqlDbType type)
    {
        var values = new T[items.Count];
        for (var i = 0; i < values.Length; i++) values[i] = column(items[i]);
        parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    readonly record struct Row(
        long Datastream, DateTime Time, double? Value, DateTime? EndTime, DateTime? ResultTime, string? Json, string? Extra, long? Feature, short Quality, string? Replay)
    {
        public bool Replaces(Row other) => Replay is null
            ? ResultTime > (other.ResultTime ?? other.Time)
            : (other.ResultTime is null || ResultTime > other.ResultTime) && (Value, Json, Quality) != (other.Value, other.Json, other.Quality);

        public Row InPlaceOf(Row other) => Replay is null ? this : this with { EndTime = other.EndTime, Extra = other.Extra, Feature = other.Feature };
    }

    readonly record struct Newest(int Index, DateTime First, int Count);
}
