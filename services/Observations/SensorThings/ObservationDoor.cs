using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Npgsql;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// Takes posted Observations: the same quality checks as every door, then the log; answered when they can be read back. So rules, live streams and the store
/// see them the same way as those of devices.
/// </summary>
sealed class ObservationDoor(
    DatastreamDirectory datastreams, DatastreamFeatures datastreamFeatures, MunicipalDatabases databases, ILog log, StoredPositions stored, EntityChanges changes)
{
    /// <summary>After that the answer comes although the store lags: durable it is since the log has it.</summary>
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>Takes the observations.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="access">Access classes that the caller may see: Datastreams and features of others are not there for them.</param>
    /// <param name="posted">The observations.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="quality">Gets what the checks said of each.</param>
    /// <param name="eachForItself">One that names a FeatureOfInterest that is not there is left out; otherwise it is 400 for all.</param>
    /// <returns>Their ids in order; null where there is no such Datastream, or one was left out.</returns>
    public async Task<string?[]> TakeAsync(
        string municipality, string[] access, IReadOnlyList<PostedObservation> posted, CancellationToken cancellation, Quality[]? quality = null, bool eachForItself = false)
    {
        var received = DateTimeOffset.UtcNow;
        var ids = new string?[posted.Count];
        var features = await FeaturesAsync(municipality, access, posted, cancellation);
        var byThing = new Dictionary<string, List<Observation>>(1, StringComparer.Ordinal);
        DatastreamInfo? last = null;
        for (var i = 0; i < posted.Count; i++)
        {
            var (id, feature, observation, isMulti, places, _) = posted[i];
            if (id is null) continue;
            if (last?.Id != id) last = await datastreams.FindAsync(municipality, id, cancellation);
            if (last is not { } datastream || !access.Contains(datastream.Access) || isMulti != datastream.Places is not null) continue;
            // OGC 18-088 section 13: as many values as the MultiDatastream has units, in their order.
            if (datastream.Places is { } expected && places != expected)
                throw new SensorThingsException(400, $"a result of MultiDatastream '{id}' is an array of {expected} values{(posted.Count > 1 ? $" (observation {i + 1})" : "")}");
            if (feature is not null && !features.ContainsKey(feature))
            {
                if (eachForItself) continue;
                throw new SensorThingsException(400, $"there is no FeatureOfInterest '{feature}'");
            }
            if (feature is null && datastream.LacksFeature) last = datastream = await GiveFeatureAsync(municipality, datastream, cancellation);
            var time = new DateTimeOffset(Observation.Time(observation.PhenomenonTime));
            var checkedOne = observation with
            {
                Datastream = datastream.Id,
                Quality = QualityRules.Check(observation.Json is null ? observation.Value : null, datastream.Range, time, received),
                Extra = feature is null ? observation.Extra : WithFeature(observation.Extra, features[feature]),
            };
            if (quality is not null) quality[i] = checkedOne.Quality;
            if (!byThing.TryGetValue(datastream.Thing, out var list)) byThing[datastream.Thing] = list = new List<Observation>(posted.Count);
            list.Add(checkedOne);
            ids[i] = Ids.OfObservation(datastream.Key, time.UtcDateTime);
        }
        await AppendAsync(municipality, received, byThing, cancellation);
        return ids;
    }

    async Task<DatastreamInfo> GiveFeatureAsync(string municipality, DatastreamInfo datastream, CancellationToken cancellation)
    {
        var made = await datastreamFeatures.EnsureAsync(municipality, datastream.Key, cancellation);
        datastreams.Forget(municipality);
        if (made is not null)
            await changes.TellAsync(municipality,
                [new(Model.FeaturesOfInterest.Name, made, EntityChange.Created), new(Model.Datastreams.Name, datastream.Id, EntityChange.Updated)], cancellation);
        return datastream with { LacksFeature = false };
    }

    async Task AppendAsync(string municipality, DateTimeOffset received, Dictionary<string, List<Observation>> byThing, CancellationToken cancellation)
    {
        var at = Observation.Micros(received);
        var appends = byThing.Select(pair => log.AppendAsync(municipality, Topics.Observations, pair.Key,
            ObservationBatch.Write(at, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pair.Value)), cancellation)).ToList();
        foreach (var position in (await Task.WhenAll(appends)).GroupBy(position => position.Partition).Select(group => group.Max()))
            await stored.WaitAsync(municipality, position, LongestWait, cancellation);
    }

    async Task<Dictionary<string, long>> FeaturesAsync(string municipality, string[] access, IReadOnlyList<PostedObservation> posted, CancellationToken cancellation)
    {
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        var asked = posted.Select(one => one.Feature).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        if (asked.Length == 0) return found;
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, key FROM feature WHERE id = ANY($1) AND access = ANY($2)");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = asked });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = access });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) found[reader.GetString(0)] = reader.GetInt64(1);
        return found;
    }

    static string WithFeature(string? extra, long feature)
    {
        var member = $"\"feature\":{feature}";
        return extra is null ? $"{{{member}}}" : $"{extra[..^1]},{member}}}";
    }
}
