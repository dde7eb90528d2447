using Allmende.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Allmende.Platform.Security;

/// <summary>The municipality comes from the path alone. One that does not exist is 404 before anything else is asked.</summary>
sealed class MunicipalityInPath(RequestDelegate next, Municipalities municipalities)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetRouteValue("municipality") is string id && context.GetEndpoint() is not null && !context.Request.Path.StartsWithSegments("/internal"))
        {
            if (municipalities.Find(id) is null && await municipalities.FindAsync(id, context.RequestAborted) is null)
            {
                await PlatformErrors.NotFound.Problem($"there is no municipality '{id}' here").ExecuteAsync(context);
                return;
            }
        }
        await next(context);
    }
}

/// <summary>What handlers ask of the request's municipality.</summary>
public static class MunicipalityRequests
{
    /// <summary>The access classes that the caller may read in the path's municipality; a parameter of every query.</summary>
    public static string[] VisibleAccess(this HttpContext context) =>
        Access.VisibleTo(context.User, (string)context.GetRouteValue("municipality")!);
}
