namespace Allmende.Catalog;

/// <summary>What the public sees may be kept for a minute by whoever is in between; what only some see, by nobody.</summary>
static class Caching
{
    public static void Allow(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = context.User.Identity?.IsAuthenticated == true ? "private, no-store" : "public, max-age=60";
        headers.Vary = "Authorization, X-Api-Key";
    }
}
