using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>
/// What the observations of a Datastream are of, where their clients do not say: the place of its Thing (OGC 18-088 section 10.2.3). Made when the first such
/// Observation comes, once for all Datastreams of the Thing that have the same dataset.
/// </summary>
public sealed class DatastreamFeatures(MunicipalDatabases databases)
{
    /// <summary>Gives the Datastream a FeatureOfInterest if it has none and its Thing has a Location.</summary>
    /// <returns>The id of the new entity; null if none was made.</returns>
    public async Task<string?> EnsureAsync(string municipality, long datastream, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand(Ensure, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = datastream });
        // Of the Thing's Datastreams one after the other, so that they share what the first one makes.
        await using (var locking = new NpgsqlCommand("SELECT 1 FROM thing WHERE key = (SELECT thing FROM datastream WHERE key = $1) FOR NO KEY UPDATE", connection))
        {
            locking.Parameters.Add(new NpgsqlParameter<long> { TypedValue = datastream });
            await locking.ExecuteNonQueryAsync(cancellation);
        }
        var made = await command.ExecuteScalarAsync(cancellation) as string;
        await transaction.CommitAsync(cancellation);
        return made;
    }

    const string Ensure = """
        WITH d AS (SELECT * FROM datastream WHERE key = $1 AND feature IS NULL),
        place AS (
          SELECT l.* FROM d JOIN thing_location tl ON tl.thing = d.thing JOIN location l ON l.key = tl.location
          ORDER BY l.geom IS NULL, l.key LIMIT 1),
        shared AS (
          SELECT f.key FROM d JOIN datastream o ON o.thing = d.thing AND o.dataset = d.dataset JOIN feature f ON f.key = o.feature JOIN place ON place.location = f.feature LIMIT 1),
        n AS MATERIALIZED (SELECT nextval('entity_key') AS key FROM place WHERE NOT EXISTS (SELECT 1 FROM shared)),
        made AS (
          INSERT INTO feature (key, id, name, description, encoding_type, feature, geom, dataset, access)
          SELECT n.key, CASE WHEN EXISTS (SELECT 1 FROM feature t WHERE t.id = n.key::text) THEN 'feature-' || n.key ELSE n.key::text END,
            place.name, place.description, place.encoding_type, place.location, place.geom, d.dataset, d.access
          FROM n, place, d RETURNING key, id),
        given AS (
          UPDATE datastream SET feature = (SELECT key FROM shared UNION ALL SELECT key FROM made) FROM d
          WHERE datastream.key = d.key AND EXISTS (SELECT 1 FROM place))
        SELECT id FROM made
        """;
}
