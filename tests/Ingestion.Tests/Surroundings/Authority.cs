using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>A certificate authority of the tests.</summary>
sealed class Authority : IDisposable
{
    /// <summary>Purposes of certificates: clients' and servers'.</summary>
    public const string Clients = "1.3.6.1.5.5.7.3.2", Servers = "1.3.6.1.5.5.7.3.1";

    readonly ECDsa key;

    Authority(X509Certificate2 certificate, ECDsa key) => (Certificate, this.key) = (certificate, key);

    public X509Certificate2 Certificate { get; }

    public string Pem => Certificate.ExportCertificatePem();

    /// <summary>One that signs itself.</summary>
    public static Authority Root(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new(RequestOf(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10)), key);
    }

    /// <summary>One below this one.</summary>
    public Authority Below(string name)
    {
        var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new(RequestOf(name, own).Create(Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(9), Serial()), own);
    }

    /// <summary>A certificate with its key.</summary>
    /// <param name="subject">E.g. <c>CN=pegel-1</c>.</param>
    /// <param name="purpose">Extended key usage; null for none.</param>
    /// <param name="uri">An alternative name.</param>
    /// <param name="from">When it begins, from now.</param>
    /// <param name="to">When it ends, from now.</param>
    /// <param name="curve">Its key; P-256 if not given.</param>
    /// <param name="issuerAt">Where it says that its issuer's certificate can be had.</param>
    public X509Certificate2 Issue(
        string subject, string? purpose = Clients, string? uri = null, TimeSpan? from = null, TimeSpan? to = null, ECCurve? curve = null, Uri? issuerAt = null)
    {
        using var own = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        var wish = Wish(subject, own, purpose, uri);
        if (issuerAt is not null) wish.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([issuerAt.AbsoluteUri], [issuerAt.AbsoluteUri]));
        using var signed = wish.Create(
            Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow + (from ?? TimeSpan.FromHours(-1)), DateTimeOffset.UtcNow + (to ?? TimeSpan.FromDays(5)), Serial());
        return signed.CopyWithPrivateKey(own);
    }

    /// <summary>A certificate that has signed itself.</summary>
    public static X509Certificate2 SelfSigned(string subject, TimeSpan? to = null)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Wish(subject, own, null, null).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow + (to ?? TimeSpan.FromDays(5)));
    }

    /// <summary>As a client shows it, with what lies between.</summary>
    public static SslStreamCertificateContext Shown(X509Certificate2 certificate, params Authority[] between) =>
        SslStreamCertificateContext.Create(certificate, [.. between.Select(one => one.Certificate)], offline: true);

    static CertificateRequest RequestOf(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }

    static CertificateRequest Wish(string subject, ECDsa key, string? purpose, string? uri)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (purpose is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        var names = new SubjectAlternativeNameBuilder();
        if (uri is not null) names.AddUri(new Uri(uri));
        if (purpose == Servers)
        {
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
        }
        if (uri is not null || purpose == Servers) request.CertificateExtensions.Add(names.Build());
        return request;
    }

    static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(15)];

    public void Dispose()
    {
        key.Dispose();
        Certificate.Dispose();
    }
}

/// <summary>PEM files of a server, or of a client of others' making.</summary>
sealed class PemFiles : IDisposable
{
    readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("allmende-tls-");

    public string Certificate => Path.Combine(directory.FullName, "tls.crt");

    public string Key => Path.Combine(directory.FullName, "tls.key");

    public string Authority => Path.Combine(directory.FullName, "ca.crt");

    /// <summary>Writes all three.</summary>
    public PemFiles Write(X509Certificate2 certificate, Authority signer)
    {
        File.WriteAllText(Certificate, certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(Key, KeyOf(certificate));
        File.WriteAllText(Authority, signer.Pem + "\n");
        return this;
    }

    public static string KeyOf(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    public (string Key, string Value)[] Settings =>
        [("Ingestion:Mqtt:TlsAddress", "127.0.0.1:0"), ("Ingestion:Mqtt:Certificate", Certificate), ("Ingestion:Mqtt:CertificateKey", Key), ("Ingestion:Mqtt:CertificateReadEvery", "00:00:00.2")];

    public void Dispose() => directory.Delete(recursive: true);
}
