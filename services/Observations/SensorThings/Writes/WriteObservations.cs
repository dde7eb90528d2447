using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>Observations among other writes: checked now, on their way over the log when the rest is committed.</summary>
static class WriteObservations
{
    /// <summary>Takes one that is to be made.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="draft">The Observation.</param>
    /// <param name="within">The entity that it is made within.</param>
    /// <param name="answer">Gets its id.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task CreateAsync(WriteSession session, EntityDraft draft, (EntitySet Set, EntityRow Row)? within, Written? answer, CancellationToken cancellation)
    {
        var posted = draft.Observation!.Value;
        EntityRow? datastream = null, feature = null;
        var isMulti = within?.Set == Model.MultiDatastreams;
        if (within is { } around)
        {
            if (around.Set == Model.FeaturesOfInterest) feature = around.Row;
            else datastream = around.Row;
        }
        // The Datastream first: what is made for the Observation belongs to its dataset.
        foreach (var (via, target) in draft.Links.OrderBy(link => link.Via.Target == "FeaturesOfInterest"))
        {
            var isFeature = via.Target == "FeaturesOfInterest";
            if ((isFeature ? feature : datastream) is { } implied)
            {
                if (target.IsReference && target.Id!.Value.Text == implied.Id.Text) continue;
                throw new SensorThingsException(400, $"'{target.Place}' is said already by where the Observation is made");
            }
            var row = target.IsReference
                ? await EntityRow.FindAsync(session, target.Set, target.Id!.Value.Text, cancellation) ?? throw new SensorThingsException(isFeature ? 400 : 404, $"there is no {via.Name} '{target.Id!.Value.Text}'")
                : await CreateEntities.CreateAsync(session, target, null, datastream?.Dataset, cancellation);
            if (isFeature) feature = row;
            else (datastream, isMulti) = (row, target.Set == Model.MultiDatastreams);
        }
        if (datastream is null) throw Fault.At(draft.Place, "Datastream", "is mandatory");
        if (isMulti) await CheckMultiDatastream.CheckResultAsync(session, datastream, posted.Places, draft.Place, cancellation);
        session.Observations.Add(new(posted with { Datastream = datastream.Id.Text, IsMulti = isMulti, Feature = feature?.Id.Text, IsDeep = false }, answer));
    }

    /// <summary>
    /// Corrects one: the same key, so phenomenonTime and Datastream stay; a newer resultTime, so that it replaces what is stored (README, "How an observation gets in").
    /// </summary>
    public static async Task<Written> CorrectAsync(WriteSession session, ResourcePath path, Change change, JsonElement body, CancellationToken cancellation)
    {
        var stored = await StoredObservation.FindAsync(session, path, cancellation) ?? throw SensorThingsException.NotFound();
        var corrected = change switch
        {
            Change.Replace => JsonDocuments.ToObject(body),
            Change.JsonPatch => JsonPatch.Apply(stored.Json, body),
            Change.MergePatch => JsonPatch.Merge(stored.Json, JsonDocuments.ToObject(body)),
            _ => JsonDocuments.With(stored.Json, body),
        };
        foreach (var (name, id) in new[] { ("Datastream", stored.Datastream), ("MultiDatastream", stored.Datastream) })
            if (corrected.Remove(name, out var link) && link is not null && (link as JsonObject)?["@iot.id"]?.ToString() != id)
                throw new SensorThingsException(400, $"an Observation stays with its {name}: delete it and make another");
        var hasTime = corrected.ContainsKey("phenomenonTime") && corrected["phenomenonTime"] is not null;
        if (!hasTime) corrected["phenomenonTime"] = stored.Json["phenomenonTime"]!.DeepClone();
        corrected[stored.IsMulti ? "MultiDatastream" : "Datastream"] = new JsonObject { ["@iot.id"] = stored.Datastream };
        var text = JsonDocuments.Text(corrected);
        using var document = JsonDocuments.Parse(Encoding.UTF8.GetBytes(text));
        var draft = EntityDraft.Read(Model.Observations, document.RootElement, "", new DraftContext(session.References, Deep: false));
        var posted = draft.Observation!.Value;
        if (posted.Observation.PhenomenonTime != Observation.Micros(stored.Time))
            throw new SensorThingsException(400, "an Observation is known by its phenomenonTime, which cannot begin at another time: delete it and make another");
        if (stored.IsMulti) await CheckMultiDatastream.CheckResultAsync(session, new(stored.Key, default, false, null, null), posted.Places, "", cancellation);
        var feature = draft.Links.Find(link => link.Via.Target == "FeaturesOfInterest").Target;
        if (feature is not null) await CreateEntities.ReferencedAsync(session, feature, cancellation);

        var newerThan = Observation.Micros(stored.ResultTime ?? stored.Time);
        var resultTime = posted.Observation.ResultTime is { } given && given > newerThan ? given : Math.Max(newerThan + 1, Observation.Micros(DateTimeOffset.UtcNow));
        var answer = new Written(200, Model.Observations) { Id = new(Ids.OfObservation(stored.Key, stored.Time), false) };
        session.Observations.Add(new(posted with
        {
            Datastream = stored.Datastream,
            Feature = feature?.Id!.Value.Text,
            Observation = posted.Observation with { ResultTime = resultTime },
            IsDeep = false,
        }, answer));
        return answer;
    }
}

/// <summary>An Observation as it is stored, with what a client may change as JSON.</summary>
sealed record StoredObservation(long Key, string Datastream, bool IsMulti, DateTime Time, DateTime? ResultTime, JsonObject Json)
{
    public static async Task<StoredObservation?> FindAsync(WriteSession session, ResourcePath path, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"""
                SELECT r.datastream, d.id, r.time, r.end_time, r.result_time, coalesce(to_jsonb(r.value), r.json)::text, r.extra::text, f.id, d.multi_types IS NOT NULL
                FROM {Model.Observations.Table} r JOIN datastream d ON d.key = r.datastream LEFT JOIN feature f ON f.key = r.feature
                WHERE {path.Condition("r", parameters)}
                """;
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            if (!await reader.ReadAsync(cancellation)) return null;
            string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
            DateTime? At(int column) => reader.IsDBNull(column) ? null : reader.GetDateTime(column);
            var json = (JsonObject)JsonNode.Parse(Text(6) ?? "{}")!;
            json["result"] = JsonNode.Parse(Text(5) ?? "null");
            json["phenomenonTime"] = At(3) is { } end ? $"{reader.GetDateTime(2):O}/{end:O}" : reader.GetDateTime(2).ToString("O");
            if (At(4) is { } resultTime) json["resultTime"] = resultTime.ToString("O");
            if (Text(7) is { } feature) json["FeatureOfInterest"] = new JsonObject { ["@iot.id"] = feature };
            return new StoredObservation(reader.GetInt64(0), reader.GetString(1), reader.GetBoolean(8), reader.GetDateTime(2), At(4), json);
        }
    }
}
