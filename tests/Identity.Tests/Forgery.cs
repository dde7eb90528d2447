using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Allmende.Identity.Tests;

/// <summary>Makes tokens by hand, good and bad, from the provider's own private key or another.</summary>
sealed class Forgery(IdentityInstallation installation, string municipality)
{
    /// <summary>The provider's signing key, which only these tests can read.</summary>
    public (RSA Key, string Kid) ProviderKey()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(installation.ProviderData, "keys.json")));
        var jwk = file.RootElement.GetProperty("keys")[0].GetProperty("jwk");
        byte[] Part(string name) => Base64Url.DecodeFromChars(jwk.GetProperty(name).GetString());
        return (RSA.Create(new RSAParameters
        {
            Modulus = Part("n"),
            Exponent = Part("e"),
            D = Part("d"),
            P = Part("p"),
            Q = Part("q"),
            DP = Part("dp"),
            DQ = Part("dq"),
            InverseQ = Part("qi"),
        }), jwk.GetProperty("kid").GetString()!);
    }

    /// <summary>Claims of a token that would be accepted.</summary>
    public JsonObject Claims()
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return new JsonObject
        {
            ["iss"] = installation.Issuer,
            ["aud"] = "allmende",
            ["azp"] = municipality + "-admin",
            ["sub"] = "somebody",
            ["iat"] = now,
            ["exp"] = now + 300,
            ["municipality"] = municipality,
            ["resource_access"] = JsonNode.Parse("""{"allmende":{"roles":["admin"]}}"""),
        };
    }

    /// <summary>A token of the provider's key, but for what is changed.</summary>
    public string Signed(Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var (key, kid) = ProviderKey();
        using (key) return SignedBy(key, kid, claims, header);
    }

    /// <summary>A token of another key.</summary>
    public string SignedBy(RSA key, string kid, Action<JsonObject>? claims = null, Action<JsonObject>? header = null) => Token(
        "RS256", kid, claims, header, text => key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public string Token(string algorithm, string? kid, Action<JsonObject>? claims, Action<JsonObject>? header, Func<byte[], byte[]> sign)
    {
        var head = new JsonObject { ["alg"] = algorithm, ["typ"] = "at+jwt" };
        if (kid is not null) head["kid"] = kid;
        header?.Invoke(head);
        var body = Claims();
        claims?.Invoke(body);
        var text = $"{Encoded(head)}.{Encoded(body)}";
        return $"{text}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    static string Encoded(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
