using Allmende.Contracts;
using Allmende.Observations.Store;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>
/// Deletes an entity and what cannot be without it (OGC 18-088 section 10.4, table 25): a Thing's, Sensor's or ObservedProperty's Datastreams with their Observations,
/// a Thing's and a Location's HistoricalLocations, a FeatureOfInterest's Observations.
/// </summary>
static class DeleteEntities
{
    /// <exception cref="SensorThingsException">404 if there is none to see; 409 if it, or what would go with it, is not the caller's to delete.</exception>
    public static async Task DeleteAsync(WriteSession session, ObservationStore store, ResourcePath path, CancellationToken cancellation)
    {
        if (path.Set == Model.Observations)
        {
            var stored = await StoredObservation.FindAsync(session, path, cancellation) ?? throw SensorThingsException.NotFound();
            await store.DeleteAsync(session.Connection, [stored.Key], [stored.Time], cancellation);
            return;
        }
        var row = await EntityRow.FindAsync(session, path, cancellation) ?? throw SensorThingsException.NotFound();
        row.RequireUnmanaged(path.Set, "it is deleted");
        await DeleteAsync(session, store, path.Set, [row.Key], cancellation);
    }

    static async Task DeleteAsync(WriteSession session, ObservationStore store, EntitySet set, long[] keys, CancellationToken cancellation)
    {
        foreach (var navigation in set.Navigations.Where(navigation => IsCarriedAway(set, navigation)))
        {
            var target = Model.TargetOf(navigation);
            var below = await BelowAsync(session, navigation, target, keys, cancellation);
            if (below.Length > 0) await DeleteAsync(session, store, target, below, cancellation);
        }
        if (set.Table == Model.Datastreams.Table) await ObservationStore.DeleteAllAsync(session.Connection, keys, cancellation);
        if (set == Model.FeaturesOfInterest)
        {
            await RequireVisibleObservationsAsync(session, keys, cancellation);
            await store.DeleteOfFeaturesAsync(session.Connection, keys, cancellation);
            await session.ExecuteAsync("UPDATE datastream SET feature = NULL WHERE feature = ANY($1)", cancellation, keys);
        }
        await using var command = session.Command($"DELETE FROM {set.Table} WHERE key = ANY($1) RETURNING id", keys);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) session.Changed(set, reader.GetString(0), EntityChange.Deleted);
    }

    /// <summary>What must link back to <paramref name="set"/>, and the history of a place that is no more.</summary>
    static bool IsCarriedAway(EntitySet set, Navigation navigation) => navigation.Many && (navigation.Target == "HistoricalLocations"
        || Model.TargetOf(navigation).Navigations.Any(back => back.Target == set.Name && back.Joint is { Mandatory: true } joint
            && (joint.Table is not null || joint.Column == navigation.Joint?.Column)));

    static async Task<long[]> BelowAsync(WriteSession session, Navigation navigation, EntitySet target, long[] keys, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            var linked = Model.Format(navigation.Condition, "r", $"ANY({parameters.Add(keys)})");
            command.CommandText = $"SELECT r.key, NOT r.managed AND {Model.Format(target.Visible, "r")} FROM {target.Table} r WHERE {linked} ORDER BY r.key FOR UPDATE OF r";
            var below = new List<long>();
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                if (reader.GetBoolean(1)) below.Add(reader.GetInt64(0));
                else throw NotYours();
            return [.. below];
        }
    }

    static async Task RequireVisibleObservationsAsync(WriteSession session, long[] features, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"SELECT 1 FROM datastream WHERE feature = ANY({parameters.Add(features)}) AND (managed OR NOT access = ANY($1)) LIMIT 1";
            if (await command.ExecuteScalarAsync(cancellation) is not null) throw NotYours();
        }
    }

    static SensorThingsException NotYours() =>
        new(409, "it cannot be deleted: something that would go with it is not yours to delete, or belongs to a registered device, which is removed at its own door (/devices)");
}
