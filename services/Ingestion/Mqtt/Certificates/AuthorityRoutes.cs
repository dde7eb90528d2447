using Allmende.Contracts;
using Allmende.Ingestion.Features;
using Allmende.Ingestion.Mappings;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary><c>/{m}/device-certificate-authorities</c>: who signs the certificates that devices show over MQTT.</summary>
static class AuthorityRoutes
{
    const int LargestBody = 32 * 1024, LongestName = 256;

    const string Example = """
        { "name": "Geräte-CA der Stadtwerke", "speaksFor": "device", "certificate": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n" }
        """;

    const string Description = """
        Who shows a certificate that this authority has signed, itself or by one between, logs in over MQTT with TLS without a password. With `speaksFor` `device` it is the device
        that the certificate names: by a URI `urn:allmende:device:{municipality}:{device}` among its alternative names, or else by the subject's common name, a device's id or
        DevEUI. With `all` (network servers, gateways) it may write the uplinks of all devices. The user name is the municipality; it may be left out where the URI, or the
        subject's organization, says it. Certificates must be valid, for clients (`extendedKeyUsage`, if there is any) and have a key of RSA 2048 or P-256 at least. A device with
        a certificate of its own (`PUT /{municipality}/devices/{id}/certificate`) is known by that alone. Whoever is logged in is let go within half a minute when the authority is
        replaced or removed. The municipality's authorities are believed for its own devices and no other's.
        """;

    public static void Map(RouteGroupBuilder authorities)
    {
        authorities.MapGet("", ListAsync).RequireRole(DeviceReaders.Roles).Produces<AuthorityList>()
            .WithName("ListDeviceCertificateAuthorities").WithSummary("List the authorities of devices' certificates").WithDescription("In the order of their ids.");
        authorities.MapGet("/{id}", FindAsync).RequireRole(DeviceReaders.Roles).Produces<AuthorityAnswer>().ProducesProblem(404)
            .WithName("ShowDeviceCertificateAuthority").WithSummary("Show an authority of devices' certificates");
        authorities.MapPut("/{id}", PutAsync).RequireRole(Roles.OfDevices).Accepts<AuthorityBody>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces(201).Produces(204).ProducesProblem(409).ProducesProblem(422)
            .WithName("PutDeviceCertificateAuthority").WithSummary("Believe an authority of devices' certificates").WithDescription(Description).WithExamples(request: Example);
        authorities.MapDelete("/{id}", RemoveAsync).RequireRole(Roles.OfDevices).Produces(204).ProducesProblem(404)
            .WithName("RemoveDeviceCertificateAuthority").WithSummary("No longer believe an authority of devices' certificates")
            .WithDescription("Who is logged in with its certificates is let go within half a minute.");
    }

    static async Task<AuthorityList> ListAsync(string municipality, AuthorityStore store, CancellationToken cancellation) =>
        new([.. (await store.ListAsync(municipality, cancellation)).Select(AuthorityAnswer.Of)]);

    static async Task<IResult> FindAsync(string municipality, string id, AuthorityStore store, CancellationToken cancellation) =>
        (await store.ListAsync(municipality, cancellation)).Find(authority => authority.Id == id) is { } one ? TypedResults.Ok(AuthorityAnswer.Of(one)) : Unknown(id);

    static async Task<IResult> PutAsync(
        string municipality, string id, AuthorityBody body, AuthorityStore store, KnownAuthorities known, MqttOptions options, CancellationToken cancellation)
    {
        var faults = new List<(string Field, string Fault)>();
        if (!MappingRoutes.IsId(id)) faults.Add(("id", "must consist of lower-case letters, digits and dashes, at most 64"));
        if (body.Name is { } name && (name.Length > LongestName || name.Any(char.IsControl))) faults.Add(("name", $"must be a text of at most {LongestName} characters"));
        if (body.SpeaksFor is not (null or DeviceAuthority.Device or DeviceAuthority.All)) faults.Add(("speaksFor", $"must be {DeviceAuthority.Device} or {DeviceAuthority.All}"));
        using var certificate = CertificateRules.OfPem(body.Certificate ?? "");
        if (certificate is null) faults.Add(("certificate", "must be one certificate as PEM"));
        else if (CertificateRules.FaultOfAuthority(certificate, DateTime.UtcNow) is { } fault) faults.Add(("certificate", fault));
        if (faults.Count > 0) return IngestionErrors.InvalidCertificate.Problem(faults);
        var isNew = await store.PutAsync(municipality, id, body.Name, body.SpeaksFor ?? DeviceAuthority.Device, certificate!.RawData, options.MostAuthorities, cancellation);
        known.Forget(municipality);
        return isNew switch
        {
            null => IngestionErrors.TooManyAuthorities.Problem($"{options.MostAuthorities}; remove one that is not needed"),
            true => TypedResults.Created($"/{municipality}/device-certificate-authorities/{id}"),
            false => TypedResults.NoContent(),
        };
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, AuthorityStore store, KnownAuthorities known, CancellationToken cancellation)
    {
        if (!MappingRoutes.IsId(id) || !await store.RemoveAsync(municipality, id, cancellation)) return Unknown(id);
        known.Forget(municipality);
        return TypedResults.NoContent();
    }

    static IResult Unknown(string id) => IngestionErrors.UnknownAuthority.Problem($"there is no authority '{id}'");
}

/// <summary>An authority, as it is put.</summary>
/// <param name="Name">For people.</param>
/// <param name="SpeaksFor"><c>device</c> (if missing) or <c>all</c>.</param>
/// <param name="Certificate">Its certificate, PEM.</param>
public sealed record AuthorityBody(string? Name, string? SpeaksFor, string? Certificate);

/// <summary>The authorities of a municipality.</summary>
/// <param name="Items">In the order of their ids.</param>
public sealed record AuthorityList(IReadOnlyList<AuthorityAnswer> Items);

/// <summary>An authority as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="SpeaksFor"><c>device</c> or <c>all</c>.</param>
/// <param name="Certificate">Its certificate, PEM.</param>
/// <param name="Subject">Whom the certificate names.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
/// <param name="NotAfter">When it expires.</param>
/// <param name="ChangedAt">When it was put last.</param>
public sealed record AuthorityAnswer(string Id, string? Name, string SpeaksFor, string Certificate, string Subject, string Fingerprint, DateTime NotAfter, DateTime ChangedAt)
{
    internal static AuthorityAnswer Of(DeviceAuthority authority) => new(
        authority.Id, authority.Name, authority.SpeaksFor, authority.Certificate.ExportCertificatePem(), authority.Certificate.Subject, authority.Hash,
        authority.Certificate.NotAfter.ToUniversalTime(), authority.ChangedAt);
}
