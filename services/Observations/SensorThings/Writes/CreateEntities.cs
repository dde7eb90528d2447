using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Tasking;
using Npgsql;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>
/// Makes entities as the model describes them (OGC 18-088 section 10.2): what an entity links to first, then itself, then what links to it. Observations wait
/// for the commit.
/// </summary>
static class CreateEntities
{
    /// <summary>Ids beyond what the sequence will ever reach, for the rare case that a client has taken the next number.</summary>
    const long Beyond = 1_000_000_000_000;

    /// <summary>What an entity is made within: the row it belongs to, and how that row leads to it.</summary>
    /// <param name="Set">The row's set.</param>
    /// <param name="Row">The row.</param>
    /// <param name="Via">How it leads to the new entity.</param>
    public sealed record Within(EntitySet Set, EntityRow Row, Navigation Via);

    /// <summary>Makes an entity and all that stands in it.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="draft">What to make.</param>
    /// <param name="within">What it is made within.</param>
    /// <param name="dataset">The dataset of what is around it.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<EntityRow> CreateAsync(WriteSession session, EntityDraft draft, Within? within, string? dataset, CancellationToken cancellation)
    {
        var set = draft.Set;
        session.Rights.RequireTelling(set);
        if (set == Model.TaskingCapabilities) Capabilities.Check(draft);
        DeviceCommand? command = null;
        var columns = new List<(string Column, string Sql, object Value)>();
        string? own = set.HasDataset ? Datasets.NamedBy(draft) : null;
        // The Thing comes first in the model: its dataset is what a Datastream has that names none.
        foreach (var navigation in set.Navigations.Where(navigation => navigation is { Many: false, Joint: not null }))
        {
            if (await SingleAsync(session, draft, navigation, within, own ?? dataset, cancellation) is not { } target) continue;
            columns.Add((navigation.Joint!.Column, "bigint", target.Key));
            if (set == Model.Tasks) columns.AddRange(await CommandedAsync(target));
            if (navigation.Target == "Things") own ??= target.Dataset;
        }
        own ??= set == Model.Things ? null : dataset;
        var access = (string?)null;
        if (set.HasDataset)
        {
            access = await Datasets.UseAsync(session, own ??= Datasets.Default, cancellation);
            columns.Add(("dataset", "text", own));
            columns.Add(("access", "text", access));
        }
        foreach (var property in set.Properties.Where(property => property.Writing is not null))
        {
            if (draft.Values.TryGetValue(property, out var value) && value.ValueKind != JsonValueKind.Null) columns.AddRange(ColumnsOf(property, value, draft, null));
            else if (property.Writing!.Mandatory) throw Fault.At(draft.Place, property.Name, "is mandatory");
        }
        var (key, id) = await InsertAsync(session, draft, columns, cancellation);
        var row = new EntityRow(key, id, false, own, access);
        session.Changed(set, id.Text, EntityChange.Created);
        if (command is not null) await TaskCommands.EnqueueAsync(session, command with { Task = id.Text }, cancellation);
        if (within is { Via.Joint.Table: not null }) await Links.AddAsync(session, within.Set, within.Row, within.Via, [row], cancellation);
        await LinkedAsync(session, draft, row, cancellation);
        if (set == Model.MultiDatastreams) await CheckMultiDatastream.CheckAsync(session, key, draft.Place, cancellation);
        return row;

        async Task<(string, string, object)[]> CommandedAsync(EntityRow capability)
        {
            (command, var kept) = await TaskCommands.OfAsync(session, draft, capability, cancellation);
            return kept;
        }
    }

    /// <summary>The target of a single navigation: implied by what the entity is made within, linked, or made.</summary>
    static async Task<EntityRow?> SingleAsync(WriteSession session, EntityDraft draft, Navigation navigation, Within? within, string? dataset, CancellationToken cancellation)
    {
        var target = draft.Links.Find(link => link.Via == navigation).Target;
        if (within is { Via.Joint: { Table: null } joint } && joint.Column == navigation.Joint!.Column && within.Set.Name == navigation.Target)
            return target is null || (target.IsReference && target.Id!.Value.Text == within.Row.Id.Text)
                ? within.Row
                : throw new SensorThingsException(400, $"'{target.Place}' is said already by where the entity is made");
        if (target is null) return navigation.Joint!.Mandatory ? throw Fault.At(draft.Place, navigation.Name, "is mandatory") : null;
        return target.IsReference ? await ReferencedAsync(session, target, cancellation) : await CreateAsync(session, target, null, dataset, cancellation);
    }

    /// <summary>The entity that a link names. A foreign and a missing one are answered alike.</summary>
    public static async Task<EntityRow> ReferencedAsync(WriteSession session, EntityDraft target, CancellationToken cancellation) =>
        await EntityRow.FindAsync(session, target.Set, target.Id!.Value.Text, cancellation)
        ?? throw new SensorThingsException(400, $"'{Fault.In(target.Place, "@iot.id")}': there is no such entity in {target.Set.Name}");

    /// <summary>What links to the new entity, or is linked by a table: made or linked in the order of the body.</summary>
    static async Task LinkedAsync(WriteSession session, EntityDraft draft, EntityRow row, CancellationToken cancellation)
    {
        // Where a Thing stands is known before its Datastreams come.
        foreach (var navigation in draft.Set.Navigations.Where(navigation => navigation.Many))
        {
            var targets = draft.Links.Where(link => link.Via == navigation).Select(link => link.Target).ToList();
            if (navigation.Joint is { Mandatory: true } && targets.Count == 0) throw Fault.At(draft.Place, navigation.Name, "is mandatory");
            if (targets.Count == 0) continue;
            if (navigation.Target == "Observations")
            {
                foreach (var target in targets) await WriteObservations.CreateAsync(session, target, (draft.Set, row), null, cancellation);
                continue;
            }
            if (navigation.Joint is null) throw Fault.At(draft.Place, navigation.Name, "cannot be given here");
            var linked = new List<EntityRow>();
            foreach (var target in targets)
                if (target.IsReference) linked.Add(await ReferencedAsync(session, target, cancellation));
                else
                {
                    var made = await CreateAsync(session, target, navigation.Joint.Table is null ? new(draft.Set, row, navigation) : null, row.Dataset, cancellation);
                    if (navigation.Joint.Table is not null) linked.Add(made);
                }
            await Links.AddAsync(session, draft.Set, row, navigation, linked, cancellation);
        }
    }

    /// <summary>The columns that a value goes into.</summary>
    /// <param name="property">Which property.</param>
    /// <param name="value">Its value.</param>
    /// <param name="draft">The entity.</param>
    /// <param name="encodingType">The entity's, where the draft has none.</param>
    public static IEnumerable<(string Column, string Sql, object Value)> ColumnsOf(Property property, JsonElement value, EntityDraft draft, string? encodingType)
    {
        var writing = property.Writing!;
        switch (writing.Shape)
        {
            case Shape.Text:
                yield return (writing.Column, "text", value.GetString()!);
                break;
            case Shape.Time:
                EntityDraft.TryTime(value, out var time);
                yield return (writing.Column, "timestamptz", time);
                break;
            case Shape.Geometry:
                yield return (writing.Column, "jsonb", value.GetRawText());
                var encoding = draft.Set.Property("encodingType") is { } type && draft.Values.TryGetValue(type, out var said) ? said.GetString() : encodingType;
                var fault = GeoJson.FaultIn(value);
                if (fault is not null && GeoJson.IsMeantBy(encoding)) throw Fault.At(draft.Place, property.Name, fault);
                yield return ("geom", "geojson", fault is null ? GeoJson.GeometryOf(value)!.Value.GetRawText() : "");
                break;
            default:
                yield return (writing.Column, "jsonb", value.GetRawText());
                break;
        }
    }

    /// <summary>SQL of a parameter as its column takes it.</summary>
    public static string SqlOf(string kind, string parameter) =>
        kind == "geojson" ? $"ST_SetSRID(ST_GeomFromGeoJSON(nullif({parameter}::text, '')), 4326)" : $"{parameter}::{kind}";

    static async Task<(long Key, EntityId Id)> InsertAsync(WriteSession session, EntityDraft draft, List<(string Column, string Sql, object Value)> columns, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            await using var command = new NpgsqlCommand { Connection = session.Connection };
            string Add(object value)
            {
                command.Parameters.Add(WriteSession.ParameterOf(value));
                return "$" + command.Parameters.Count.ToString(CultureInfo.InvariantCulture);
            }

            var id = draft.Id is { } given ? $"{Add(given.Text)}::text" : $"(n.key + {Add(attempt * Beyond)}::bigint)::text";
            var quoted = Add(draft.Id?.Quoted ?? false);
            command.CommandText = $"""
                WITH n AS MATERIALIZED (SELECT nextval('entity_key') AS key)
                INSERT INTO {draft.Set.Table} (key, id, quoted{string.Concat(columns.Select(column => ", " + column.Column))})
                SELECT n.key, {id}, {quoted}{string.Concat(columns.Select(column => ", " + SqlOf(column.Sql, Add(column.Value))))} FROM n
                ON CONFLICT (id) DO NOTHING RETURNING key, id
                """;
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            if (await reader.ReadAsync(cancellation)) return (reader.GetInt64(0), new(reader.GetString(1), draft.Id?.Quoted ?? false));
            if (draft.Id is { } taken || attempt == 9) throw new SensorThingsException(409, $"'{Fault.In(draft.Place, "@iot.id")}': the id is taken");
        }
    }
}
