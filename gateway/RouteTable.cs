using Allmende.Platform;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace Allmende.Gateway;

/// <summary>
/// Which path belongs to which service; the table of docs/architecture.md. Everything that is not in it does not exist outside:
/// above all <c>/internal</c>, <c>/metrics</c> and the identity provider's administration.
/// </summary>
static class RouteTable
{
    /// <summary>Paths below <c>/{municipality}</c>, by service.</summary>
    static readonly (string Service, string[] Below)[] OfMunicipality =
    [
        ("identity", ["identity"]),
        ("ingestion", ["devices", "devices.csv", "devices.geojson", "device-counts", "device-conditions", "device-certificate-authorities", "unknown-devices", "downlink-ways", "uplinks", "uplink-mappings", "mqtt-sources"]),
        ("streams", ["device-profiles", "codecs", "dead-letters", "replays", "rules", "alerts", "alerts.cap", "alerts.atom"]),
        ("observations", ["sta", "ngsi-ld", "live", "subscriptions", "series", "corrections"]),
        ("catalog", ["catalog", "catalog.ttl", "catalog.rdf", "catalog.jsonld"]),
        ("opendata", ["export", "ogc"]),
        (Pages, [""]),
    ];

    /// <summary>Paths of the installation.</summary>
    static readonly (string Service, string Path)[] OfInstallation =
    [
        ("identity", "/operator/{**rest}"),
        (Pages, "/"),
        (Pages, "/assets/{**rest}"),
        // favicon.ico, robots.txt and the like: an id of a municipality has no dot.
        (Pages, "/{file:regex(^[^/]+\\.[a-z0-9]+$)}"),
    ];

    /// <summary>How long a service may be silent before its answer is given up. Those who do long work, or keep a stream open, get longer.</summary>
    static readonly Dictionary<string, TimeSpan> Patience = new(StringComparer.Ordinal)
    {
        ["identity"] = TimeSpan.FromSeconds(120),
        ["observations"] = TimeSpan.FromSeconds(120),
        ["opendata"] = TimeSpan.FromSeconds(300),
    };

    /// <summary>The services that the door leads to.</summary>
    public static IReadOnlyList<string> Services { get; } = [.. OfMunicipality.Select(row => row.Service)];

    /// <summary>The service that answers people with pages.</summary>
    public const string Pages = "dashboards";

    /// <summary>The parameter that carries the municipality.</summary>
    public const string Municipality = "municipality";

    /// <summary>The identity provider, where it runs behind this door.</summary>
    public const string Provider = "provider";

    public static IReadOnlyList<RouteConfig> Routes(PlatformOptions platform)
    {
        var routes = new List<RouteConfig>();
        foreach (var (service, below) in OfMunicipality)
            foreach (var path in below)
                Add(service, path.Length == 0 ? $"/{{{Municipality}}}/{{**rest}}" : $"/{{{Municipality}}}/{path}/{{**rest}}");
        foreach (var (service, path) in OfInstallation) Add(service, path);
        if (platform.Services.ContainsKey(Provider)) Add(Provider, new Uri(platform.Identity.Issuer).AbsolutePath.TrimEnd('/') + "/{**rest}");
        return routes;

        void Add(string service, string path) => routes.Add(new RouteConfig { RouteId = $"{service} {path}", ClusterId = service, Match = new RouteMatch { Path = path } });
    }

    public static IReadOnlyList<ClusterConfig> Clusters(PlatformOptions platform) =>
        [.. Services.Append(Provider).Where(platform.Services.ContainsKey).Select(service => Cluster(service, platform.ServiceAddress(service)))];

    static ClusterConfig Cluster(string service, Uri address) => new()
    {
        ClusterId = service,
        Destinations = new Dictionary<string, DestinationConfig> { [service] = new() { Address = address.ToString() } },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = Patience.GetValueOrDefault(service, TimeSpan.FromSeconds(60)), Version = new Version(1, 1) },
        HttpClient = new HttpClientConfig { MaxConnectionsPerServer = 1024 },
        HealthCheck = new HealthCheckConfig
        {
            // A service that was marked down and answers again is used again at once: with nobody healthy, everybody is tried.
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                Path = "/health/live",
                Interval = TimeSpan.FromSeconds(5),
                Timeout = TimeSpan.FromSeconds(3),
            },
            Passive = new PassiveHealthCheckConfig
            {
                Enabled = true,
                Policy = HealthCheckConstants.PassivePolicy.TransportFailureRate,
                ReactivationPeriod = TimeSpan.FromSeconds(5),
            },
        },
    };
}
