using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace Allmende.Platform;

/// <summary>
/// Answers 413 where a route takes less than what the body says it has, after reading the body to its end. Kestrel alone would answer and close at once;
/// the gateway, still sending, would then see a broken connection instead of the answer.
/// </summary>
sealed class RefuseLargeBodies(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var most = context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize;
        if (most is null || !(context.Request.ContentLength > most))
        {
            await next(context);
            return;
        }
        if (context.Request.ContentLength <= PlatformModule.LargestBody)
        {
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = PlatformModule.LargestBody;
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        }
        await PlatformErrors.TooLarge.Problem($"at most {most} bytes are taken here").ExecuteAsync(context);
    }
}
