using Allmende.Platform.Log;

namespace Allmende.Platform;

/// <summary>Configuration that all services share; section <c>Platform</c>. See docs/architecture.md.</summary>
public sealed class PlatformOptions
{
    /// <summary>The address that clients see, without slash at the end.</summary>
    public string PublicUrl { get; set; } = "http://localhost:8080";
    /// <summary>Npgsql connection string with this service's role, without database; null for services without a store.</summary>
    public string? Postgres { get; set; }
    /// <summary>
    /// Municipalities to whose databases this service keeps connections while it does not use them. Six services with some connections each to so many, and those in
    /// use, must fit into PostgreSQL's max_connections (200).
    /// </summary>
    public int DatabasesKept { get; set; } = 16;
    /// <summary><c>host:port</c>.</summary>
    public string? Redis { get; set; }
    /// <summary>Secret of <c>/internal</c>.</summary>
    public string InternalKey { get; set; } = "";
    /// <summary>Base addresses of other services by name.</summary>
    public Dictionary<string, string> Services { get; set; } = new(StringComparer.OrdinalIgnoreCase);
    public LogOptions Log { get; set; } = new();
    public EventOptions Events { get; set; } = new();
    public IdentityOptions Identity { get; set; } = new();

    /// <summary>Base address of another service.</summary>
    /// <exception cref="InvalidOperationException">It is not configured.</exception>
    public Uri ServiceAddress(string service) => Services.TryGetValue(service, out var address)
        ? new Uri(address.TrimEnd('/') + "/")
        : throw new InvalidOperationException($"Platform:Services:{service} is not set");

    internal IEnumerable<string> Faults(PlatformNeeds needs)
    {
        if (!Uri.TryCreate(PublicUrl, UriKind.Absolute, out _)) yield return $"Platform:PublicUrl '{PublicUrl}' is no address";
        if (InternalKey.Length < 16) yield return "Platform:InternalKey must have at least 16 characters";
        if (needs.HasFlag(PlatformNeeds.Database) && string.IsNullOrWhiteSpace(Postgres)) yield return "Platform:Postgres is not set";
        var eventsUseLog = Events.Kind == "log" && needs.HasFlag(PlatformNeeds.Events);
        if ((needs.HasFlag(PlatformNeeds.Log) || eventsUseLog) && Log.Kind == "redis" && string.IsNullOrWhiteSpace(Redis)) yield return "Platform:Redis is not set";
        if (Log.Kind is not ("redis" or "kafka")) yield return $"Platform:Log:Kind '{Log.Kind}' is neither redis nor kafka";
        if (Log.Kind == "kafka" && string.IsNullOrWhiteSpace(Log.Kafka)) yield return "Platform:Log:Kafka is not set";
        if (Log.Partitions is < 1 or > 64) yield return "Platform:Log:Partitions must be 1 to 64";
        if (Events.Kind is not ("log" or "dapr")) yield return $"Platform:Events:Kind '{Events.Kind}' is neither log nor dapr";
        if (Log.Gather < TimeSpan.Zero || Log.Gather > TimeSpan.FromSeconds(5)) yield return "Platform:Log:Gather must be 0 to 5 s";
        if (Log.RecordEvery < TimeSpan.Zero || Log.RecordEvery > TimeSpan.FromSeconds(5)) yield return "Platform:Log:RecordEvery must be 0 to 5 s";
        if (DatabasesKept < 0) yield return "Platform:DatabasesKept must not be negative";
        if (!Uri.TryCreate(Identity.Issuer, UriKind.Absolute, out _)) yield return "Platform:Identity:Issuer is not set or no address";
        if (Identity.Authority is { } authority && !Uri.TryCreate(authority, UriKind.Absolute, out _)) yield return $"Platform:Identity:Authority '{authority}' is no address";
        foreach (var (name, address) in Services)
            if (!Uri.TryCreate(address, UriKind.Absolute, out _)) yield return $"Platform:Services:{name} '{address}' is no address";
    }
}

/// <summary>How domain events travel.</summary>
public sealed class EventOptions
{
    /// <summary><c>log</c> or <c>dapr</c>.</summary>
    public string Kind { get; set; } = "log";
    /// <summary>HTTP endpoint of the Dapr sidecar.</summary>
    public string Dapr { get; set; } = "http://localhost:3500";
    /// <summary>Name of the pub/sub component.</summary>
    public string PubSub { get; set; } = "pubsub";
    /// <summary>What we show to the sidecar (Dapr's <c>DAPR_API_TOKEN</c>); null if it asks for none.</summary>
    public string? DaprApiToken { get; set; }
    /// <summary>What the sidecar shows to us (Dapr's <c>APP_API_TOKEN</c>); null if it shows none, where nobody else reaches the service's port.</summary>
    public string? DaprAppToken { get; set; }
}

/// <summary>Whose tokens are accepted.</summary>
public sealed class IdentityOptions
{
    public string Issuer { get; set; } = "";
    public string Audience { get; set; } = "allmende";
    /// <summary>Where the issuer's metadata is read, if not at the issuer's own address.</summary>
    public string? Authority { get; set; }
}

/// <summary>What a service uses of the platform, so that no more is asked of its configuration.</summary>
[Flags]
public enum PlatformNeeds
{
    None = 0,
    Database = 1,
    Log = 2,
    Events = 4,
    Municipalities = 8,
    All = Database | Log | Events | Municipalities,
}
