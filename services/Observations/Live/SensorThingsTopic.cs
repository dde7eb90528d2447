using System.Buffers;
using Allmende.Contracts;
using Allmende.Observations.SensorThings;
using Npgsql;

namespace Allmende.Observations.Live;

/// <summary>
/// A topic of SensorThings over MQTT (OGC 18-088 section 14.2): a resource path to a set, an entity or a property, and after a question mark perhaps
/// <c>$select</c>, <c>$filter</c>, <c>$expand</c>. What changed is read the way a GET is answered, so that formats, filters and rights are those of the API.
/// </summary>
sealed class SensorThingsTopic
{
    const int LongestTopic = 4_000;
    static readonly string[] Allowed = ["$select", "$filter", "$expand"];

    readonly ResourcePath path;
    readonly QueryOptions options;
    readonly (long Datastream, DateTime Time)? observation;

    SensorThingsTopic(string text, ResourcePath path, QueryOptions options)
    {
        (Text, this.path, this.options) = (text, path, options);
        if (path.Set == Model.Observations && path.Id is { } id && Ids.TryObservation(id, out var datastream, out var time)) observation = (datastream, time);
    }

    /// <summary>The topic as it was given.</summary>
    public string Text { get; }

    /// <summary>Parses what follows <c>v1.1/</c>.</summary>
    /// <exception cref="SensorThingsException">400 or 404: it is no topic.</exception>
    public static SensorThingsTopic Parse(string text)
    {
        if (text.Length > LongestTopic) throw new SensorThingsException(400, $"the topic has more than {LongestTopic} characters");
        var question = text.IndexOf('?', StringComparison.Ordinal);
        var path = ResourcePath.Parse(Uri.UnescapeDataString(question < 0 ? text : text[..question]));
        if (path.IsValue || path.IsReference) throw new SensorThingsException(400, "a topic leads to a set, an entity or a property");
        var options = QueryOptions.Parse(question < 0 ? "" : text[(question + 1)..]);
        if (options.Given.Find(option => !Allowed.Contains(option.Name)) is { Name: { } name }) throw new SensorThingsException(400, $"{name} has no meaning in a topic");
        if (path.Property is [var property, ..]) options.SelectOnly(property);
        return new SensorThingsTopic(text, path, options);
    }

    /// <summary>Throws what a GET of the path would.</summary>
    /// <exception cref="SensorThingsException">400: the options do not fit; 404: the path leads nowhere that may be seen.</exception>
    public async Task CheckAsync(NpgsqlDataSource database, string[] access, string root, TimeSpan longest, CancellationToken cancellation)
    {
        var none = path.Set == Model.Observations ? GivenEntities.Of(Array.Empty<(long, DateTime)>()) : GivenEntities.Of(Array.Empty<string>());
        using (var reader = new EntityReader(database, access, root, longest)) await reader.ReadGivenAsync(path, options, none, cancellation);
        using (var reader = new EntityReader(database, access, root, longest))
        {
            if (path.IsSingle) await reader.ReadAsync(path, new QueryOptions(), cancellation);
            else if (!await reader.HasParentAsync(path, cancellation)) throw SensorThingsException.NotFound();
        }
    }

    /// <summary>What of the batch may concern the topic, in pieces that one statement takes; the statement decides.</summary>
    public IEnumerable<GivenEntities> Concerning(LiveBatch batch, string[] access)
    {
        if (path.Set != Model.Observations)
            return batch.Changes.Where(change => change.Set == path.Set.Name && change.Change != EntityChange.Deleted && (path.Id is null || path.Id == change.Id))
                .Select(change => change.Id).Distinct(StringComparer.Ordinal).Chunk(1_000).Select(GivenEntities.Of);
        return batch.Observations.Where(one => access.Contains(one.Datastream.Access) && (path.DatastreamOfObservations is not { } id || id == one.Datastream.Id))
            .Select(one => (one.Datastream.Key, Time: Observation.Time(one.Observation.PhenomenonTime)))
            .Where(key => observation is null || observation == key).Distinct().Chunk(1_000).Select(GivenEntities.Of);
    }

    /// <summary>The payloads of what was given and the topic leads to, as a GET of each would have them.</summary>
    public async Task<List<ReadOnlyMemory<byte>>> ReadAsync(NpgsqlDataSource database, string[] access, string root, TimeSpan longest, GivenEntities given, CancellationToken cancellation)
    {
        using var reader = new EntityReader(database, access, root, longest);
        await reader.ReadGivenAsync(path, options, given, cancellation);
        var payloads = new List<ReadOnlyMemory<byte>>(reader.Top.Rows.Count);
        if (path.Property.Length > 0)
        {
            // Where a GET answers 204, there is nothing to tell.
            for (var i = 0; i < reader.Top.Rows.Count; i++)
                if (PropertyAnswer.Of(reader.EntityBytes(i), path.Property) is { } payload) payloads.Add(payload);
            return payloads;
        }
        var text = new ArrayBufferWriter<byte>();
        var ends = new List<int>(reader.Top.Rows.Count);
        for (var i = 0; i < reader.Top.Rows.Count; i++)
        {
            reader.WriteEntity(text, i);
            ends.Add(text.WrittenCount);
        }
        var start = 0;
        foreach (var end in ends)
        {
            payloads.Add(text.WrittenMemory[start..end]);
            start = end;
        }
        return payloads;
    }
}
