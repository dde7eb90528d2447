using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Allmende.Platform.Security;

/// <summary>
/// Validates access tokens (RFC 9068, and Keycloak's): signature by a published key, issuer, audience, expiry, not-before.
/// Only signed tokens of three parts with an asymmetric algorithm are looked at; the algorithm is ours to choose, never the token's.
/// A valid token is remembered by its hash until it expires or the provider's keys change.
/// </summary>
sealed class AccessTokens : IDisposable
{
    /// <summary>Longer than any token with our claims; what is longer costs nobody a signature check.</summary>
    const int LongestToken = 8 * 1024;

    static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);
    static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    readonly IdentityOptions options;
    readonly IConfigurationManager<OpenIdConnectConfiguration> provider;
    readonly JsonWebTokenHandler tokens = new() { SetDefaultTimesOnTokenCreation = false };
    readonly MemoryCache valid = new(new MemoryCacheOptions { SizeLimit = 10_000 });

    public AccessTokens(IdentityOptions options, IConfigurationManager<OpenIdConnectConfiguration> provider)
    {
        this.options = options;
        this.provider = provider;
    }

    /// <summary>Who the token speaks for, or why it is refused.</summary>
    /// <exception cref="ProviderUnreachable">The provider's keys are not known and cannot be had now.</exception>
    public async ValueTask<TokenVerdict> ValidateAsync(string token, CancellationToken cancel)
    {
        if (token.Length > LongestToken) return TokenVerdict.Refused("The token is too long.");
        if (token.AsSpan().Count('.') != 2) return TokenVerdict.Refused("Only signed tokens of three parts are accepted.");

        var configuration = await ConfigurationAsync(cancel);
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        // Bound to the key it was checked with: when the provider withdraws a key, what that key signed is worth nothing.
        if (valid.TryGetValue(hash, out Remembered? known) && KeyOf(configuration, known!.Key) is not null) return TokenVerdict.Of(known.Principal, known.ValidTo);

        var result = Validate(token, configuration);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            // Perhaps a new key signs. The manager asks the provider at most once per interval, however many such tokens arrive.
            provider.RequestRefresh();
            var newer = await ConfigurationAsync(cancel);
            if (!ReferenceEquals(newer, configuration)) result = Validate(token, newer);
        }
        if (!result.IsValid) return TokenVerdict.Refused(Reason(result.Exception));

        var accepted = (JsonWebToken)result.SecurityToken;
        var principal = PrincipalOf(accepted);
        valid.Set(hash, new Remembered(principal, accepted.Kid, accepted.ValidTo), new MemoryCacheEntryOptions
        {
            Size = 1,
            AbsoluteExpiration = accepted.ValidTo + ClockSkew,
        });
        return TokenVerdict.Of(principal, accepted.ValidTo);
    }

    public void Dispose() => valid.Dispose();

    async ValueTask<OpenIdConnectConfiguration> ConfigurationAsync(CancellationToken cancel)
    {
        try
        {
            return await provider.GetConfigurationAsync(cancel);
        }
        catch (InvalidOperationException fault)
        {
            throw new ProviderUnreachable(fault);
        }
    }

    TokenValidationResult Validate(string token, OpenIdConnectConfiguration configuration) =>
        tokens.ValidateToken(token, new TokenValidationParameters
        {
            ValidIssuer = options.Issuer,
            ValidAudience = options.Audience,
            ValidAlgorithms = Algorithms,
            ValidTypes = ["at+jwt", "JWT"],
            ClockSkew = ClockSkew,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            // By key id alone: trying every key would make each forged token cost several signature checks.
            IssuerSigningKeyResolver = (_, _, kid, _) => KeyOf(configuration, kid) is { } key ? [key] : [],
            TryAllIssuerSigningKeys = false,
        });

    static SecurityKey? KeyOf(OpenIdConnectConfiguration configuration, string? id) =>
        string.IsNullOrEmpty(id) ? null : configuration.SigningKeys.FirstOrDefault(key => key.KeyId == id);

    static string Reason(Exception fault) => fault switch
    {
        SecurityTokenExpiredException => "The token has expired.",
        SecurityTokenNotYetValidException => "The token is not valid yet.",
        SecurityTokenInvalidIssuerException => "The token is of another issuer.",
        SecurityTokenInvalidAudienceException => "The token is for another audience.",
        SecurityTokenInvalidAlgorithmException => "The token's algorithm is not accepted.",
        SecurityTokenInvalidTypeException => "The token is no access token.",
        SecurityTokenSignatureKeyNotFoundException => "The token's key is unknown.",
        SecurityTokenNoExpirationException => "The token does not expire.",
        _ => "The token is invalid.",
    };

    /// <summary>Only the claims that we act on, in our own shape: nothing else of a token can come to mean anything.</summary>
    internal static ClaimsPrincipal PrincipalOf(JsonWebToken token)
    {
        var identity = new ClaimsIdentity(TokenAuthentication.Scheme, Caller.ClientClaim, Roles.RoleClaim);
        if (Text(token, "azp") is { } client) identity.AddClaim(new(Caller.ClientClaim, client));
        if (Text(token, "sub") is { } subject) identity.AddClaim(new(Caller.SubjectClaim, subject));
        if (Text(token, Roles.MunicipalityClaim) is { } municipality)
        {
            identity.AddClaim(new(Roles.MunicipalityClaim, municipality));
            foreach (var role in RolesIn(token, "resource_access", "allmende")) identity.AddClaim(new(Roles.RoleClaim, role));
        }
        // The operator is the realm's, never a municipality's: a municipality's client cannot carry the role.
        else if (RolesIn(token, "realm_access").Contains(Roles.Operator)) identity.AddClaim(new(Roles.RoleClaim, Roles.Operator));
        return new ClaimsPrincipal(identity);
    }

    static string? Text(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue<string>(claim, out var value) && value.Length > 0 ? value : null;

    static string[] RolesIn(JsonWebToken token, params ReadOnlySpan<string> path)
    {
        if (!token.TryGetClaim(path[0], out var claim)) return [];
        try
        {
            using var json = JsonDocument.Parse(claim.Value);
            var element = json.RootElement;
            foreach (var step in path[1..])
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element)) return [];
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty("roles", out var roles) && roles.ValueKind == JsonValueKind.Array
                ? [.. roles.EnumerateArray().Where(role => role.ValueKind == JsonValueKind.String).Select(role => role.GetString()!)]
                : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    sealed record Remembered(ClaimsPrincipal Principal, string Key, DateTime ValidTo);
}

/// <summary>Outcome of a validation: a principal and until when (UTC) it may be believed, or the reason for none.</summary>
readonly record struct TokenVerdict(ClaimsPrincipal? Principal, DateTime ValidTo, string? Reason)
{
    public static TokenVerdict Of(ClaimsPrincipal principal, DateTime validTo) => new(principal, validTo, null);

    public static TokenVerdict Refused(string reason) => new(null, default, reason);
}

/// <summary>Nobody can be let in or turned away, because the identity provider (or Identity) does not answer.</summary>
sealed class ProviderUnreachable(Exception cause) : Exception("The identity provider cannot be reached.", cause);
