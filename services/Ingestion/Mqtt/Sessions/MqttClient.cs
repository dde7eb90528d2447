using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Certificates;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Mqtt.Sessions;

/// <summary>Who is behind a connection, as its CONNECT showed.</summary>
/// <param name="Municipality">The user name, or as the certificate says; null without a credential.</param>
/// <param name="Principal">Who the credential speaks for.</param>
/// <param name="Credential">The credential itself, to be shown to Observations in the client's name; null without one.</param>
/// <param name="ValidTo">Of an access token or a certificate: its end, UTC.</param>
/// <param name="Proof">Of a certificate: what it is believed for.</param>
sealed record MqttClient(string? Municipality, ClaimsPrincipal Principal, string? Credential, DateTime? ValidTo, CertificateProof? Proof = null)
{
    public static readonly MqttClient Anonymous = new(null, new ClaimsPrincipal(new ClaimsIdentity()), null, null);

    public bool IsAnonymous => Municipality is null;

    /// <summary>What it may read of a municipality's SensorThings, as one word: whoever has the same word sees the same.</summary>
    public string AccessClass(string municipality) => string.Join('+', Access.OfSensorThings(Principal, municipality));

    /// <summary>Puts the credential on a request to another service. A device's key or certificate is known here alone; elsewhere its holder is anybody.</summary>
    public void Authenticate(HttpRequestMessage request)
    {
        if (Credential is null || ApiKey.Fits(Credential, ApiKey.DevicePrefix)) return;
        if (Credentials.IsToken(Credential)) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Credential);
        else request.Headers.TryAddWithoutValidation("X-Api-Key", Credential);
    }
}
