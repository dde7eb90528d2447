using System.Collections.Frozen;
using Microsoft.Net.Http.Headers;

namespace Allmende.Dashboards;

/// <summary>
/// The built front end: page templates, and assets whose names carry the hash of their content. These never change, so they are kept for ever;
/// the build compressed them once, so nothing is compressed while people wait.
/// </summary>
sealed class FrontEnd
{
    static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>
    {
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".json"] = "application/json",
        [".png"] = "image/png",
        [".woff2"] = "font/woff2",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    readonly string folder;
    readonly FrozenSet<string> assets;

    /// <exception cref="DirectoryNotFoundException">The front end was not built.</exception>
    public FrontEnd(string folder)
    {
        this.folder = folder;
        // What exists is known from the start: a request is looked up here, and never becomes a path.
        assets = Directory.GetFiles(Path.Combine(folder, "assets")).Select(Path.GetFileName).ToFrozenSet(StringComparer.Ordinal)!;
    }

    /// <summary>A page as the front end's build wrote it.</summary>
    public string Template(string name) => File.ReadAllText(Path.Combine(folder, name));

    public IResult Serve(string file, HttpContext context)
    {
        if (!assets.Contains(file) || !ContentTypes.TryGetValue(Path.GetExtension(file), out var contentType)) return Pages.NotFoundPage.Answer(context);
        var headers = context.Response.Headers;
        headers.CacheControl = "public, max-age=31536000, immutable";
        headers.Vary = HeaderNames.AcceptEncoding;
        var (suffix, encoding) = Encoding(file, context.Request.Headers);
        if (encoding is not null) headers.ContentEncoding = encoding;
        return Results.File(Path.Combine(folder, "assets", file + suffix), contentType, entityTag: new EntityTagHeaderValue($"\"{Path.GetFileNameWithoutExtension(file)}{suffix}\""));
    }

    (string Suffix, string? Encoding) Encoding(string file, IHeaderDictionary request)
    {
        var accepted = StringWithQualityHeaderValue.TryParseList(request.AcceptEncoding, out var list) ? list : [];
        foreach (var (suffix, encoding) in new[] { (".br", "br"), (".gz", "gzip") })
            if (assets.Contains(file + suffix) && accepted.Any(value => value.Value == encoding && value.Quality is not 0)) return (suffix, encoding);
        return ("", null);
    }
}
