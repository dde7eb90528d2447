using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Batch;

/// <summary>One request of a batch.</summary>
/// <param name="Id">Content-ID or id; what others refer to it by.</param>
/// <param name="Place">Where it stands, for faults: <c>part 2</c>, <c>part 3.1</c>, <c>requests[0]</c>.</param>
/// <param name="Method">In capitals.</param>
/// <param name="Url">As it was given.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">The body.</param>
/// <param name="DependsOn">Requests without which this one is not done.</param>
/// <param name="Fault">Why it cannot be read; then the rest is empty.</param>
sealed record BatchPart(
    string? Id, string Place, string Method, string Url, string? ContentType, ReadOnlyMemory<byte> Body, IReadOnlyList<string> DependsOn, SensorThingsException? Fault = null)
{
    public static BatchPart Broken(string? id, string place, string what) => new(id, place, "", "", null, default, [], new SensorThingsException(400, $"{place}: {what}"));
}

/// <summary>A request of its own, or a change set: all of it or nothing.</summary>
sealed record BatchGroup(IReadOnlyList<BatchPart> Parts, bool IsChangeSet);

/// <summary>What a request of a batch is answered with.</summary>
sealed record BatchAnswer(int Status, string? Location, string? ContentType, ReadOnlyMemory<byte> Body)
{
    public static BatchAnswer Of(int status, string message) => new(status, null, "application/json", FaultJson.Of(status, message));

    public bool Failed => Status >= 400;
}

/// <summary>Limits of a batch.</summary>
static class BatchLimits
{
    public const int MostParts = 1_000;
    /// <summary>Of somebody who may only read.</summary>
    public const int MostPartsOfReaders = 100;
    /// <summary>Bytes of the header lines of a part.</summary>
    public const int LongestHeader = 8 * 1024;
}

/// <summary>Addresses in a batch: absolute, from the host, from the service, or from an entity that the batch has made.</summary>
static class BatchAddress
{
    /// <summary>What follows <c>/v1.1/</c>, unescaped, and the query.</summary>
    /// <exception cref="SensorThingsException">400 if it leads elsewhere.</exception>
    public static (string Path, string Query) Resolve(string url, string municipality, Func<string, Written?> references)
    {
        var question = url.IndexOf('?', StringComparison.Ordinal);
        var query = question < 0 ? "" : url[question..];
        var path = question < 0 ? url : url[..question];
        if (path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            var slash = path.IndexOf('/', path.IndexOf("//", StringComparison.Ordinal) + 2);
            path = slash < 0 ? "" : path[slash..];
        }
        // A municipality's own host shows its services without the municipality; FROST's clients may write the version alone.
        foreach (var prefix in new[] { $"/{municipality}/sta/v1.1/", "/sta/v1.1/", "/v1.1/" })
            if (path.StartsWith(prefix, StringComparison.Ordinal)) return (Referred(Uri.UnescapeDataString(path[prefix.Length..]), references), query);
        path = path.TrimStart('/');
        if (path.Contains("/v1.1/", StringComparison.Ordinal)) throw new SensorThingsException(400, $"'{Short(url)}' leads out of this service");
        return (Referred(Uri.UnescapeDataString(path), references), query);
    }

    /// <summary><c>$1/Datastreams</c> (OData) and <c>Things($1)/Datastreams</c> (FROST).</summary>
    static string Referred(string path, Func<string, Written?> references)
    {
        if (path.StartsWith('$'))
        {
            var end = path.IndexOf('/', StringComparison.Ordinal);
            var name = end < 0 ? path[1..] : path[1..end];
            return references(name) is { Set: { } set, Id.Text: { } made }
                ? $"{set.Name}({Quoted(made)}){(end < 0 ? "" : path[end..])}"
                : throw new SensorThingsException(400, $"nothing was made by '${Short(name)}' before");
        }
        var open = path.IndexOf("($", StringComparison.Ordinal);
        var close = open < 0 ? -1 : path.IndexOf(')', open);
        if (close < 0) return path;
        return references(path[(open + 2)..close]) is { Id.Text: { } id } ? $"{path[..open]}({Quoted(id)}{path[close..]}" : path;
    }

    static string Quoted(string id) => "'" + id.Replace("'", "''", StringComparison.Ordinal) + "'";

    static string Short(string text) => text.Length > 100 ? text[..100] + "…" : text;
}
