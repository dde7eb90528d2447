using Allmende.Contracts;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Observations.Store;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>
/// Deletes an entity and what cannot be without it (OGC 18-088 section 10.4, table 25): a Thing's, Sensor's or ObservedProperty's Datastreams with their Observations,
/// a Thing's and a Location's HistoricalLocations, a FeatureOfInterest's Observations; a Thing's and an Actuator's TaskingCapabilities with their Tasks, whose commands
/// are cancelled as far as they wait.
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
        session.Rights.RequireTelling(path.Set);
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
        if (set == Model.Tasks)
        {
            foreach (var id in await TaskCommands.DeleteAsync(session, keys, cancellation)) session.Changed(set, id, EntityChange.Deleted);
            return;
        }
        if (set.Table == Model.Datastreams.Table) await ObservationStore.DeleteAllAsync(session.Connection, keys, cancellation);
        if (set == Model.Locations) await RequireNoneAsync(session, "thing_location l JOIN thing t ON t.key = l.thing", "l.location = ANY({0}) AND (t.managed OR NOT t.access = ANY($1))", keys, cancellation);
        if (set == Model.FeaturesOfInterest)
        {
            await RequireNoneAsync(session, "datastream", "feature = ANY({0}) AND (managed OR NOT access = ANY($1))", keys, cancellation);
            var datastreams = await store.DeleteOfFeaturesAsync(session.Connection, keys, cancellation);
            // Observations of other Datastreams can be of this feature, too; the transaction ends here if they are not the caller's.
            await RequireNoneAsync(session, "datastream", "key = ANY({0}) AND NOT access = ANY($1)", datastreams, cancellation);
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
            command.CommandText = $"SELECT r.key, NOT r.managed AND {Model.Format(target.Visible, "r")}{(MayDelete(session, target) ? "" : " AND false")} FROM {target.Table} r WHERE {linked} ORDER BY r.key FOR UPDATE OF r";
            var below = new List<long>();
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                if (reader.GetBoolean(1)) below.Add(reader.GetInt64(0));
                else throw NotYours();
            return [.. below];
        }
    }

    static bool MayDelete(WriteSession session, EntitySet set) => set != Model.TaskingCapabilities || session.Rights.Access.Contains(Access.Tells);

    /// <summary>Refuses if there is something that the caller may not touch.</summary>
    static async Task RequireNoneAsync(WriteSession session, string table, string condition, long[] keys, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"SELECT 1 FROM {table} WHERE {Model.Format(condition, parameters.Add(keys))} LIMIT 1";
            if (await command.ExecuteScalarAsync(cancellation) is not null) throw NotYours();
        }
    }

    static SensorThingsException NotYours() =>
        new(409, "it cannot be deleted: something that would go with it is not yours to delete, or belongs to a registered device, which is removed at its own door (/devices)");
}
