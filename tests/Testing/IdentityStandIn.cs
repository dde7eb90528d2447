using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Allmende.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Allmende.Testing;

/// <summary>
/// Stands in for Identity and its OpenID provider, so that one service can be tested alone: the list of municipalities, published keys, and access tokens
/// signed with them. It is no test of Identity.
/// </summary>
public sealed class IdentityStandIn : IAsyncDisposable
{
    const string KeyId = "test";

    readonly ConcurrentDictionary<string, Municipality> municipalities = new(StringComparer.Ordinal);
    readonly RSA key = RSA.Create(2048);
    readonly WebApplication app;

    IdentityStandIn(WebApplication app) => this.app = app;

    /// <summary>For <c>Platform:Services:identity</c>.</summary>
    public string Url { get; private set; } = "";

    /// <summary>For <c>Platform:Identity:Issuer</c>.</summary>
    public string Issuer => Url + "/realms/allmende";

    /// <summary>Starts it on a free port of this machine.</summary>
    public static async Task<IdentityStandIn> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var standIn = new IdentityStandIn(builder.Build());
        standIn.Map();
        await standIn.app.StartAsync();
        standIn.Url = standIn.app.Urls.Single();
        return standIn;
    }

    /// <summary>The installation has this municipality from now on; its database must be there.</summary>
    public void Add(Municipality municipality) => municipalities[municipality.Id] = municipality;

    /// <summary>An access token of a client of <paramref name="municipality"/> with <paramref name="roles"/>, valid for five minutes.</summary>
    public string Token(string municipality, params string[] roles)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = new Dictionary<string, object>
        {
            ["iss"] = Issuer,
            ["aud"] = "allmende",
            ["azp"] = municipality + "-test",
            ["sub"] = municipality + "-test",
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + 300,
            ["municipality"] = municipality,
            ["resource_access"] = new Dictionary<string, object> { ["allmende"] = new Dictionary<string, object> { ["roles"] = roles } },
        };
        var head = new Dictionary<string, string> { ["alg"] = "RS256", ["typ"] = "at+jwt", ["kid"] = KeyId };
        var signed = Base64Url(JsonSerializer.SerializeToUtf8Bytes(head)) + "." + Base64Url(JsonSerializer.SerializeToUtf8Bytes(claims));
        return signed + "." + Base64Url(key.SignData(System.Text.Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        key.Dispose();
    }

    void Map()
    {
        app.MapGet("/internal/municipalities", () => Results.Json(municipalities.Values.ToArray(), ContractsJson.Default.MunicipalityArray));
        app.MapGet("/internal/api-keys/{hash}", () => Results.NotFound());
        app.MapGet("/realms/allmende/.well-known/openid-configuration", () =>
            Results.Json(new Dictionary<string, string> { ["issuer"] = Issuer, ["jwks_uri"] = Url + "/certs" }));
        app.MapGet("/certs", () =>
        {
            var parameters = key.ExportParameters(includePrivateParameters: false);
            var jwk = new Dictionary<string, string>
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["alg"] = "RS256",
                ["kid"] = KeyId,
                ["n"] = Base64Url(parameters.Modulus!),
                ["e"] = Base64Url(parameters.Exponent!),
            };
            return Results.Json(new Dictionary<string, object> { ["keys"] = new[] { jwk } });
        });
    }

    static string Base64Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
