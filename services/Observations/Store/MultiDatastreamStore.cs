using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>A MultiDatastream of a Thing (OGC 18-088 section 13).</summary>
/// <param name="Id">What clients call it.</param>
/// <param name="Name">Its name.</param>
/// <param name="Thing">Id of its Thing, whose dataset and access class it takes over.</param>
/// <param name="Sensor">Id of its Sensor.</param>
/// <param name="Parts">Of each place of its results: unitOfMeasurement as JSON, observation type, id of the ObservedProperty.</param>
public sealed record MultiDatastreamDraft(string Id, string Name, string Thing, string Sensor, IReadOnlyList<(string Unit, string Type, string ObservedProperty)> Parts);

/// <summary>MultiDatastreams: rows of <c>datastream</c> with their ObservedProperties in order.</summary>
public sealed class MultiDatastreamStore(MunicipalDatabases databases)
{
    /// <summary>Makes one. False if its Thing, Sensor or an ObservedProperty is not there.</summary>
    public async Task<bool> CreateAsync(string municipality, MultiDatastreamDraft draft, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            WITH part AS (
              SELECT p.key, u.place, u.unit, u.type FROM unnest($5::jsonb[], $6::text[], $7::text[]) WITH ORDINALITY AS u(unit, type, property, place)
              JOIN observed_property p ON p.id = u.property),
            made AS (
              INSERT INTO datastream (id, name, observation_type, unit, multi_types, thing, sensor, feature, dataset, access)
              SELECT $1, $2, 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation',
                (SELECT jsonb_agg(unit ORDER BY place) FROM part), (SELECT jsonb_agg(type ORDER BY place) FROM part), t.key, s.key,
                (SELECT d.feature FROM datastream d WHERE d.thing = t.key AND d.feature IS NOT NULL LIMIT 1), t.dataset, t.access
              FROM thing t, sensor s WHERE t.id = $3 AND s.id = $4 AND (SELECT count(*) FROM part) = cardinality($5)
              RETURNING key)
            INSERT INTO multi_datastream_observed_property (datastream, place, observed_property) SELECT made.key, part.place, part.key FROM made, part
            """);
        foreach (var text in new[] { draft.Id, draft.Name, draft.Thing, draft.Sensor }) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. draft.Parts.Select(part => part.Unit)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. draft.Parts.Select(part => part.Type)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. draft.Parts.Select(part => part.ObservedProperty)] });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
