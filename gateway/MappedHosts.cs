namespace Allmende.Gateway;

/// <summary>
/// A host that stands for a municipality: <c>https://daten.musterstadt.example/devices</c> is <c>/musterstadt/devices</c>.
/// Addresses with the id, as links have them, and what belongs to the installation stay as they are.
/// </summary>
sealed class MappedHosts(RequestDelegate next, GatewayOptions options)
{
    static readonly string[] OfInstallation = ["/assets", "/realms", "/openapi", "/health"];

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (options.Hosts.Count > 0 && options.Hosts.TryGetValue(request.Host.Host, out var municipality)
            && !request.Path.StartsWithSegments("/" + municipality) && !OfInstallation.Any(path => request.Path.StartsWithSegments(path)))
            request.Path = $"/{municipality}{request.Path}";
        return next(context);
    }
}
