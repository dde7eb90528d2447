using System.Text.Json;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Data;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>A request that writes, by whatever way it came.</summary>
/// <param name="Method">POST, PATCH, PUT or DELETE.</param>
/// <param name="Path">What follows <c>/v1.1/</c>, unescaped.</param>
/// <param name="Query">Query with or without question mark.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">JSON.</param>
sealed record WriteRequest(string Method, string Path, string Query, string? ContentType, ReadOnlyMemory<byte> Body);

/// <summary>
/// Takes writes of entities (OGC 18-088 section 10). All of a request, or of a change set, is one transaction; what it says to others (changes, needed datasets) and
/// the Observations in it follow the commit.
/// </summary>
sealed class EntityDoor(
    MunicipalDatabases databases, Municipalities municipalities, ObservationStore store, ObservationDoor observations, DatastreamDirectory datastreams,
    EntityChanges changes, TellNeededDatasets neededDatasets, TellCommands commands, ObservationsOptions options)
{
    /// <summary>What follows a commit is done also when the client is gone, but not for ever.</summary>
    static readonly TimeSpan LongestAftermath = TimeSpan.FromSeconds(20);

    /// <summary>Begins a transaction.</summary>
    public async Task<WriteSession> BeginAsync(string municipality, WriteRights rights, Func<string, EntityId?>? references, CancellationToken cancellation)
    {
        var defaultAccess = (await municipalities.FindAsync(municipality, cancellation))?.DefaultAccess ?? Contracts.Access.Internal;
        var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        try
        {
            return new WriteSession(municipality, defaultAccess, rights, connection, await connection.BeginTransactionAsync(cancellation)) { References = references ?? (_ => null) };
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does one request by itself.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="rights">The caller's.</param>
    /// <param name="request">What to do.</param>
    /// <param name="root">Address of the service, for the links of the answer.</param>
    /// <param name="references">Gives the id behind <c>$1</c> of a batch.</param>
    /// <param name="cancellation">Gives up; not any more once it is committed.</param>
    /// <returns>What has become of it, and the entity where there is one.</returns>
    public async Task<(Written Written, byte[]? Entity)> DoAsync(
        string municipality, WriteRights rights, WriteRequest request, string root, Func<string, EntityId?>? references, CancellationToken cancellation)
    {
        Written written;
        await using (var session = await BeginAsync(municipality, rights, references, cancellation))
        {
            written = await WriteAsync(session, request, cancellation);
            await CommitAsync(session, cancellation);
        }
        if (written.Set == Model.Observations && written.Id.Text is null) throw new SensorThingsException(404, "the Datastream has been deleted meanwhile");
        return (written, await ReadAsync(municipality, rights, root, written, cancellation));
    }

    /// <summary>Does one request within a transaction.</summary>
    public async Task<Written> WriteAsync(WriteSession session, WriteRequest request, CancellationToken cancellation)
    {
        var path = ResourcePath.Parse(request.Path);
        if (DryRun.IsAsked(request)) throw new SensorThingsException(400, "a dry run is a request of its own, not one among others");
        if (path.IsReference) return await WriteLinkAsync(session, path.Referenced, request, cancellation);
        if (path.Property.Length > 0) throw NotAllowed(request, "change the entity instead");
        if (path.IsSingle != (request.Method != "POST")) throw NotAllowed(request, path.IsSingle ? "entities are made in collections" : "name one entity");
        if (request.Method == "DELETE")
        {
            await DeleteEntities.DeleteAsync(session, store, path, cancellation);
            return new Written(200);
        }
        using var body = JsonDocuments.Parse(request.Body);
        if (request.Method == "POST") return await CreateAsync(session, path, body.RootElement, request, cancellation);
        var change = request.Method == "PUT" ? Change.Replace
            : request.ContentType?.Contains("json-patch+json", StringComparison.OrdinalIgnoreCase) == true ? Change.JsonPatch
            : request.ContentType?.Contains("merge-patch+json", StringComparison.OrdinalIgnoreCase) == true ? Change.MergePatch
            : Change.Members;
        return path.Set == Model.Observations
            ? await WriteObservations.CorrectAsync(session, path, change, body.RootElement, cancellation)
            : await ChangeEntities.ChangeAsync(session, path, change, body.RootElement, cancellation);
    }

    static async Task<Written> CreateAsync(WriteSession session, ResourcePath path, JsonElement body, WriteRequest request, CancellationToken cancellation)
    {
        EntityRow? parent = null;
        if (path.Via is { } via)
        {
            parent = await EntityRow.FindAsync(session, path.Parent, cancellation) ?? throw SensorThingsException.NotFound();
            if (path.Set != Model.Observations && via.Joint is null or { Place: not null }) throw NotAllowed(request, "make the entity in its own set");
        }
        var draft = EntityDraft.Read(path.Set, body, "", new DraftContext(session.References, Deep: true));
        if (draft.IsReference && parent is not null)
        {
            // FROST's clients link so; the standard has POST …/$ref for it.
            var target = await CreateEntities.ReferencedAsync(session, draft, cancellation);
            await Links.AddAsync(session, path.Parent.Set, parent, path.Via!, [target], cancellation);
            return new Written(201, path.Set) { Id = target.Id };
        }
        var answer = new Written(201, path.Set);
        if (path.Set == Model.Observations)
        {
            await WriteObservations.CreateAsync(session, draft, parent is null ? null : (path.Parent.Set, parent), answer, cancellation);
            return answer;
        }
        var made = await CreateEntities.CreateAsync(session, draft, parent is null ? null : new(path.Parent.Set, parent, path.Via!), parent?.Dataset, cancellation);
        answer.Id = made.Id;
        return answer;
    }

    /// <summary>Links alone: POST and DELETE of <c>…/Locations/$ref</c>, PUT of <c>…/Sensor/$ref</c> (OData 4.0 part 1, section 11.4.6).</summary>
    async Task<Written> WriteLinkAsync(WriteSession session, ResourcePath path, WriteRequest request, CancellationToken cancellation)
    {
        if (path.Via is not { Joint: { Place: null } joint } via) throw NotAllowed(request, "there is no such link to change");
        var parent = await EntityRow.FindAsync(session, path.Parent, cancellation) ?? throw SensorThingsException.NotFound();
        switch (request.Method)
        {
            case "POST" when via.Many && !path.IsSingle:
                await Links.AddAsync(session, path.Parent.Set, parent, via, [await TargetAsync(session, path.Set, request, cancellation)], cancellation);
                return new Written(204);
            case "PUT" when !via.Many:
                var target = await TargetAsync(session, path.Set, request, cancellation);
                await Links.MoveOverAsync(session, path.Parent.Set, parent, joint.Column, target, path.Set == Model.Things ? target : null, cancellation);
                return new Written(204);
            case "DELETE" when via.Many:
                var row = path.IsSingle ? await EntityRow.FindAsync(session, path, cancellation) : await TargetAsync(session, path.Set, request, cancellation);
                return row is not null && await Links.RemoveAsync(session, path.Parent.Set, parent, via, row, cancellation) ? new Written(204) : throw SensorThingsException.NotFound();
            default: throw NotAllowed(request, "POST and DELETE change links of collections, PUT a single one");
        }
    }

    /// <summary>The entity that a link's body names: <c>{"@iot.id":1}</c> or <c>{"@id":"…/Locations(1)"}</c>; of DELETE, <c>?$id=…/Locations(1)</c>.</summary>
    static async Task<EntityRow> TargetAsync(WriteSession session, EntitySet set, WriteRequest request, CancellationToken cancellation)
    {
        string? address = null;
        if (request.Method == "DELETE") address = LinkIn(request.Query) ?? throw new SensorThingsException(400, "name the link to take away: ?$id=…");
        else
        {
            using var body = JsonDocuments.Parse(request.Body);
            if (body.RootElement.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, "the body must be a JSON object, e.g. {\"@iot.id\":1}");
            foreach (var name in new[] { "@iot.selfLink", "@odata.id", "@id" })
                if (body.RootElement.TryGetProperty(name, out var link) && link.ValueKind == JsonValueKind.String) address = link.GetString();
            if (address is null)
            {
                var draft = EntityDraft.Read(set, body.RootElement, "", new DraftContext(session.References, Deep: true));
                return draft.IsReference ? await CreateEntities.ReferencedAsync(session, draft, cancellation) : throw new SensorThingsException(400, "a link has an '@iot.id' or an '@id' alone");
            }
        }
        var place = address.LastIndexOf("/v1.1/", StringComparison.Ordinal);
        var path = ResourcePath.Parse(Uri.UnescapeDataString(place < 0 ? address.TrimStart('/') : address[(place + 6)..]));
        return path.Set == set && path is { IsSingle: true, Property.Length: 0 }
            ? await EntityRow.FindAsync(session, path, cancellation) ?? throw new SensorThingsException(400, $"there is no such entity in {set.Name}")
            : throw new SensorThingsException(400, $"the link must lead to one of {set.Name}");
    }

    static string? LinkIn(string query) => query.TrimStart('?').Split('&')
        .Where(part => part.StartsWith("$id=", StringComparison.Ordinal) || part.StartsWith("%24id=", StringComparison.OrdinalIgnoreCase))
        .Select(part => Uri.UnescapeDataString(part[(part.IndexOf('=', StringComparison.Ordinal) + 1)..])).FirstOrDefault();

    static SensorThingsException NotAllowed(WriteRequest request, string instead) => new(405, $"{request.Method} is not for '{request.Path}': {instead}");

    /// <summary>Commits, and does what follows. Afterwards all answers have their ids; an Observation whose Datastream is gone meanwhile has none.</summary>
    public async Task CommitAsync(WriteSession session, CancellationToken cancellation)
    {
        await session.CommitAsync(cancellation);
        using var aftermath = new CancellationTokenSource(LongestAftermath);
        if (session.Changes.Count > 0) datastreams.Forget(session.Municipality);
        if (session.NeedsDatasets) neededDatasets.Wake(session.Municipality);
        if (session.Commands.Count > 0) commands.Wake(session.Municipality);
        if (session.Observations.Count > 0)
        {
            var ids = await observations.TakeAsync(session.Municipality, session.Rights.Access, session.Observations.ConvertAll(pending => pending.Posted), aftermath.Token);
            for (var i = 0; i < ids.Length; i++)
                if (session.Observations[i].Answer is { } answer && ids[i] is { } id) answer.Id = new(id, false);
        }
        await changes.TellAsync(session.Municipality, session.Changes, aftermath.Token);
    }

    /// <summary>The entity that was made or changed, as GET gives it; null if it is gone already.</summary>
    public async Task<byte[]?> ReadAsync(string municipality, WriteRights rights, string root, Written written, CancellationToken cancellation)
    {
        if (written.Set is null || written.Id.Text is null) return null;
        using var reader = new EntityReader(databases.Of(municipality), rights.Access, root, options.LongestRead);
        try
        {
            await reader.ReadAsync(ResourcePath.Parse($"{written.Set.Name}('{written.Id.Text.Replace("'", "''", StringComparison.Ordinal)}')"), QueryOptions.Parse(""), cancellation);
        }
        catch (SensorThingsException fault) when (fault.Status == 404)
        {
            return null;
        }
        return reader.EntityBytes();
    }
}
