using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>
/// Stand-ins for Identity with its OpenID provider, Streams and Observations: one small HTTP server that answers what docs/architecture.md says they answer
/// to Ingestion. Journeys through the real services are tested elsewhere.
/// </summary>
sealed class Neighbours : IAsyncDisposable
{
    public const string InternalKey = "internal-key-of-the-tests";

    readonly WebApplication app;
    readonly RsaSecurityKey signing = new(RSA.Create(2048)) { KeyId = "tests" };
    readonly ConcurrentDictionary<string, ApiKeyHolder> keys = new();
    readonly ConcurrentDictionary<(string Municipality, string Id), DeviceProfile> profiles = new();

    Neighbours(WebApplication app)
    {
        this.app = app;
        Map();
    }

    public string Url => app.Urls.Single();

    public string Issuer => $"{Url}/realms/allmende";

    /// <summary>What Identity lists.</summary>
    public ConcurrentDictionary<string, Municipality> Municipalities { get; } = new();

    /// <summary>The Things that Observations serves. Null: it serves each at once.</summary>
    public Func<string, string, bool> ServesThing { get; set; } = (_, _) => true;

    /// <summary>False: Streams answers 503.</summary>
    public bool StreamsAnswers { get; set; } = true;

    public static async Task<Neighbours> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var neighbours = new Neighbours(app);
        await app.StartAsync();
        return neighbours;
    }

    public void Add(string municipality) =>
        Municipalities[municipality] = new Municipality(municipality, "Stadt " + municipality, "059990001001", 1000, [8.38, 51.9], [8.3, 51.8, 8.4, 52]);

    public void Add(string municipality, DeviceProfile profile) => profiles[(municipality, profile.Id)] = profile;

    /// <summary>A municipality's API key that may write uplinks.</summary>
    public string AddKey(string municipality, params string[] scopes)
    {
        var key = ApiKey.Create(ApiKey.MunicipalityPrefix);
        keys[ApiKey.Hash(key)] = new ApiKeyHolder("tests", municipality, scopes);
        return key;
    }

    /// <summary>An access token as the provider makes it.</summary>
    public string Token(string municipality, params string[] roles) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Issuer,
        Audience = "allmende",
        Expires = DateTime.UtcNow.AddMinutes(10),
        SigningCredentials = new SigningCredentials(signing, SecurityAlgorithms.RsaSha256),
        Claims = new Dictionary<string, object>
        {
            ["azp"] = "tests",
            ["municipality"] = municipality,
            ["resource_access"] = new Dictionary<string, object> { ["allmende"] = new Dictionary<string, object> { ["roles"] = roles } },
        },
    });

    /// <summary>The feeds that Observations serves.</summary>
    public FeedStandIn Feed { get; } = new();

    /// <summary>What was posted to SensorThings: path, credential, body. What it answers is up to <see cref="AnswersPost"/>.</summary>
    public ConcurrentQueue<(string Path, string? Credential, string Body)> Posted { get; } = new();

    /// <summary>Status of a POST to SensorThings, by its body.</summary>
    public Func<string, int> AnswersPost { get; set; } = _ => 201;

    /// <summary>What Streams' codecs make of data that is to be sent, by codec and call: status and body.</summary>
    public Func<string, JsonElement, (int Status, string Body)> Encodes { get; set; } = (_, _) => (404, "{}");

    void Map()
    {
        Feed.Map(app);
        app.MapPost("/{municipality}/sta/v1.1/{**path}", async (HttpContext context, string municipality, string path) =>
        {
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            if (context.Request.Headers.ContainsKey("X-Internal-Key")) return Results.StatusCode(500);
            Posted.Enqueue(($"{municipality}: {path}", FeedStandIn.CredentialOf(context), body));
            var status = AnswersPost(body);
            return status < 400 ? Results.StatusCode(status) : Results.Json(new { code = status, type = "error", message = $"said {status}" }, statusCode: status);
        });
        app.MapGet("/internal/municipalities", () => Results.Json(Municipalities.Values.ToArray(), ContractsJson.Default.MunicipalityArray));
        app.MapGet("/internal/api-keys/{hash}", (string hash) => keys.TryGetValue(hash, out var holder) ? Results.Ok(holder) : Results.NotFound());
        app.MapGet("/realms/allmende/.well-known/openid-configuration", () => Results.Ok(new { issuer = Issuer, jwks_uri = $"{Issuer}/keys" }));
        app.MapGet("/realms/allmende/keys", () => Results.Ok(new { keys = new[] { PublicKey() } }));
        app.MapGet("/internal/{municipality}/device-profiles/{id}", (string municipality, string id) =>
            !StreamsAnswers ? Results.StatusCode(503)
            : profiles.TryGetValue((municipality, id), out var profile) ? Results.Json(profile, ContractsJson.Default.DeviceProfile) : Results.NotFound());
        app.MapPost("/internal/{municipality}/codecs/{id}/encode", (string id, JsonElement call) =>
        {
            var (status, body) = Encodes(id, call);
            return Results.Text(body, "application/json", statusCode: status);
        });
        app.MapGet("/internal/{municipality}/things/{id}", (string municipality, string id) => ServesThing(municipality, id) ? Results.NoContent() : Results.NotFound());
    }

    object PublicKey()
    {
        var key = signing.Rsa.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", alg = "RS256", kid = signing.KeyId, n = Base64UrlEncoder.Encode(key.Modulus), e = Base64UrlEncoder.Encode(key.Exponent) };
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
