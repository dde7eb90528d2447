using System.Security.Cryptography.X509Certificates;

namespace Allmende.Ingestion.Mqtt.Tls;

/// <summary>A certificate that a client has shown, and whose key it has. Nothing else of it is known yet.</summary>
/// <param name="Own">The client's, DER.</param>
/// <param name="Others">What it sent beside, DER: those that may lead to somebody who is known here.</param>
sealed record ShownCertificate(byte[] Own, IReadOnlyList<byte[]> Others);

/// <summary>What is known of a client that speaks TLS, from the first byte until its CONNECT is answered.</summary>
sealed class TlsClient
{
    /// <summary>More than an honest client sends; the rest is passed over.</summary>
    const int MostOthers = 8;

    ShownCertificate? shown;

    /// <summary>Whether its handshake is done, and its connection sees to its place among those that wait.</summary>
    public bool HasArrived { get; set; }

    /// <summary>
    /// Called in the handshake. A certificate, whatever it is, hinders nobody here: what it is worth depends on the municipality, which CONNECT says. So a stranger
    /// does not learn, either, whose certificates are known.
    /// </summary>
    public bool Show(X509Certificate? certificate, X509Chain? chain)
    {
        if (certificate is null) return true;
        var own = certificate.GetRawCertData();
        shown = new(own, [.. (chain?.ChainPolicy.ExtraStore ?? []).Take(MostOthers).Select(one => one.RawData)]);
        return true;
    }

    /// <summary>The certificate that it has shown, once; null if none.</summary>
    public ShownCertificate? Take()
    {
        var taken = shown;
        shown = null;
        return taken;
    }
}
