using System.Text;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Certificates;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Mqtt;

/// <summary>
/// Who a CONNECT speaks for. User name is the municipality, password a device's key, an API key or an access token; who has no password may have shown a certificate. A
/// municipality that does not exist answers as one whose credential is wrong.
/// </summary>
sealed class MqttLogin(Credentials credentials, CertificateLogin certificates, Municipalities municipalities, MqttOptions options)
{
    const int LongestCredential = 8 * 1024;

    /// <summary>The client, or why there is none.</summary>
    /// <param name="packet">Its CONNECT.</param>
    /// <param name="shown">The certificate that it showed in its handshake, if any.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<(MqttClient? Client, ReasonCode Code)> LoginAsync(ConnectPacket packet, ShownCertificate? shown, CancellationToken cancellation)
    {
        try
        {
            if (shown is not null && packet.Password is null or { Length: 0 }) return await certificates.LoginAsync(packet.UserName, shown, cancellation);
            return await LoginAsync(packet, cancellation);
        }
        catch (Exception fault) when (Infrastructure.IsAtFault(fault) || (fault is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (null, ReasonCode.ServerUnavailable);
        }
    }

    async ValueTask<(MqttClient? Client, ReasonCode Code)> LoginAsync(ConnectPacket packet, CancellationToken cancellation)
    {
        if (packet.UserName is not { } municipality)
            return packet.Password is not null ? (null, ReasonCode.BadUserNameOrPassword)
                : options.AllowAnonymous ? (MqttClient.Anonymous, ReasonCode.Success) : (null, ReasonCode.NotAuthorized);
        if (packet.Password is not { Length: > 0 and <= LongestCredential } password || !Municipalities.IsSlug(municipality)) return (null, ReasonCode.BadUserNameOrPassword);
        if (await municipalities.FindAsync(municipality, cancellation) is null) return (null, ReasonCode.BadUserNameOrPassword);
        return await VerifyAsync(municipality, Encoding.UTF8.GetString(password), cancellation);
    }

    /// <summary>Whether a client's credential still holds; what cannot be told now is taken to hold.</summary>
    public async ValueTask<bool> StillHoldsAsync(MqttClient client, CancellationToken cancellation)
    {
        if (client.IsAnonymous) return true;
        if (client.ValidTo is { } end && (client.Proof is null || DateTime.UtcNow >= end)) return DateTime.UtcNow < end;
        try
        {
            if (client.Proof is { } proof) return await certificates.StillHoldsAsync(client.Municipality!, proof, cancellation);
            return (await VerifyAsync(client.Municipality!, client.Credential!, cancellation)).Code is ReasonCode.Success or ReasonCode.ServerUnavailable;
        }
        catch (Exception fault) when (Infrastructure.IsAtFault(fault) || fault is OperationCanceledException)
        {
            return true;
        }
    }

    async ValueTask<(MqttClient? Client, ReasonCode Code)> VerifyAsync(string municipality, string credential, CancellationToken cancellation)
    {
        var verdict = Credentials.IsToken(credential)
            ? await credentials.VerifyTokenAsync(credential, cancellation)
            : await credentials.VerifyKeyAsync(municipality, credential, cancellation);
        if (verdict.Unreachable is not null) return (null, ReasonCode.ServerUnavailable);
        return verdict.Principal is { } principal && principal.HasClaim(Roles.MunicipalityClaim, municipality)
            ? (new MqttClient(municipality, principal, credential, verdict.ValidTo), ReasonCode.Success)
            : (null, ReasonCode.BadUserNameOrPassword);
    }
}
