using System.Net;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Section <c>Ingestion:Mqtt</c>.</summary>
public sealed class MqttOptions
{
    /// <summary>Where MQTT is spoken: <c>address:port</c>, <c>*:port</c> for all addresses, empty for nowhere.</summary>
    public string Address { get; set; } = "127.0.0.1:1883";
    /// <summary>The same over TLS; needs <see cref="Certificate"/>.</summary>
    public string TlsAddress { get; set; } = "";
    /// <summary>File with the server's certificate and its chain, PEM.</summary>
    public string Certificate { get; set; } = "";
    /// <summary>File with the certificate's private key, PEM; empty where it stands in the same file.</summary>
    public string CertificateKey { get; set; } = "";
    /// <summary>The certificate's files are looked at so often: they are renewed while the service runs.</summary>
    public TimeSpan CertificateReadEvery { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>Certificate authorities of one municipality's devices.</summary>
    public int MostAuthorities { get; set; } = 20;
    /// <summary>Whether who shows no credential may subscribe to open SensorThings topics. Nobody publishes without one.</summary>
    public bool AllowAnonymous { get; set; } = true;
    /// <summary>Largest packet, head included. Must hold the largest uplink.</summary>
    public int LargestPacket { get; set; } = 264 * 1024;
    /// <summary>How long a new connection may take to its CONNECT; as long before that to its handshake, where it speaks TLS.</summary>
    public TimeSpan ConnectAwaited { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>Longest keep-alive; clients of 5.0 are told, those of 3.1.1 keep theirs.</summary>
    public TimeSpan LongestKeepAlive { get; set; } = TimeSpan.FromMinutes(30);
    /// <summary>Messages of QoS 1 and 2 of one client that are on their way into the log at once.</summary>
    public int ReceiveMaximum { get; set; } = 128;
    /// <summary>Payload of one client that is on its way at once; further packets are read when there is room again.</summary>
    public int MostBytesOnTheWay { get; set; } = 1024 * 1024;
    /// <summary>Topic aliases of a client.</summary>
    public int TopicAliasMaximum { get; set; } = 16;
    /// <summary>Longest topic name or filter, bytes.</summary>
    public int LongestTopic { get; set; } = 2048;
    /// <summary>Most levels of a topic or filter, but for SensorThings, whose queries have slashes of their own.</summary>
    public int MostLevels { get; set; } = 8;
    /// <summary>Subscriptions of one session.</summary>
    public int MostSubscriptions { get; set; } = 100;
    /// <summary>Messages that wait for one session; beyond, QoS 0 is dropped, and QoS 1 or 2 ends the session.</summary>
    public int MostQueued { get; set; } = 1000;
    /// <summary>Bytes that wait for one session.</summary>
    public int MostBytesQueued { get; set; } = 4 * 1024 * 1024;
    /// <summary>Longest time that a session outlives its connection.</summary>
    public TimeSpan LongestSession { get; set; } = TimeSpan.FromDays(1);
    /// <summary>What has changed in sessions is written so often, where nobody waits for it.</summary>
    public TimeSpan SessionsWrittenEvery { get; set; } = TimeSpan.FromSeconds(1);
    /// <summary>While the database takes longer than this to write them, nobody waits for it.</summary>
    public TimeSpan SessionsWrittenWithin { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>Sessions of one municipality, connected or kept.</summary>
    public int MostSessions { get; set; } = 50_000;
    /// <summary>Sessions with one device's key.</summary>
    public int MostSessionsOfDevice { get; set; } = 16;
    /// <summary>Connections without a credential, of all together.</summary>
    public int MostAnonymous { get; set; } = 2000;
    /// <summary>Connections without a credential from one address.</summary>
    public int MostAnonymousOfAddress { get; set; } = 50;
    /// <summary>Connections from one address that have not sent their CONNECT yet.</summary>
    public int MostWaitingOfAddress { get; set; } = 200;
    /// <summary>Connections of the process.</summary>
    public int MostConnections { get; set; } = 60_000;
    /// <summary>Retained messages of one municipality.</summary>
    public int MostRetained { get; set; } = 10_000;
    /// <summary>Different SensorThings topics of one municipality that are followed at once.</summary>
    public int MostFeeds { get; set; } = 500;
    /// <summary>Observations of one municipality that are being created over MQTT at once.</summary>
    public int MostCreating { get; set; } = 64;
    /// <summary>A feed from which nothing came for so long, not even a heartbeat, is asked for again.</summary>
    public TimeSpan FeedSilence { get; set; } = TimeSpan.FromSeconds(45);
    /// <summary>How long a subscriber waits for its feed.</summary>
    public TimeSpan FeedAwaited { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>A connection's credential is looked at again so often: keys are revoked.</summary>
    public TimeSpan CredentialCheckedEvery { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>A client that takes nothing of what is sent to it for so long is let go.</summary>
    public TimeSpan StalledAtMost { get; set; } = TimeSpan.FromSeconds(30);

    internal IEnumerable<string> Faults(int largestUplink)
    {
        foreach (var (name, address) in new[] { (nameof(Address), Address), (nameof(TlsAddress), TlsAddress) })
            if (address.Length > 0 && ParseAddress(address) is null) yield return $"Ingestion:Mqtt:{name} '{address}' is no address:port";
        if (TlsAddress.Length > 0 && Certificate.Length == 0) yield return "Ingestion:Mqtt:Certificate is needed for TlsAddress";
        foreach (var file in new[] { Certificate, CertificateKey })
            if (file.Length > 0 && !File.Exists(file)) yield return $"Ingestion:Mqtt: there is no file {file}";
        if (LargestPacket < largestUplink + 2048) yield return "Ingestion:Mqtt:LargestPacket must be at least 2048 more than Ingestion:LargestUplink";
        if (ReceiveMaximum is < 1 or > ushort.MaxValue) yield return "Ingestion:Mqtt:ReceiveMaximum must be 1 to 65535";
        if (TopicAliasMaximum is < 0 or > ushort.MaxValue) yield return "Ingestion:Mqtt:TopicAliasMaximum must be 0 to 65535";
        foreach (var (name, number) in new[]
        {
            (nameof(MostBytesOnTheWay), MostBytesOnTheWay), (nameof(LongestTopic), LongestTopic), (nameof(MostLevels), MostLevels), (nameof(MostSubscriptions), MostSubscriptions),
            (nameof(MostQueued), MostQueued), (nameof(MostBytesQueued), MostBytesQueued), (nameof(MostSessions), MostSessions),
            (nameof(MostSessionsOfDevice), MostSessionsOfDevice), (nameof(MostWaitingOfAddress), MostWaitingOfAddress), (nameof(MostConnections), MostConnections),
            (nameof(MostRetained), MostRetained), (nameof(MostFeeds), MostFeeds), (nameof(MostCreating), MostCreating), (nameof(MostAuthorities), MostAuthorities),
        })
            if (number < 1) yield return $"Ingestion:Mqtt:{name} must be positive";
        foreach (var (name, time) in new[]
        {
            (nameof(ConnectAwaited), ConnectAwaited), (nameof(LongestKeepAlive), LongestKeepAlive), (nameof(FeedSilence), FeedSilence), (nameof(FeedAwaited), FeedAwaited),
            (nameof(CredentialCheckedEvery), CredentialCheckedEvery), (nameof(StalledAtMost), StalledAtMost),
            (nameof(CertificateReadEvery), CertificateReadEvery), (nameof(SessionsWrittenEvery), SessionsWrittenEvery), (nameof(SessionsWrittenWithin), SessionsWrittenWithin),
        })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:Mqtt:{name} must be positive";
        if (LongestKeepAlive.TotalSeconds > ushort.MaxValue) yield return "Ingestion:Mqtt:LongestKeepAlive must be at most 65535 s";
        if (LongestSession < TimeSpan.Zero || LongestSession.TotalSeconds >= uint.MaxValue) yield return "Ingestion:Mqtt:LongestSession must be 0 to 136 years";
    }

    /// <summary>The end point of <c>address:port</c>; null if it is none. <c>*</c> is every address.</summary>
    internal static IPEndPoint? ParseAddress(string address)
    {
        var any = address.StartsWith("*:", StringComparison.Ordinal);
        return IPEndPoint.TryParse(any ? "[::]" + address[1..] : address, out var endPoint) && address.LastIndexOf(':') > 0 ? endPoint : null;
    }
}
