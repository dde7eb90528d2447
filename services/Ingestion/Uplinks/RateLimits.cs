namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// How many uplinks a municipality and a device may send, and how soon who sends more is told so. Beyond the first refusals of a second the answer itself is held
/// back: whoever floods has his connections wait, one after the other, instead of having the processors refuse him, so that a flood costs less than what is taken.
/// </summary>
sealed class RateLimits(IngestionOptions options) : IDisposable
{
    readonly TokenBuckets<string> municipalities = new(options.RateOf);
    readonly TokenBuckets<(string Municipality, string Device)> devices = new(device => options.DeviceRateOf(device.Municipality));
    readonly TokenBuckets<string> refusals = new(_ => options.RefusalRate);

    /// <summary>Takes one of the municipality's; false if there is none left.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="wait">When there will be one.</param>
    /// <param name="credit">How far ahead its sender may live, who can be made to rest for it: <see cref="RestOf"/>.</param>
    public bool TryTake(string municipality, out TimeSpan wait, TimeSpan credit = default) => municipalities.TryTake(municipality, credit, out wait);

    /// <summary>Takes one of the device's.</summary>
    public bool TryTake(string municipality, string device, out TimeSpan wait, TimeSpan credit = default) => devices.TryTake((municipality, device), credit, out wait);

    /// <summary>When the device has one again; zero if it has.</summary>
    public TimeSpan WaitOf(string municipality, string device) => devices.WaitOf((municipality, device));

    /// <summary>How long a sender who lives ahead should rest: until both have one again.</summary>
    public TimeSpan RestOf(string municipality, string device) => municipalities.WaitOf(municipality) is var own && devices.WaitOf((municipality, device)) is var its && own > its ? own : its;

    /// <summary>What a device was refused does not count as its municipality's: it would be its fellow devices that pay.</summary>
    public void GiveBack(string municipality) => municipalities.GiveBack(municipality);

    /// <summary>How long the next refusal of the municipality is to be held back.</summary>
    public TimeSpan HoldOf(string municipality) => refusals.TryTake(municipality, options.LongestHold, out var hold) ? hold : options.LongestHold;

    public void Dispose()
    {
        municipalities.Dispose();
        devices.Dispose();
        refusals.Dispose();
    }
}
