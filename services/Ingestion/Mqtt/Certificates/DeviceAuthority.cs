using System.Security.Cryptography.X509Certificates;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary>An authority whose certificates a municipality believes.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="SpeaksFor"><see cref="Device"/> or <see cref="All"/>.</param>
/// <param name="Certificate">Its certificate.</param>
/// <param name="ChangedAt">When it was put last, UTC.</param>
sealed record DeviceAuthority(string Id, string? Name, string SpeaksFor, X509Certificate2 Certificate, DateTime ChangedAt)
{
    /// <summary>Its certificates are devices': each speaks for the device that it names.</summary>
    public const string Device = "device";

    /// <summary>Its certificates are network servers' and gateways': each may write uplinks of all devices.</summary>
    public const string All = "all";

    /// <summary>SHA-256 of the certificate.</summary>
    public string Hash { get; } = CertificateRules.HashOf(Certificate.RawDataMemory.Span);
}
