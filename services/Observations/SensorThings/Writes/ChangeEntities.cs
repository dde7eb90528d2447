using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Tasking;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>How an entity is changed.</summary>
enum Change
{
    /// <summary>PATCH: what is given replaces what there is, property by property.</summary>
    Members,
    /// <summary>PATCH with <c>application/merge-patch+json</c>: merged into objects, too.</summary>
    MergePatch,
    /// <summary>PATCH with <c>application/json-patch+json</c>.</summary>
    JsonPatch,
    /// <summary>PUT: what is not given is gone.</summary>
    Replace,
}

/// <summary>Changes properties and links of an entity (OGC 18-088 section 10.3).</summary>
static class ChangeEntities
{
    /// <summary>Of a registered device's entities clients change what people read; the rest comes from the registry.</summary>
    static readonly string[] OfManaged = ["name", "description", "properties"];
    /// <summary>Members of <c>properties</c> by which others find what belongs to a device.</summary>
    static readonly string[] KeptOfManaged = ["device", "profile", "dataset", "field"];
    static readonly string[] KeptOfManagedCapability = [.. KeptOfManaged, Capabilities.Downlink];
    static readonly string[] Kept = ["dataset"];

    /// <summary>Changes the entity that <paramref name="path"/> leads to.</summary>
    /// <exception cref="SensorThingsException">404 if there is none to see; 409 for what belongs to a registered device.</exception>
    public static async Task<Written> ChangeAsync(WriteSession session, ResourcePath path, Change change, JsonElement body, CancellationToken cancellation)
    {
        var set = path.Set;
        var (row, current) = await FindAsync(session, path, cancellation) ?? throw SensorThingsException.NotFound();
        session.Rights.RequireTelling(set);
        // What was told cannot be told otherwise afterwards.
        if (set == Model.Tasks) throw new SensorThingsException(405, "a Task is not changed: delete it, which cancels what still waits, and make another");
        using var changed = change switch
        {
            Change.JsonPatch => Reparse(JsonPatch.Apply((JsonObject)current.DeepClone(), body)),
            Change.MergePatch => Reparse(JsonPatch.Merge((JsonObject)current.DeepClone(), JsonDocuments.ToObject(body))),
            _ => null,
        };
        var draft = EntityDraft.Read(set, changed?.RootElement ?? body, "", new DraftContext(session.References, Deep: false));
        if (set == Model.TaskingCapabilities) Capabilities.Check(draft);
        using var before = Reparse(current);
        await SetAsync(session, set, row, draft, before.RootElement, isWhole: change != Change.Members, cancellation);
        await RelinkAsync(session, set, row, draft, cancellation);
        if (set == Model.MultiDatastreams) await CheckMultiDatastream.CheckAsync(session, row.Key, "", cancellation);
        session.Changed(set, row.Id.Text, EntityChange.Updated);
        return new Written(200, set) { Id = row.Id };
    }

    static JsonDocument Reparse(JsonObject json) => JsonDocuments.Parse(Encoding.UTF8.GetBytes(JsonDocuments.Text(json)));

    static async Task<(EntityRow, JsonObject)?> FindAsync(WriteSession session, ResourcePath path, CancellationToken cancellation)
    {
        var set = path.Set;
        var (command, parameters) = session.Command();
        await using (command)
        {
            var members = set.Properties.Where(property => property.Writing is not null).Select(property => $"'{property.Name}', r.{property.Writing!.Column}");
            command.CommandText = $"""
                SELECT {EntityRow.Columns(set, "r")}, jsonb_build_object({string.Join(", ", members)})::text FROM {path.Table} r
                WHERE {path.Condition("r", parameters)} FOR UPDATE OF r
                """;
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? (EntityRow.Read(reader), (JsonObject)JsonNode.Parse(reader.GetString(reader.FieldCount - 1))!) : null;
        }
    }

    static async Task SetAsync(WriteSession session, EntitySet set, EntityRow row, EntityDraft draft, JsonElement before, bool isWhole, CancellationToken cancellation)
    {
        var columns = new List<(string Column, string Sql, object Value)>();
        var encodingType = before.TryGetProperty("encodingType", out var type) ? type.GetString() : null;
        foreach (var property in set.Properties.Where(property => property.Writing is not null))
        {
            var writing = property.Writing!;
            if (!draft.Values.TryGetValue(property, out var value))
            {
                if (!isWhole) continue;
                if (writing.Mandatory) throw Fault.At("", property.Name, "is mandatory");
            }
            var old = before.GetProperty(property.Name);
            if (property.Name == "properties")
            {
                columns.Add((writing.Column, "jsonb", JsonDocuments.Text(WithKept(value, old, !row.Managed ? Kept : set == Model.TaskingCapabilities ? KeptOfManagedCapability : KeptOfManaged))));
                continue;
            }
            if (JsonElement.DeepEquals(old, value)) continue;
            if (row.Managed && !OfManaged.Contains(property.Name)) row.RequireUnmanaged(set, $"'{property.Name}' is changed");
            columns.AddRange(CreateEntities.ColumnsOf(property, value, draft, encodingType));
        }
        var dataset = set.HasDataset && !row.Managed ? Datasets.NamedBy(draft) : null;
        if (dataset is not null && dataset != row.Dataset)
        {
            columns.Add(("dataset", "text", dataset));
            columns.Add(("access", "text", await Datasets.UseAsync(session, dataset, cancellation)));
        }
        if (columns.Count > 0) await UpdateAsync(session, set, row, columns, cancellation);
        if (dataset is null || dataset == row.Dataset) return;
        if (set == Model.Things) await Links.SettleAsync(session, row.Key, cancellation);
        else if (set.Table == Model.Datastreams.Table)
        {
            await using var thing = session.Command($"SELECT thing FROM {set.Table} WHERE key = $1", row.Key);
            await Links.SettleAsync(session, (long)(await thing.ExecuteScalarAsync(cancellation))!, cancellation);
        }
    }

    /// <summary>New <c>properties</c>; the members that say whose the entity is stay, unless others are given.</summary>
    static JsonObject WithKept(JsonElement value, JsonElement old, string[] kept)
    {
        var properties = value.ValueKind == JsonValueKind.Object ? JsonDocuments.ToObject(value) : [];
        if (old.ValueKind != JsonValueKind.Object) return properties;
        foreach (var name in kept)
            if (old.TryGetProperty(name, out var member) && (kept != Kept || !properties.ContainsKey(name))) properties[name] = JsonNode.Parse(member.GetRawText());
        return properties;
    }

    static async Task UpdateAsync(WriteSession session, EntitySet set, EntityRow row, List<(string Column, string Sql, object Value)> columns, CancellationToken cancellation)
    {
        await using var command = session.Command("", row.Key);
        var assignments = columns.Select((column, i) =>
        {
            command.Parameters.Add(WriteSession.ParameterOf(column.Value));
            return $"{column.Column} = {CreateEntities.SqlOf(column.Sql, "$" + (i + 2).ToString(CultureInfo.InvariantCulture))}";
        }).ToList();
        command.CommandText = $"UPDATE {set.Table} SET {string.Join(", ", assignments)} WHERE key = $1";
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task RelinkAsync(WriteSession session, EntitySet set, EntityRow row, EntityDraft draft, CancellationToken cancellation)
    {
        foreach (var links in draft.Links.GroupBy(link => link.Via))
        {
            var navigation = links.Key;
            if (navigation.Joint is not { } joint) throw Fault.At("", navigation.Name, "cannot be changed from here");
            var targets = new List<EntityRow>();
            foreach (var (_, target) in links) targets.Add(await CreateEntities.ReferencedAsync(session, target, cancellation));
            if (!navigation.Many)
            {
                await Links.MoveOverAsync(session, set, row, joint.Column, targets[0], navigation.Target == "Things" ? targets[0] : null, cancellation);
                continue;
            }
            if (joint.Table is not null && joint.Table != "thing_location")
            {
                row.RequireUnmanaged(set, "its links are changed");
                await session.ExecuteAsync($"DELETE FROM {joint.Table} WHERE {joint.Column} = $1", cancellation, row.Key);
            }
            await Links.AddAsync(session, set, row, navigation, targets, cancellation);
        }
    }
}
