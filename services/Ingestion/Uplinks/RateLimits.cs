using System.Threading.RateLimiting;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// How many uplinks a municipality and a device may send. Buckets exist for municipalities and devices that there are, so their number is bounded,
/// and those that rest are let go.
/// </summary>
sealed class RateLimits(IngestionOptions options) : IDisposable
{
    readonly PartitionedRateLimiter<string> municipalities =
        PartitionedRateLimiter.Create<string, string>(municipality => RateLimitPartition.GetTokenBucketLimiter(municipality, _ => Bucket(options.MunicipalityRate)));

    readonly PartitionedRateLimiter<(string Municipality, string Device)> devices =
        PartitionedRateLimiter.Create<(string, string), (string, string)>(device => RateLimitPartition.GetTokenBucketLimiter(device, _ => Bucket(options.DeviceRate)));

    /// <summary>Takes one; false if there is none left, and when there will be.</summary>
    public bool TryTake(string municipality, out TimeSpan retryAfter) => TryTake(municipalities, municipality, out retryAfter);

    /// <summary>Takes one of the device's.</summary>
    public bool TryTake(string municipality, string device, out TimeSpan retryAfter) => TryTake(devices, (municipality, device), out retryAfter);

    static bool TryTake<T>(PartitionedRateLimiter<T> limiter, T who, out TimeSpan retryAfter)
    {
        using var lease = limiter.AttemptAcquire(who);
        retryAfter = lease.IsAcquired || !lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? TimeSpan.Zero : wait;
        return lease.IsAcquired;
    }

    /// <summary>A tenth of a second's tokens at a time, or one each time that one is due where there are fewer.</summary>
    static TokenBucketRateLimiterOptions Bucket(RateOptions rate) => new()
    {
        TokenLimit = rate.Burst,
        TokensPerPeriod = Math.Max(1, rate.PerSecond / 10),
        ReplenishmentPeriod = rate.PerSecond >= 10 ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(1.0 / rate.PerSecond),
        AutoReplenishment = true,
        QueueLimit = 0,
    };

    public void Dispose()
    {
        municipalities.Dispose();
        devices.Dispose();
    }
}
