namespace Allmende.Gateway;

/// <summary>What an installation may set at its door; section <c>Gateway</c>.</summary>
public sealed class GatewayOptions
{
    /// <summary>Longest body that is let in, in bytes.</summary>
    public long MaxBodyBytes { get; set; } = 10 * 1024 * 1024;

    /// <summary>Requests per second that each municipality may make; twice as many for a moment.</summary>
    public int RequestsPerSecond { get; set; } = 10_000;

    /// <summary>The same for some municipalities, by id.</summary>
    public Dictionary<string, int> RequestsPerSecondOf { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Hosts that stand for a municipality: <c>daten.musterstadt.example</c> → <c>musterstadt</c>.</summary>
    public Dictionary<string, string> Hosts { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The limit of <paramref name="municipality"/>.</summary>
    public int RateOf(string municipality) => RequestsPerSecondOf.GetValueOrDefault(municipality, RequestsPerSecond);

    internal IEnumerable<string> Faults()
    {
        if (MaxBodyBytes < 1024) yield return "Gateway:MaxBodyBytes must be at least 1024";
        if (RequestsPerSecond < 1) yield return "Gateway:RequestsPerSecond must be at least 1";
        foreach (var (municipality, rate) in RequestsPerSecondOf)
            if (rate < 1) yield return $"Gateway:RequestsPerSecondOf:{municipality} must be at least 1";
        foreach (var (host, municipality) in Hosts)
        {
            if (Uri.CheckHostName(host) == UriHostNameType.Unknown) yield return $"Gateway:Hosts:{host} is no host name";
            if (!Platform.Municipalities.IsSlug(municipality)) yield return $"Gateway:Hosts:{host} '{municipality}' is no id of a municipality";
        }
    }
}
