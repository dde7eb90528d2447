using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary>What a certificate must be like (RFC 5280), without asking anybody.</summary>
static partial class CertificateRules
{
    /// <summary>The client's, two authorities between, the registered one.</summary>
    public const int LongestChain = 4;

    const string ClientAuthentication = "1.3.6.1.5.5.7.3.2", AnyUsage = "2.5.29.37.0", CommonName = "2.5.4.3", Organization = "2.5.4.10", AlternativeNames = "2.5.29.17";
    const string DeviceUri = "urn:allmende:device:";

    /// <summary>Signatures that somebody else can make, too: MD2, MD5, SHA-1 with RSA, DSA or ECDSA.</summary>
    static readonly HashSet<string> WeakSignatures =
        ["1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10040.4.3", "1.2.840.10045.4.1", "1.3.14.3.2.29"];

    /// <summary>A certificate from what somebody sent; null if it is none.</summary>
    public static X509Certificate2? Load(byte[] der)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(der);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>The one certificate of a PEM text; null if it holds none, several, or a private key, which is nobody's to send.</summary>
    public static X509Certificate2? OfPem(string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            return null;
        }
        return certificates.Count == 1 && !pem.Contains("PRIVATE KEY", StringComparison.Ordinal) ? certificates[0] : null;
    }

    /// <summary>SHA-256 of the certificate, lower-case hexadecimal.</summary>
    public static string HashOf(ReadOnlySpan<byte> der) => Convert.ToHexStringLower(SHA256.HashData(der));

    /// <summary>A SHA-256 fingerprint as it is kept; null if the text is none. Colons and blanks between the bytes are usual.</summary>
    public static string? ReadHash(string text)
    {
        var digits = text.Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
        return HashPattern().IsMatch(digits) ? digits : null;
    }

    /// <summary>Why its key is not good enough; null if it is.</summary>
    public static string? FaultOfKey(X509Certificate2 certificate)
    {
        try
        {
            using var rsa = certificate.GetRSAPublicKey();
            if (rsa is not null) return rsa.KeySize is >= 2048 and <= 8192 ? null : "its RSA key must have 2048 to 8192 bits";
            using var curve = certificate.GetECDsaPublicKey();
            return curve?.KeySize is >= 256 and <= 521 ? null : "its key must be RSA of 2048 bits or more, or of an elliptic curve of 256 bits or more";
        }
        catch (CryptographicException)
        {
            return "its key cannot be read";
        }
    }

    /// <summary>Why it is no authority that clients' certificates may be signed with; null if it is one.</summary>
    public static string? FaultOfAuthority(X509Certificate2 certificate, DateTime now)
    {
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().SingleOrDefault() is not { CertificateAuthority: true }) return "it is no authority's (basicConstraints CA:TRUE)";
        if (certificate.Extensions.OfType<X509KeyUsageExtension>().SingleOrDefault() is { } usage && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign)) return "it must not sign certificates (keyUsage)";
        if (now > certificate.NotAfter.ToUniversalTime()) return "it has expired";
        return FaultOfKey(certificate);
    }

    /// <summary>Why a client cannot log in with it, whoever has signed it; null if it can.</summary>
    public static string? FaultOfClient(X509Certificate2 certificate, DateTime now)
    {
        if (now < certificate.NotBefore.ToUniversalTime() || now > certificate.NotAfter.ToUniversalTime()) return "it is not valid now";
        if (certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SingleOrDefault() is { } purposes
            && !purposes.EnhancedKeyUsages.Cast<Oid>().Any(purpose => purpose.Value is ClientAuthentication or AnyUsage)) return "it is not for clients (extendedKeyUsage)";
        if (certificate.Extensions.OfType<X509KeyUsageExtension>().SingleOrDefault() is { } usage && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature)) return "it must not sign (keyUsage)";
        return FaultOfKey(certificate);
    }

    /// <summary>
    /// Whether <paramref name="certificate"/> leads to <paramref name="authority"/>: signed by it, or by one that it has signed. Nothing is fetched, and nobody else is
    /// believed.
    /// </summary>
    /// <param name="certificate">The client's.</param>
    /// <param name="others">What it sent beside; only looked through for what lies between.</param>
    /// <param name="authority">A registered one; it need not be a root.</param>
    /// <param name="validTo">When the first of them expires, UTC.</param>
    public static bool LeadsTo(X509Certificate2 certificate, X509Certificate2Collection others, X509Certificate2 authority, out DateTime validTo)
    {
        validTo = default;
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().SingleOrDefault() is { CertificateAuthority: true }) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.ExtraStore.AddRange(others);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        chain.Build(certificate);
        var elements = chain.ChainElements;
        try
        {
            // An authority below a root ends the chain here, and its issuer is nobody's business: that alone may be missing.
            if (elements.Count is < 2 or > LongestChain || !elements[^1].Certificate.RawDataMemory.Span.SequenceEqual(authority.RawDataMemory.Span)) return false;
            for (var i = 0; i < elements.Count; i++)
            {
                var forgiven = i == elements.Count - 1 ? X509ChainStatusFlags.PartialChain : X509ChainStatusFlags.NoError;
                if (elements[i].ChainElementStatus.Any(status => (status.Status & ~forgiven) != 0)) return false;
                if (FaultOfKey(elements[i].Certificate) is not null) return false;
                if (i < elements.Count - 1 && WeakSignatures.Contains(elements[i].Certificate.SignatureAlgorithm.Value ?? "")) return false;
            }
            validTo = elements.Min(element => element.Certificate.NotAfter.ToUniversalTime());
            return true;
        }
        finally
        {
            foreach (var element in elements) element.Certificate.Dispose();
        }
    }

    /// <summary>Whom a certificate names: by <see cref="UriOf"/>, else by its subject's CN, and O for the municipality.</summary>
    public static (string? Municipality, string? Name) NamesOf(X509Certificate2 certificate) =>
        UriOf(certificate) is { } uri ? uri : (PartOf(certificate, Organization) is { } town && Municipalities.IsSlug(town) ? town : null, PartOf(certificate, CommonName));

    /// <summary>The device among its alternative names, as a URI <c>urn:allmende:device:{municipality}:{device}</c>; null if there is none.</summary>
    public static (string Municipality, string Name)? UriOf(X509Certificate2 certificate)
    {
        foreach (var uri in UrisOf(certificate))
            if (uri.StartsWith(DeviceUri, StringComparison.Ordinal) && uri[DeviceUri.Length..].Split(':') is [var municipality, var device]) return (municipality, device);
        return null;
    }

    static string? PartOf(X509Certificate2 certificate, string oid)
    {
        try
        {
            var parts = certificate.SubjectName.EnumerateRelativeDistinguishedNames().Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == oid).ToList();
            return parts is [var one] ? one.GetSingleElementValue() : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>RFC 5280, 4.2.1.6: GeneralNames, of which [6] are URIs.</summary>
    static List<string> UrisOf(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        if (certificate.Extensions[AlternativeNames] is not { } extension) return uris;
        try
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
            while (names.HasData)
                if (names.PeekTag().HasSameClassAndValue(uri)) uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
                else names.ReadEncodedValue();
        }
        catch (AsnContentException)
        {
            // What cannot be read names nobody.
            uris.Clear();
        }
        return uris;
    }

    [GeneratedRegex("^[0-9a-f]{64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex HashPattern();
}
