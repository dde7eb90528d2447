using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Allmende.Platform.Security;

/// <summary><c>/internal</c> is for the platform's own services: they show the shared key. Anybody else learns nothing, not even that it exists.</summary>
sealed class InternalRequests(RequestDelegate next, PlatformOptions options)
{
    /// <summary>Carries the shared key.</summary>
    public const string Header = "X-Internal-Key";

    readonly byte[] key = SHA256.HashData(Encoding.UTF8.GetBytes(options.InternalKey));

    public Task InvokeAsync(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments("/internal", StringComparison.OrdinalIgnoreCase)) return next(context);
        var shown = SHA256.HashData(Encoding.UTF8.GetBytes(context.Request.Headers[Header].ToString()));
        return CryptographicOperations.FixedTimeEquals(shown, key) ? next(context) : PlatformErrors.NotFound.Problem().ExecuteAsync(context);
    }
}
