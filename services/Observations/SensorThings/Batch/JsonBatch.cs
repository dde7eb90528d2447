using System.Globalization;
using System.Text;
using System.Text.Json;
using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Batch;

/// <summary>Batches as JSON (OData JSON Format 4.01 section 19): <c>{"requests":[{"id","atomicityGroup","method","url","headers","body"}]}</c>.</summary>
static class JsonBatch
{
    /// <summary>Reads the requests; adjacent ones of one atomicityGroup are a change set.</summary>
    public static List<BatchGroup> Read(ReadOnlyMemory<byte> body, int most)
    {
        using var document = JsonDocuments.Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("requests", out var requests) || requests.ValueKind != JsonValueKind.Array)
            throw new SensorThingsException(400, "a batch is {\"requests\":[…]}");
        if (requests.GetArrayLength() > most) throw new SensorThingsException(413, $"a batch has at most {most} requests");
        var groups = new List<(List<BatchPart> Parts, string? Name)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var request in requests.EnumerateArray())
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"requests[{groups.Sum(group => group.Parts.Count)}]");
            var (part, name) = ReadPart(request, place);
            if (part.Id is { } id && !ids.Add(id)) part = BatchPart.Broken(id, place, $"another request has the id '{id}'");
            if (name is not null && groups.Count > 0 && groups[^1].Name == name)
            {
                groups[^1].Parts.Add(part);
                continue;
            }
            if (name is not null && !names.Add(name)) part = BatchPart.Broken(part.Id, place, $"requests of atomicityGroup '{name}' must follow one another");
            groups.Add(([part], name));
        }
        return groups.ConvertAll(group => new BatchGroup(group.Parts, group.Name is not null));
    }

    static (BatchPart Part, string? Group) ReadPart(JsonElement request, string place)
    {
        if (request.ValueKind != JsonValueKind.Object) return (BatchPart.Broken(null, place, "must be a JSON object"), null);
        var (id, group, method, url) = (Text(request, "id"), Text(request, "atomicityGroup"), Text(request, "method"), Text(request, "url"));
        if (string.IsNullOrEmpty(id)) return (BatchPart.Broken(null, place, "needs an 'id'"), group);
        if (string.IsNullOrEmpty(method)) return (BatchPart.Broken(id, place, "needs a 'method'"), group);
        if (string.IsNullOrEmpty(url)) return (BatchPart.Broken(id, place, "needs a 'url'"), group);
        string? contentType = null;
        if (request.TryGetProperty("headers", out var headers) && headers.ValueKind == JsonValueKind.Object)
            foreach (var header in headers.EnumerateObject())
                if (header.Name.Equals("content-type", StringComparison.OrdinalIgnoreCase) && header.Value.ValueKind == JsonValueKind.String) contentType = header.Value.GetString();
        var dependsOn = request.TryGetProperty("dependsOn", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!).ToList()
            : [];
        var content = request.TryGetProperty("body", out var given) ? Encoding.UTF8.GetBytes(given.GetRawText()) : [];
        return (new BatchPart(id, place, method.ToUpperInvariant(), url, contentType, content, dependsOn), group);
    }

    /// <summary>A text; ids are often given as numbers.</summary>
    static string? Text(JsonElement from, string name) => from.TryGetProperty(name, out var value)
        ? value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null }
        : null;
}

/// <summary>Answers as <c>{"responses":[{"id","status","location","headers","body"}]}</c>.</summary>
sealed class JsonBatchWriter(HttpResponse response) : IBatchWriter
{
    bool first = true;

    public string ContentType => "application/json; charset=utf-8";

    public async Task BeginAsync(CancellationToken cancellation) => await response.BodyWriter.WriteAsync("{\"responses\":["u8.ToArray(), cancellation);

    public async Task WriteAsync(BatchGroup group, IReadOnlyList<BatchAnswer> answers, CancellationToken cancellation)
    {
        for (var i = 0; i < answers.Count; i++) await WriteAsync(group.Parts[i].Id, answers[i], cancellation);
    }

    public async Task EndAsync(CancellationToken cancellation) => await response.BodyWriter.WriteAsync("]}"u8.ToArray(), cancellation);

    async Task WriteAsync(string? id, BatchAnswer answer, CancellationToken cancellation)
    {
        using var json = new JsonBuffer();
        if (!first) json.Raw(","u8);
        first = false;
        json.Raw("{\"id\":"u8);
        json.Text(id);
        json.Raw(",\"status\":"u8);
        json.Number((long)answer.Status);
        if (answer.Location is { } location)
        {
            json.Raw(",\"location\":"u8);
            json.Text(location);
        }
        if (answer.Body.Length > 0)
        {
            json.Raw(",\"headers\":{\"content-type\":"u8);
            json.Text(answer.ContentType);
            json.Raw("},\"body\":"u8);
            // What is no JSON ($value, CSV) stands as a text.
            if (answer.ContentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true) json.Raw(answer.Body.Span);
            else json.Text(Encoding.UTF8.GetString(answer.Body.Span));
        }
        json.Raw("}"u8);
        await response.BodyWriter.WriteAsync(json.Slice(0, json.Length).ToArray(), cancellation);
    }
}
