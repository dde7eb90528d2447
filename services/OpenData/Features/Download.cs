using System.Text.Json;
using Allmende.OpenData.Upstream;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;

namespace Allmende.OpenData.Features;

/// <summary>What all downloads have in common: rights, headers, and an end that a client can tell from a break.</summary>
static partial class Download
{
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>Whoever may not see the dataset gets the answer for one that does not exist. Both services are asked: the stricter one counts.</summary>
    public static async Task<IResult?> RefuseAsync(this HttpContext context, string municipality, string dataset, DatasetStore datasets) =>
        await datasets.IsHiddenAsync(municipality, context.VisibleAccess(), dataset, context.RequestAborted) ? PlatformErrors.NotFound.Problem() : null;

    /// <summary>Sets the headers of a download.</summary>
    /// <param name="context">The request.</param>
    /// <param name="lines">What is sent on.</param>
    /// <param name="mediaType">Of the download.</param>
    /// <param name="fileName">As what it is saved; null for answers to programs.</param>
    /// <param name="isPast">The wanted time is over, so that it changes only by what arrives late.</param>
    /// <returns>False if that is the whole answer (HEAD, not modified).</returns>
    public static bool Begin(this HttpContext context, Lines lines, string mediaType, string? fileName, bool isPast)
    {
        var response = context.Response;
        var headers = response.GetTypedHeaders();
        var isPublic = !context.Request.Headers.ContainsKey(HeaderNames.Authorization) && !context.Request.Headers.ContainsKey("X-Api-Key");
        response.Headers.CacheControl = isPublic ? $"public, max-age={(isPast ? 3600 : 60)}" : "private, no-store";
        response.Headers.Vary = "Authorization, X-Api-Key";
        response.Headers.XContentTypeOptions = "nosniff";
        if (lines.EntityTag is { } tag) response.Headers.ETag = tag;
        if (lines.LastModified is { } modified) headers.LastModified = modified;
        if (lines.NotModified)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return false;
        }
        response.ContentType = mediaType;
        if (fileName is not null)
        {
            var disposition = new ContentDispositionHeaderValue("attachment");
            disposition.SetHttpFileName(fileName);
            headers.ContentDisposition = disposition;
        }
        return !HttpMethods.IsHead(context.Request.Method);
    }

    /// <summary>Runs what writes the body. If it breaks, the connection is cut, so that nobody takes half a file for the whole.</summary>
    public static async Task WriteAsync(this HttpContext context, string format, Func<CancellationToken, Task> write)
    {
        var options = context.RequestServices.GetRequiredService<OpenDataOptions>();
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = new MinDataRate(options.SlowestBytesPerSecond, Grace);
        var outcome = "complete";
        try
        {
            await write(context.RequestAborted);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            outcome = "abandoned";
        }
        catch (Exception fault) when (Infrastructure.IsAtFault(fault) || fault is JsonException)
        {
            outcome = "failed";
            LogBroken(context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Allmende.OpenData.Download"), format, fault);
            context.Abort();
        }
        Telemetry.Exports.Add(1, new("format", format), new("outcome", outcome));
    }

    [LoggerMessage(700, LogLevel.Error, "a download ({Format}) broke off")]
    static partial void LogBroken(ILogger logger, string format, Exception fault);
}
