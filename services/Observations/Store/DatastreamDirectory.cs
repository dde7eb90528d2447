using System.Collections.Concurrent;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>What the doors and the store need to know of a Datastream.</summary>
/// <param name="Key">Internal key.</param>
/// <param name="Id">What clients call it.</param>
/// <param name="Thing">Id of its Thing: the key of its records in the log.</param>
/// <param name="Range">Lowest and highest plausible result.</param>
/// <param name="Access">Access class.</param>
/// <param name="Places">Of a MultiDatastream, how many values its results have; null for a Datastream.</param>
/// <param name="LacksFeature">It has no FeatureOfInterest yet, but its Thing has a Location that one can be made of.</param>
public sealed record DatastreamInfo(
    long Key, string Id, string Thing, double[]? Range, string Access, int? Places = null, bool LacksFeature = false);

/// <summary>
/// Datastreams by id, kept in memory: looked up for every observation. An entry is at most <see cref="MaxAge"/> old, so that what another
/// instance changed (access, range) is seen; what this instance changes it forgets at once.
/// </summary>
public sealed class DatastreamDirectory(MunicipalDatabases databases)
{
    static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);
    const int MostEntries = 200_000;

    readonly ConcurrentDictionary<string, ConcurrentDictionary<string, (DatastreamInfo Info, long LoadedAt)>> byMunicipality = new(StringComparer.Ordinal);

    /// <summary>The Datastream, or null if there is none of that id.</summary>
    public async ValueTask<DatastreamInfo?> FindAsync(string municipality, string id, CancellationToken cancellation) =>
        Cached(municipality, id) ?? (await LoadAsync(municipality, [id], cancellation)).GetValueOrDefault(id);

    /// <summary>Those of the given ids that there are.</summary>
    public async ValueTask<Dictionary<string, DatastreamInfo>> FindAsync(string municipality, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var found = new Dictionary<string, DatastreamInfo>(ids.Count, StringComparer.Ordinal);
        List<string>? missing = null;
        foreach (var id in ids)
            if (Cached(municipality, id) is { } info) found[id] = info;
            else (missing ??= []).Add(id);
        if (missing is not null)
            foreach (var (id, info) in await LoadAsync(municipality, missing, cancellation)) found[id] = info;
        return found;
    }

    /// <summary>Drops what is remembered of a municipality.</summary>
    public void Forget(string municipality) => byMunicipality.TryRemove(municipality, out _);

    DatastreamInfo? Cached(string municipality, string id) =>
        byMunicipality.TryGetValue(municipality, out var entries) && entries.TryGetValue(id, out var entry)
        && Environment.TickCount64 - entry.LoadedAt < MaxAge.TotalMilliseconds ? entry.Info : null;

    async Task<Dictionary<string, DatastreamInfo>> LoadAsync(string municipality, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var entries = byMunicipality.GetOrAdd(municipality, _ => new(StringComparer.Ordinal));
        if (entries.Count > MostEntries) entries.Clear();
        var loaded = new Dictionary<string, DatastreamInfo>(ids.Count, StringComparer.Ordinal);
        await using var command = databases.Of(municipality).CreateCommand(
            """
            SELECT d.key, d.id, t.id, d.range, d.access, jsonb_array_length(d.multi_types),
              d.feature IS NULL AND EXISTS (SELECT 1 FROM thing_location tl WHERE tl.thing = d.thing)
            FROM datastream d JOIN thing t ON t.key = d.thing WHERE d.id = ANY($1)
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var info = new DatastreamInfo(reader.GetInt64(0), reader.GetString(1), reader.GetString(2),
                await reader.IsDBNullAsync(3, cancellation) ? null : reader.GetFieldValue<double[]>(3), reader.GetString(4),
                await reader.IsDBNullAsync(5, cancellation) ? null : reader.GetInt32(5), reader.GetBoolean(6));
            loaded[info.Id] = info;
            entries[info.Id] = (info, Environment.TickCount64);
        }
        return loaded;
    }
}
