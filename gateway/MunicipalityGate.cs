using System.Globalization;
using System.Threading.RateLimiting;
using Allmende.Platform;

namespace Allmende.Gateway;

/// <summary>Nobody gets to a service for a municipality that does not exist, and none takes the others' share.</summary>
sealed class MunicipalityGate(RequestDelegate next, Municipalities municipalities, MunicipalityLimits limits)
{
    /// <summary>Requests that are no municipality's share this one.</summary>
    const string Installation = "";

    static readonly ApiError TooMany = new("too_many_requests", 429, "There were too many requests");

    public async Task InvokeAsync(HttpContext context)
    {
        var municipality = context.GetRouteValue(RouteTable.Municipality) as string;
        if (municipality is not null && municipalities.Find(municipality) is null && await municipalities.FindAsync(municipality, context.RequestAborted) is null)
        {
            // Who mistyped a town's name in a browser is told by a page, which is Dashboards'; it counts as nobody's request.
            if (context.GetReverseProxyFeature().Route.Config.ClusterId != RouteTable.Pages)
            {
                await PlatformErrors.NotFound.Problem($"There is no municipality '{municipality}' here.").ExecuteAsync(context);
                return;
            }
            municipality = null;
        }
        using var lease = limits.Ask(municipality ?? Installation);
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }
        context.Response.Headers.RetryAfter = MunicipalityLimits.TryAgainAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        await TooMany.Problem("Send less at a time, or again a little later.").ExecuteAsync(context);
    }
}

/// <summary>One token bucket per municipality: a steady rate, and twice that for a moment.</summary>
sealed class MunicipalityLimits(GatewayOptions options) : IDisposable
{
    static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    /// <summary>When there is room again.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(1);

    readonly PartitionedRateLimiter<string> buckets = PartitionedRateLimiter.Create<string, string>(municipality =>
        RateLimitPartition.GetTokenBucketLimiter(municipality, id => new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.RateOf(id) * 2,
            TokensPerPeriod = Math.Max(1, (int)(options.RateOf(id) * Period.TotalSeconds)),
            ReplenishmentPeriod = options.RateOf(id) >= 10 ? Period : TimeSpan.FromSeconds(1.0 / options.RateOf(id)),
            AutoReplenishment = true,
        }));

    public RateLimitLease Ask(string municipality) => buckets.AttemptAcquire(municipality);

    public void Dispose() => buckets.Dispose();
}
