using Allmende.Contracts;
using Allmende.Observations.SensorThings.Tasking;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>Makes and breaks links between entities that are there.</summary>
static class Links
{
    const string ThingLocation = "thing_location";

    /// <summary>Links <paramref name="row"/> with each of <paramref name="targets"/>.</summary>
    /// <exception cref="SensorThingsException">409 if a registered device's link would change.</exception>
    public static async Task AddAsync(WriteSession session, EntitySet set, EntityRow row, Navigation navigation, IReadOnlyList<EntityRow> targets, CancellationToken cancellation)
    {
        if (targets.Count == 0) return;
        var target = Model.TargetOf(navigation);
        var joint = navigation.Joint!;
        if (joint.Table == ThingLocation)
        {
            if (set == Model.Things) await MoveAsync(session, row, targets, cancellation);
            else foreach (var thing in targets) await MoveAsync(session, thing, [row], cancellation);
            return;
        }
        if (joint.Table is null)
        {
            foreach (var one in targets) await MoveOverAsync(session, target, one, joint.Column, row, set == Model.Things ? row : null, cancellation);
            return;
        }
        for (var i = 0; i < targets.Count; i++)
        {
            if (joint.Place is null) await session.ExecuteAsync($"INSERT INTO {joint.Table} ({joint.Column}, {joint.Other}) VALUES ($1, $2) ON CONFLICT DO NOTHING", cancellation, row.Key, targets[i].Key);
            else await session.ExecuteAsync($"INSERT INTO {joint.Table} ({joint.Column}, {joint.Other}, {joint.Place}) VALUES ($1, $2, $3)", cancellation, row.Key, targets[i].Key, i);
        }
        if (joint.Table == "historical_location_location")
            foreach (var history in set == Model.HistoricalLocations ? [row] : targets) await FollowHistoryAsync(session, history, cancellation);
    }

    /// <summary>A row that had another owner gets this one: the link is a column of the target.</summary>
    public static async Task MoveOverAsync(WriteSession session, EntitySet target, EntityRow row, string column, EntityRow owner, EntityRow? thing, CancellationToken cancellation)
    {
        session.Rights.RequireTelling(target);
        if (target == Model.Tasks) throw new SensorThingsException(409, "a Task stays with the TaskingCapability that it was made for");
        await RequireOwnerVisibleAsync(session, target, row, column, cancellation);
        if (await session.ExecuteAsync($"UPDATE {target.Table} SET {column} = $2 WHERE key = $1 AND {column} IS DISTINCT FROM $2 AND NOT managed", cancellation, row.Key, owner.Key) == 0)
        {
            await using var same = session.Command($"SELECT 1 FROM {target.Table} WHERE key = $1 AND {column} = $2", row.Key, owner.Key);
            if (await same.ExecuteScalarAsync(cancellation) is null) row.RequireUnmanaged(target, "its links are changed");
            return;
        }
        session.Changed(target, row.Id.Text, EntityChange.Updated);
        if (thing is not null) await SettleAsync(session, thing.Key, cancellation);
    }

    /// <summary>Whoever takes something away from what they cannot see would change that.</summary>
    static async Task RequireOwnerVisibleAsync(WriteSession session, EntitySet target, EntityRow row, string column, CancellationToken cancellation)
    {
        var owners = Model.Find(Array.Find(target.Navigations, navigation => !navigation.Many && navigation.Joint?.Column == column)!.Target)!;
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"SELECT 1 FROM {owners.Table} o JOIN {target.Table} t ON t.{column} = o.key WHERE t.key = {parameters.Add(row.Key)} AND {Model.Format(owners.Visible, "o")}";
            if (await command.ExecuteScalarAsync(cancellation) is null) throw new SensorThingsException(409, $"{target.Name}({Ids.InPath(row.Id.Text, row.Id.Quoted)}) cannot be led away from where it belongs now: that is not yours to change");
        }
    }

    /// <summary>
    /// A Thing is somewhere else now: its Locations of the same encodings give way (OGC 18-088 section 8.2.2: they have different encodings), and a
    /// HistoricalLocation tells from when on (section 10.2.1).
    /// </summary>
    static async Task MoveAsync(WriteSession session, EntityRow thing, IReadOnlyList<EntityRow> locations, CancellationToken cancellation)
    {
        thing.RequireUnmanaged(Model.Things, "its place is changed");
        var keys = locations.Select(location => location.Key).Distinct().ToArray();
        // One move at a time: the last one wins as a whole.
        await session.ExecuteAsync("SELECT 1 FROM thing WHERE key = $1 FOR NO KEY UPDATE", cancellation, thing.Key);
        await session.ExecuteAsync("""
            DELETE FROM thing_location tl USING location l WHERE tl.thing = $1 AND l.key = tl.location AND NOT l.key = ANY($2)
              AND replace(l.encoding_type, 'vnd.', '') IN (SELECT replace(n.encoding_type, 'vnd.', '') FROM location n WHERE n.key = ANY($2))
            """, cancellation, thing.Key, keys);
        await session.ExecuteAsync("INSERT INTO thing_location (thing, location) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING", cancellation, thing.Key, keys);
        await using var command = session.Command("""
            WITH made AS (INSERT INTO historical_location (thing, time) VALUES ($1, clock_timestamp()) RETURNING key, id),
            linked AS (INSERT INTO historical_location_location (historical_location, location) SELECT made.key, tl.location FROM made, thing_location tl WHERE tl.thing = $1)
            SELECT id FROM made
            """, thing.Key);
        session.Changed(Model.HistoricalLocations, (string)(await command.ExecuteScalarAsync(cancellation))!, EntityChange.Created);
        session.Changed(Model.Things, thing.Id.Text, EntityChange.Updated);
    }

    /// <summary>A HistoricalLocation that a client writes, newer than all others of its Thing, says where the Thing is now (OGC 18-088 section 10.2.1).</summary>
    static async Task FollowHistoryAsync(WriteSession session, EntityRow history, CancellationToken cancellation)
    {
        await using (var newest = session.Command("""
            SELECT 1 FROM historical_location h JOIN thing t ON t.key = h.thing WHERE h.key = $1 AND NOT t.managed
              AND NOT EXISTS (SELECT 1 FROM historical_location o WHERE o.thing = h.thing AND o.key <> h.key AND o.time >= h.time)
            """, history.Key))
            if (await newest.ExecuteScalarAsync(cancellation) is null) return;
        await session.ExecuteAsync("""
            DELETE FROM thing_location tl USING historical_location h WHERE h.key = $1 AND tl.thing = h.thing
              AND tl.location NOT IN (SELECT location FROM historical_location_location WHERE historical_location = $1)
            """, cancellation, history.Key);
        await session.ExecuteAsync("""
            INSERT INTO thing_location (thing, location)
            SELECT h.thing, l.location FROM historical_location h JOIN historical_location_location l ON l.historical_location = h.key WHERE h.key = $1
            ON CONFLICT DO NOTHING
            """, cancellation, history.Key);
        await using var command = session.Command("SELECT t.id FROM thing t JOIN historical_location h ON h.thing = t.key WHERE h.key = $1", history.Key);
        session.Changed(Model.Things, (string)(await command.ExecuteScalarAsync(cancellation))!, EntityChange.Updated);
    }

    /// <summary>Takes the link away.</summary>
    /// <returns>False if there was none.</returns>
    public static async Task<bool> RemoveAsync(WriteSession session, EntitySet set, EntityRow row, Navigation navigation, EntityRow target, CancellationToken cancellation)
    {
        if (navigation.Joint is not { Table: { } table } joint || joint.Mandatory) throw new SensorThingsException(400, $"a link of {navigation.Name} cannot be taken away, only changed or deleted with its entity");
        if (table == ThingLocation) (set == Model.Things ? row : target).RequireUnmanaged(Model.Things, "its place is changed");
        else row.RequireUnmanaged(set, "its links are changed");
        var removed = await session.ExecuteAsync($"DELETE FROM {table} WHERE {joint.Column} = $1 AND {joint.Other} = $2", cancellation, row.Key, target.Key) > 0;
        if (removed) session.Changed(set, row.Id.Text, EntityChange.Updated);
        return removed;
    }

    /// <summary>
    /// What belongs to a Thing's dataset and to none of its own follows the Thing: its Datastreams, their features, and Locations that are its alone. Data must
    /// not stay open because it was left behind.
    /// </summary>
    public static async Task SettleAsync(WriteSession session, long thing, CancellationToken cancellation)
    {
        await session.ExecuteAsync("""
            UPDATE datastream d SET dataset = t.dataset, access = t.access FROM thing t
            WHERE t.key = $1 AND d.thing = t.key AND NOT d.properties ? 'dataset' AND (d.dataset, d.access) IS DISTINCT FROM (t.dataset, t.access)
            """, cancellation, thing);
        await session.ExecuteAsync("""
            UPDATE feature f SET dataset = d.dataset, access = d.access FROM datastream d
            WHERE d.thing = $1 AND f.key = d.feature AND NOT f.managed AND NOT f.properties ? 'dataset' AND (f.dataset, f.access) IS DISTINCT FROM (d.dataset, d.access)
              AND NOT EXISTS (SELECT 1 FROM datastream o WHERE o.feature = f.key AND o.dataset <> d.dataset)
            """, cancellation, thing);
        await session.ExecuteAsync("""
            UPDATE location l SET dataset = t.dataset, access = t.access FROM thing t
            WHERE t.key = $1 AND NOT l.managed AND NOT l.properties ? 'dataset' AND (l.dataset, l.access) IS DISTINCT FROM (t.dataset, t.access)
              AND l.key IN (SELECT location FROM thing_location WHERE thing = $1)
              AND NOT EXISTS (SELECT 1 FROM thing_location o WHERE o.location = l.key AND o.thing <> $1)
            """, cancellation, thing);
    }
}
