using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Allmende.Observations.SensorThings.Batch;

/// <summary>Writes the answers of a batch as they come.</summary>
interface IBatchWriter
{
    string ContentType { get; }

    Task BeginAsync(CancellationToken cancellation);

    Task WriteAsync(BatchGroup group, IReadOnlyList<BatchAnswer> answers, CancellationToken cancellation);

    Task EndAsync(CancellationToken cancellation);
}

/// <summary>Batches as <c>multipart/mixed</c> of <c>application/http</c> (OGC 18-088 section 11, OData 4.0 part 1 section 11.7). Lines may end with LF alone.</summary>
static class MultipartBatch
{
    /// <summary>Reads the requests. A part that is broken is told of when its turn comes; a body that has no parts is refused whole.</summary>
    /// <param name="body">The body.</param>
    /// <param name="contentType">Its type with the boundary.</param>
    /// <param name="most">Most requests.</param>
    public static List<BatchGroup> Read(ReadOnlyMemory<byte> body, string contentType, int most)
    {
        var groups = new List<BatchGroup>();
        var count = 0;
        foreach (var part in Split(body, BoundaryOf(contentType), "the batch"))
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"part {groups.Count + 1}");
            var (headers, content, fault) = ReadHeaders(part);
            groups.Add(fault is not null ? new BatchGroup([BatchPart.Broken(null, place, fault)], false)
                : Type(headers) == "multipart/mixed" ? new BatchGroup(ReadChangeSet(content, headers, place), true)
                : new BatchGroup([ReadRequest(content, headers, place)], false));
            count += groups[^1].Parts.Count;
            if (count > most) throw new SensorThingsException(413, $"a batch has at most {most} requests; {place} goes beyond");
        }
        return groups.Count > 0 ? groups : throw new SensorThingsException(400, "the batch has no parts");
    }

    static List<BatchPart> ReadChangeSet(ReadOnlyMemory<byte> content, Dictionary<string, string> headers, string place)
    {
        try
        {
            var parts = new List<BatchPart>();
            foreach (var part in Split(content, BoundaryOf(headers["content-type"]), place))
            {
                var inner = string.Create(CultureInfo.InvariantCulture, $"{place}.{parts.Count + 1}");
                var (innerHeaders, innerContent, fault) = ReadHeaders(part);
                parts.Add(fault is not null ? BatchPart.Broken(null, inner, fault)
                    : Type(innerHeaders) == "multipart/mixed" ? BatchPart.Broken(null, inner, "a change set holds requests, not further change sets")
                    : ReadRequest(innerContent, innerHeaders, inner));
            }
            return parts.Count > 0 ? parts : [BatchPart.Broken(null, place, "the change set is empty")];
        }
        catch (SensorThingsException fault) when (fault.Status == 400)
        {
            return [BatchPart.Broken(null, place, fault.Message)];
        }
    }

    static string BoundaryOf(string contentType)
    {
        foreach (var parameter in contentType.Split(';').Skip(1))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && parameter[..equals].Trim().Equals("boundary", StringComparison.OrdinalIgnoreCase)
                && parameter[(equals + 1)..].Trim().Trim('"') is { Length: > 0 and <= 200 } boundary) return boundary;
        }
        throw new SensorThingsException(400, "multipart/mixed needs a boundary of at most 200 characters");
    }

    /// <summary>What stands between the delimiters; the line end before a delimiter is the delimiter's.</summary>
    static List<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> body, string boundary, string place)
    {
        var delimiter = Encoding.UTF8.GetBytes("--" + boundary);
        var parts = new List<ReadOnlyMemory<byte>>();
        int? start = null;
        for (var at = 0; at < body.Length;)
        {
            var line = body.Span[at..];
            var end = line.IndexOf((byte)'\n');
            var next = end < 0 ? body.Length : at + end + 1;
            if (line.StartsWith(delimiter) && IsDelimiter(line[delimiter.Length..(next - at)], out var closing))
            {
                if (start is { } from) parts.Add(WithoutLineEnd(body[from..at]));
                if (parts.Count > BatchLimits.MostParts) throw new SensorThingsException(413, $"{place} has more than {BatchLimits.MostParts} parts");
                if (closing) return parts;
                start = next;
            }
            at = next;
        }
        throw new SensorThingsException(400, start is null
            ? $"{place} has no line '--{boundary}'"
            : string.Create(CultureInfo.InvariantCulture, $"{place} ends within its part {parts.Count + 1}: the line '--{boundary}--' is missing"));
    }

    static bool IsDelimiter(ReadOnlySpan<byte> rest, out bool closing)
    {
        closing = rest.StartsWith("--"u8);
        return (closing ? rest[2..] : rest).Trim(" \t\r\n"u8).IsEmpty;
    }

    static ReadOnlyMemory<byte> WithoutLineEnd(ReadOnlyMemory<byte> content) =>
        content.Span.EndsWith("\r\n"u8) ? content[..^2] : content.Span.EndsWith("\n"u8) ? content[..^1] : content;

    /// <summary>Header lines up to the empty one; what follows is the content.</summary>
    static (Dictionary<string, string> Headers, ReadOnlyMemory<byte> Content, string? Fault) ReadHeaders(ReadOnlyMemory<byte> part)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var at = 0;
        while (at < part.Length)
        {
            var end = part.Span[at..].IndexOf((byte)'\n');
            if ((end < 0 ? part.Length : at + end) > BatchLimits.LongestHeader) return (headers, default, $"its header lines are longer than {BatchLimits.LongestHeader} bytes");
            var line = Encoding.UTF8.GetString(part.Span[at..(end < 0 ? part.Length : at + end)]).TrimEnd('\r');
            at = end < 0 ? part.Length : at + end + 1;
            if (line.Length == 0) return (headers, part[at..], null);
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.Any(char.IsControl)) return (headers, default, $"'{(line.Length > 60 ? line[..60] + "…" : line)}' is no header line");
            headers[line[..colon].Trim()] = line[(colon + 1)..].Trim();
        }
        return (headers, default, null);
    }

    static string Type(Dictionary<string, string> headers) =>
        headers.TryGetValue("content-type", out var type) ? type.Split(';')[0].Trim().ToLowerInvariant() : "";

    static BatchPart ReadRequest(ReadOnlyMemory<byte> content, Dictionary<string, string> headers, string place)
    {
        var id = headers.GetValueOrDefault("content-id")?.Trim('<', '>');
        if (Type(headers) != "application/http") return BatchPart.Broken(id, place, "its Content-Type must be application/http, or multipart/mixed for a change set");
        while (content.Span.StartsWith("\r\n"u8) || content.Span.StartsWith("\n"u8)) content = content[(content.Span[0] == '\r' ? 2 : 1)..];
        var end = content.Span.IndexOf((byte)'\n');
        var line = Encoding.UTF8.GetString(end < 0 ? content.Span : content.Span[..end]).Trim();
        var first = line.IndexOf(' ', StringComparison.Ordinal);
        if (first <= 0 || line.Any(char.IsControl)) return BatchPart.Broken(id, place, "it has no request line, e.g. 'GET Things(1) HTTP/1.1'");
        var url = line[first..];
        var version = url.LastIndexOf(" HTTP/", StringComparison.OrdinalIgnoreCase);
        url = (version >= 0 ? url[..version] : url).Trim();
        if (url.Length == 0) return BatchPart.Broken(id, place, "its request line has no address");
        var (requestHeaders, body, fault) = ReadHeaders(end < 0 ? default : content[(end + 1)..]);
        if (fault is not null) return BatchPart.Broken(id, place, fault);
        return new BatchPart(id, place, line[..first].ToUpperInvariant(), url, requestHeaders.GetValueOrDefault("content-type"), body, []);
    }
}

/// <summary>Answers as <c>multipart/mixed</c>.</summary>
sealed class MultipartBatchWriter(HttpResponse response) : IBatchWriter
{
    readonly string boundary = "batch_" + Guid.NewGuid().ToString("N");

    public string ContentType => "multipart/mixed; boundary=" + boundary;

    public Task BeginAsync(CancellationToken cancellation) => Task.CompletedTask;

    public async Task WriteAsync(BatchGroup group, IReadOnlyList<BatchAnswer> answers, CancellationToken cancellation)
    {
        await TextAsync($"--{boundary}\r\n", cancellation);
        // A change set that failed has one answer: why.
        if (!group.IsChangeSet || answers.Any(answer => answer.Failed))
        {
            var told = Math.Max(0, answers.ToList().FindIndex(answer => answer.Failed && answer.Status != StatusCodes.Status424FailedDependency));
            await AnswerAsync(group.Parts[told].Id, answers[told], cancellation);
            return;
        }
        var inner = "changeset_" + Guid.NewGuid().ToString("N");
        await TextAsync($"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n", cancellation);
        for (var i = 0; i < answers.Count; i++)
        {
            await TextAsync($"--{inner}\r\n", cancellation);
            await AnswerAsync(group.Parts[i].Id, answers[i], cancellation);
        }
        await TextAsync($"--{inner}--\r\n", cancellation);
    }

    public Task EndAsync(CancellationToken cancellation) => TextAsync($"--{boundary}--\r\n", cancellation);

    async Task AnswerAsync(string? id, BatchAnswer answer, CancellationToken cancellation)
    {
        var head = new StringBuilder("Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
        if (id is not null) head.Append("Content-ID: ").Append(id).Append("\r\n");
        head.Append(CultureInfo.InvariantCulture, $"\r\nHTTP/1.1 {answer.Status} {ReasonPhrases.GetReasonPhrase(answer.Status)}\r\n");
        if (answer.Location is { } location) head.Append("Location: ").Append(location).Append("\r\n");
        if (answer.Body.Length > 0) head.Append("Content-Type: ").Append(answer.ContentType ?? "application/json").Append("\r\n");
        head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.Body.Length}\r\n\r\n");
        await TextAsync(head.ToString(), cancellation);
        await response.BodyWriter.WriteAsync(answer.Body, cancellation);
        await TextAsync("\r\n", cancellation);
    }

    async Task TextAsync(string text, CancellationToken cancellation) => await response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);
}
