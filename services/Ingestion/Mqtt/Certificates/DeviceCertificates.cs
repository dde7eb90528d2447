using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Features;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary><c>/{m}/devices/{id}/certificate</c>: a device's own certificate, whoever has signed it.</summary>
static class DeviceCertificates
{
    const int LargestBody = 32 * 1024;

    const string Example = """{ "fingerprint": "3F:A9:1C:5D:0E:77:B2:48:9A:61:D3:F0:25:8C:4B:E6:17:90:AD:52:CB:38:EF:04:7D:A6:59:12:8B:C0:F3:6E" }""";

    const string Description = """
        The device logs in over MQTT with TLS by this certificate, and by no other; it may have signed it itself. Either `certificate` (PEM) or `fingerprint` (SHA-256 of the
        certificate, hexadecimal, colons or none) says which. It must be valid, for clients (`extendedKeyUsage`, if there is any) and have a key of RSA 2048 or P-256 at least. The
        device's key goes on being good as a password. Whoever is logged in with the one before is let go within half a minute.
        """;

    public static void Map(RouteGroupBuilder devices)
    {
        devices.MapGet("/{id}/certificate", ShowAsync).RequireRole(DeviceReaders.Roles).Produces<DeviceCertificate>().ProducesProblem(404)
            .WithName("ShowDeviceCertificate").WithSummary("Show by which certificate a device is known");
        devices.MapPut("/{id}/certificate", PutAsync).RequireRole(Roles.OfDevices).Accepts<DeviceCertificateBody>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces(204).ProducesProblem(404).ProducesProblem(409).ProducesProblem(422)
            .WithName("PutDeviceCertificate").WithSummary("Say by which certificate a device is known").WithDescription(Description).WithExamples(request: Example);
        devices.MapDelete("/{id}/certificate", RemoveAsync).RequireRole(Roles.OfDevices).Produces(204).ProducesProblem(404)
            .WithName("RemoveDeviceCertificate").WithSummary("A device is no longer known by its own certificate")
            .WithDescription("Certificates that an authority of the municipality has signed speak for it again.");
    }

    static async Task<IResult> ShowAsync(string municipality, string id, DeviceStore store, CancellationToken cancellation) =>
        Device.IsId(id) && await store.FindCertificateAsync(municipality, id, cancellation) is var (hash, since)
            ? TypedResults.Ok(new DeviceCertificate(id, hash, since)) : IngestionErrors.NoCertificate.Problem($"'{id}' has no certificate of its own");

    static async Task<IResult> PutAsync(string municipality, string id, DeviceCertificateBody body, DeviceStore store, DeviceDirectory directory, CancellationToken cancellation)
    {
        var (hash, field, fault) = Read(body);
        if (fault is not null) return IngestionErrors.InvalidCertificate.Problem(fault, field);
        var stored = Device.IsId(id) ? await store.PutCertificateAsync(municipality, id, hash!, cancellation) : Stored.NoSuchDevice;
        if (stored == Stored.IdTaken) return IngestionErrors.CertificateTaken.Problem("each needs one of its own", field);
        if (stored != Stored.Yes) return stored.Problem(id);
        directory.Forget(municipality, id);
        return TypedResults.NoContent();
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, DeviceStore store, DeviceDirectory directory, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || !await store.RemoveCertificateAsync(municipality, id, cancellation)) return IngestionErrors.NoCertificate.Problem($"'{id}' has no certificate of its own");
        directory.Forget(municipality, id);
        return TypedResults.NoContent();
    }

    static (string? Hash, string Field, string? Fault) Read(DeviceCertificateBody body)
    {
        if (body.Fingerprint is not null && body.Certificate is not null) return (null, "fingerprint", "cannot be sent together with certificate");
        if (body.Certificate is null)
            return body.Fingerprint is { Length: < 200 } text && CertificateRules.ReadHash(text) is { } read ? (read, "fingerprint", null) : (null, "fingerprint", "must be a SHA-256, 64 hexadecimal digits");
        using var certificate = CertificateRules.OfPem(body.Certificate);
        if (certificate is null) return (null, "certificate", "must be one certificate as PEM");
        return (CertificateRules.HashOf(certificate.RawDataMemory.Span), "certificate", CertificateRules.FaultOfClient(certificate, DateTime.UtcNow));
    }
}

/// <summary>A device's certificate, as it is put: one of both.</summary>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
/// <param name="Certificate">The certificate, PEM.</param>
public sealed record DeviceCertificateBody(string? Fingerprint, string? Certificate);

/// <summary>By which certificate a device is known.</summary>
/// <param name="Id">The device.</param>
/// <param name="Fingerprint">SHA-256 of its certificate, hexadecimal.</param>
/// <param name="Since">When it was put.</param>
public sealed record DeviceCertificate(string Id, string Fingerprint, DateTime Since);
