using System.Security.Cryptography.X509Certificates;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary>What a login by certificate rests on, to be looked at again while the client is connected.</summary>
/// <param name="Hash">SHA-256 of the client's certificate.</param>
/// <param name="Device">The device that it speaks for; null where it speaks for all.</param>
/// <param name="Authority">The authority that it leads to, and the SHA-256 of that one's certificate; null where the device is known by its own.</param>
sealed record CertificateProof(string Hash, string? Device, (string Id, string Hash)? Authority);

/// <summary>
/// Who a client's certificate speaks for. The municipality is the user name, or named by the certificate; then its own devices and its own authorities count and no
/// other's. Whatever is wrong is answered alike: a stranger learns neither which authorities there are nor which devices.
/// </summary>
sealed class CertificateLogin(DeviceDirectory directory, KnownAuthorities authorities, Municipalities municipalities)
{
    static readonly (MqttClient?, ReasonCode) Refused = (null, ReasonCode.NotAuthorized);

    /// <summary>The client, or that there is none.</summary>
    /// <param name="userName">The municipality; null to go by the certificate.</param>
    /// <param name="shown">What the client showed in the handshake, where it proved that it has the key.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<(MqttClient? Client, ReasonCode Code)> LoginAsync(string? userName, ShownCertificate shown, CancellationToken cancellation)
    {
        using var own = CertificateRules.Load(shown.Own);
        if (own is null || CertificateRules.FaultOfClient(own, DateTime.UtcNow) is not null) return Refused;
        var (named, name) = CertificateRules.NamesOf(own);
        if ((userName ?? named) is not { } municipality || !Municipalities.IsSlug(municipality) || await municipalities.FindAsync(municipality, cancellation) is null) return Refused;
        var hash = CertificateRules.HashOf(shown.Own);
        // Known by itself: then it does not matter what is written in it, or who has signed it.
        if (await directory.FindAsync(municipality, new(DeviceNameKind.CertificateHash, hash), cancellation) is { } pinned)
            return pinned.Retired ? Refused : (ClientOf(municipality, pinned.Id, new(hash, pinned.Id, null), own.NotAfter.ToUniversalTime()), ReasonCode.Success);
        if (name is null || name.Any(char.IsControl) || (CertificateRules.UriOf(own) is { } uri && uri.Municipality != municipality)) return Refused;
        if (await AuthorityOfAsync(municipality, own, shown.Others, cancellation) is not var (authority, validTo)) return Refused;
        var signedBy = (authority.Id, authority.Hash);
        if (authority.SpeaksFor == DeviceAuthority.All)
            return (new MqttClient(municipality, Caller.Of(new($"certificate:{authority.Id}/{name}", municipality, [Roles.WriteUplinks])), null, validTo, new(hash, null, signedBy)), ReasonCode.Success);
        if (await FindAsync(municipality, name, cancellation) is not { Retired: false } device || device.CertificateHash is not null) return Refused;
        return (ClientOf(municipality, device.Id, new(hash, device.Id, signedBy), validTo), ReasonCode.Success);
    }

    /// <summary>Whether a login still rests on something.</summary>
    public async ValueTask<bool> StillHoldsAsync(string municipality, CertificateProof proof, CancellationToken cancellation)
    {
        if (proof.Authority is { } signedBy && !(await authorities.OfAsync(municipality, cancellation)).Any(one => (one.Id, one.Hash) == signedBy && IsFor(one, proof))) return false;
        if (proof.Device is not { } id) return true;
        return await directory.FindAsync(municipality, new(DeviceNameKind.Id, id), cancellation) is { Retired: false } device
            && device.CertificateHash == (proof.Authority is null ? proof.Hash : null);
    }

    static bool IsFor(DeviceAuthority authority, CertificateProof proof) => authority.SpeaksFor == (proof.Device is null ? DeviceAuthority.All : DeviceAuthority.Device);

    async ValueTask<KnownDevice?> FindAsync(string municipality, string name, CancellationToken cancellation)
    {
        if (Device.IsId(name) && await directory.FindAsync(municipality, new(DeviceNameKind.Id, name), cancellation) is { } device) return device;
        return Device.NormalizeDevEui(name) is { } devEui ? await directory.FindAsync(municipality, new(DeviceNameKind.DevEui, devEui), cancellation) : null;
    }

    async ValueTask<(DeviceAuthority Authority, DateTime ValidTo)?> AuthorityOfAsync(string municipality, X509Certificate2 own, IReadOnlyList<byte[]> others, CancellationToken cancellation)
    {
        var known = await authorities.OfAsync(municipality, cancellation);
        if (known.Count == 0) return null;
        var between = new X509Certificate2Collection();
        foreach (var one in others)
            if (CertificateRules.Load(one) is { } certificate) between.Add(certificate);
        try
        {
            foreach (var authority in known)
                if (CertificateRules.LeadsTo(own, between, authority.Certificate, out var validTo)) return (authority, validTo);
            return null;
        }
        finally
        {
            foreach (var certificate in between) certificate.Dispose();
        }
    }

    /// <summary>As the device's own key would make it: a session goes on when a device changes from the one to the other.</summary>
    static MqttClient ClientOf(string municipality, string device, CertificateProof proof, DateTime validTo) =>
        new(municipality, Caller.Of(DeviceKeys.HolderOf(municipality, device)), null, validTo, proof);
}
