namespace Allmende.Dashboards;

/// <summary>
/// What a page may do: run this installation's own scripts and nothing else. No inline script or style, no foreign origin but those
/// of a configured map.
/// </summary>
sealed class SecurityHeaders(DashboardsOptions options) : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Policy(http.GetRouteValue("town") is string town ? options.Of(town) : options);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(self), payment=()";
        return next(context);
    }

    /// <summary>The Content-Security-Policy of a page with this map. <c>data:</c> and <c>blob:</c> images are MapLibre's signs and decoded sprites.</summary>
    internal static string Policy(PortalOptions portal)
    {
        var map = string.Concat(portal.ForeignOrigins().Distinct().Select(origin => " " + origin));
        return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; worker-src 'self'; "
             + $"connect-src 'self'{map}; img-src 'self' data: blob:{map}; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
    }
}
