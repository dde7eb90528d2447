using System.Security.Claims;

namespace Allmende.Platform.Security;

/// <summary>Checks what a caller shows, for doors of every protocol alike: an access token, or an API key of any kind.</summary>
public sealed class Credentials
{
    readonly AccessTokens tokens;
    readonly IEnumerable<IApiKeyVerifier> keys;

    internal Credentials(AccessTokens tokens, IEnumerable<IApiKeyVerifier> keys) => (this.tokens, this.keys) = (tokens, keys);

    /// <summary>Whether <paramref name="credential"/> is to be checked as a token: three parts, which no API key has.</summary>
    public static bool IsToken(string credential) => credential.Contains('.', StringComparison.Ordinal);

    /// <summary>Who an access token speaks for.</summary>
    public async ValueTask<CredentialVerdict> VerifyTokenAsync(string token, CancellationToken cancel)
    {
        try
        {
            var verdict = await tokens.ValidateAsync(token, cancel);
            return verdict.Principal is { } principal ? new(principal, verdict.ValidTo, null, null) : CredentialVerdict.Refused(verdict.Reason!);
        }
        catch (ProviderUnreachable fault)
        {
            return CredentialVerdict.Unknown(fault);
        }
    }

    /// <summary>Who an API key speaks for.</summary>
    /// <param name="municipality">Where it is shown; null where the door has no municipality.</param>
    /// <param name="key">The key.</param>
    /// <param name="cancel">Gives up.</param>
    public async ValueTask<CredentialVerdict> VerifyKeyAsync(string? municipality, string key, CancellationToken cancel)
    {
        try
        {
            foreach (var verifier in keys)
                if (await verifier.VerifyAsync(municipality, key, cancel) is { } holder) return new(Caller.Of(holder), null, null, null);
            return CredentialVerdict.Refused("The API key is unknown or revoked.");
        }
        catch (ProviderUnreachable fault)
        {
            return CredentialVerdict.Unknown(fault);
        }
    }
}

/// <summary>What a check came to: a principal, or the reason for none, or that nobody can tell now.</summary>
/// <param name="Principal">Who it is.</param>
/// <param name="ValidTo">Of a token: until when it may be believed, UTC.</param>
/// <param name="Reason">Why it is refused, for people.</param>
/// <param name="Unreachable">Who would know does not answer.</param>
public readonly record struct CredentialVerdict(ClaimsPrincipal? Principal, DateTime? ValidTo, string? Reason, Exception? Unreachable)
{
    internal static CredentialVerdict Refused(string reason) => new(null, null, reason, null);

    internal static CredentialVerdict Unknown(Exception fault) => new(null, null, "Who would know the credential does not answer.", fault);
}
