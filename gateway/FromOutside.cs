using Allmende.Platform;

namespace Allmende.Gateway;

/// <summary>
/// What comes from outside decides nothing that is decided inside: headers in which services trust each other or this gateway are removed,
/// and the services' own doors do not exist here.
/// </summary>
sealed class FromOutside(RequestDelegate next, PlatformOptions platform, GatewayOptions options)
{
    static readonly string[] Trusted = ["X-Internal-Key", "X-Municipality", "Forwarded", "X-Real-IP", "X-Original-URL", "X-Original-Host", "X-Rewrite-URL"];
    static readonly string[] NotOutside = ["/internal", "/metrics", "/dapr"];

    readonly string publicScheme = new Uri(platform.PublicUrl).Scheme;

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        foreach (var name in Trusted) headers.Remove(name);
        foreach (var name in headers.Keys.Where(name => name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)).ToList()) headers.Remove(name);
        // Where TLS ends before this process, clients still see https.
        context.Request.Scheme = publicScheme;
        context.Response.Headers.XContentTypeOptions = "nosniff";

        foreach (var path in NotOutside)
            if (context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)) return PlatformErrors.NotFound.Problem().ExecuteAsync(context);
        return context.Request.ContentLength > options.MaxBodyBytes
            ? PlatformErrors.TooLarge.Problem($"At most {options.MaxBodyBytes} bytes are taken.").ExecuteAsync(context)
            : next(context);
    }
}
