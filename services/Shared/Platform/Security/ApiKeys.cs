using System.Buffers;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Allmende.Platform.Security;

/// <summary>Who an API key speaks for.</summary>
/// <param name="Id">The key's id, or the device's; appears in the audit, unlike the key.</param>
/// <param name="Municipality">Whose key it is.</param>
/// <param name="Scopes">What it may do, e.g. <c>uplinks:write</c>.</param>
public sealed record ApiKeyHolder(string Id, string Municipality, IReadOnlyList<string> Scopes);

/// <summary>
/// Knows the API keys of one kind. All registered verifiers are asked in turn until one knows the key;
/// a verifier passes at once over keys that do not have its prefix.
/// </summary>
public interface IApiKeyVerifier
{
    /// <summary>The holder of <paramref name="key"/>, or null when it is unknown, revoked, or of another kind.</summary>
    /// <param name="municipality">Where it is shown; null where the door has no municipality. Some keys say nothing of theirs themselves.</param>
    /// <param name="key">What is shown.</param>
    /// <param name="cancel">Gives up.</param>
    ValueTask<ApiKeyHolder?> VerifyAsync(string? municipality, string key, CancellationToken cancel);
}

/// <summary>The shape of API keys: a prefix that says the kind, and 256 random bits in base 62. Only their SHA-256 is ever kept.</summary>
public static class ApiKey
{
    /// <summary>Prefix of a municipality's keys, which Identity keeps.</summary>
    public const string MunicipalityPrefix = "ak_";
    /// <summary>Prefix of a device's key, which Ingestion keeps.</summary>
    public const string DevicePrefix = "dk_";

    const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const int RandomLength = 43;
    static readonly SearchValues<char> Base62 = SearchValues.Create(Digits);

    /// <summary>A new key.</summary>
    public static string Create(string prefix)
    {
        var number = new BigInteger(RandomNumberGenerator.GetBytes(32), isUnsigned: true);
        return prefix + string.Create(RandomLength, number, static (text, rest) =>
        {
            for (var i = text.Length - 1; i >= 0; i--)
            {
                rest = BigInteger.DivRem(rest, Digits.Length, out var digit);
                text[i] = Digits[(int)digit];
            }
        });
    }

    /// <summary>Whether <paramref name="key"/> could be a key with this prefix; spares a look-up for what cannot.</summary>
    public static bool Fits(string key, string prefix) =>
        key.Length == prefix.Length + RandomLength && key.StartsWith(prefix, StringComparison.Ordinal)
        && !key.AsSpan(prefix.Length).ContainsAnyExcept(Base62);

    /// <summary>SHA-256 of the key, lower-case hexadecimal: what is stored, and what <c>api-key.revoked</c> carries.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
