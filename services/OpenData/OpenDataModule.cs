using System.Threading.RateLimiting;
using Allmende.OpenData.Features;
using Allmende.OpenData.Ogc;
using Allmende.OpenData.Upstream;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Events;

namespace Allmende.OpenData;

/// <summary>The service's table of contents.</summary>
static class OpenDataModule
{
    const string Exports = "exports";

    public static void AddOpenData(this WebApplicationBuilder builder, PlatformOptions platform)
    {
        _ = platform.ServiceAddress(ObservationsClient.Service); // nothing can be published without it: fail at start
        var options = (builder.Configuration.GetSection("OpenData").Get<OpenDataOptions>() ?? new OpenDataOptions()).Validated();
        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(_ => new Migrations("opendata", typeof(OpenDataModule).Assembly));
        services.AddSingleton<DatasetStore>().AddSingleton<ObservationsClient>();
        services.AddEventHandler<FollowDatasets>();
        services.AddRateLimiter(limiter =>
        {
            // Each municipality has its own share: one town's harvest does not keep another's readers waiting.
            limiter.AddPolicy(Exports, context => RateLimitPartition.GetConcurrencyLimiter(context.GetRouteValue("municipality") as string ?? "",
                _ => new ConcurrencyLimiterOptions { PermitLimit = options.ConcurrentExports, QueueLimit = options.QueuedExports }));
            limiter.OnRejected = async (rejected, _) =>
            {
                rejected.HttpContext.Response.Headers.RetryAfter = "5";
                await OpenDataErrors.TooManyExports.Problem("try again in a few seconds").ExecuteAsync(rejected.HttpContext);
            };
        });
    }

    public static void MapOpenData(this WebApplication app)
    {
        app.UseRateLimiter();
        var exports = app.MapGroup("/{municipality}/export").WithTags("Export").RequireRateLimiting(Exports);
        ExportCsv.Map(exports);
        ExportGeoJson.Map(exports);

        var ogc = app.MapGroup("/{municipality}/ogc").WithTags("OGC API Features").RequireRateLimiting(Exports);
        LandingPage.Map(ogc);
        Collections.Map(ogc);
        Items.Map(ogc);
    }
}
