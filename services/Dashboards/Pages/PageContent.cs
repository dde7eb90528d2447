using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace Allmende.Dashboards.Pages;

/// <summary>Filling templates, and answering with content that is asked for again only to learn that it did not change.</summary>
static partial class PageContent
{
    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Slot();

    /// <summary>Puts values into <c>{{slots}}</c>, encoded for HTML text and attributes.</summary>
    public static string Fill(string template, IReadOnlyDictionary<string, string> values) =>
        Slot().Replace(template, slot => WebUtility.HtmlEncode(values[slot.Groups[1].Value]));

    /// <summary>An answer with ETag; <paramref name="cacheControl"/> is <c>no-cache</c> unless the address names the version.</summary>
    public static IResult Answer(HttpContext context, string content, string contentType, string cacheControl = "no-cache", int status = 200)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        context.Response.Headers.CacheControl = cacheControl;
        if (status == 200) return Results.Bytes(bytes, contentType, entityTag: new EntityTagHeaderValue($"\"{Version(bytes)}\""));
        context.Response.StatusCode = status;
        return Results.Text(bytes, contentType, status);
    }

    /// <summary>For content that is linked with its version: kept for ever where the address names this very version.</summary>
    public static IResult AnswerVersioned(HttpContext context, string content, string contentType) =>
        Answer(context, content, contentType, context.Request.Query["v"] == VersionOf(content) ? "public, max-age=31536000, immutable" : "no-cache");

    /// <summary>A base map, compressed for whoever takes that; kept for ever where the address names this very version.</summary>
    public static IResult AnswerCompressed(HttpContext context, BaseMap map, string contentType)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = context.Request.Query["v"] == map.Version ? "public, max-age=31536000, immutable" : "no-cache";
        headers.Vary = HeaderNames.AcceptEncoding;
        var accepted = StringWithQualityHeaderValue.TryParseList(context.Request.Headers.AcceptEncoding, out var list) ? list : [];
        var compressed = accepted.Any(value => value.Value == "gzip" && value.Quality is not 0);
        if (compressed) headers.ContentEncoding = "gzip";
        return Results.Bytes(compressed ? map.Compressed : map.Content, contentType,
            entityTag: new EntityTagHeaderValue(compressed ? $"\"{map.Version}.gz\"" : $"\"{map.Version}\""));
    }

    /// <summary>A short name of a content, for its address.</summary>
    public static string VersionOf(string content) => Version(Encoding.UTF8.GetBytes(content));

    static string Version(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
}
