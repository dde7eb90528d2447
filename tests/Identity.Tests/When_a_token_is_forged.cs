using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_a_token_is_forged
{
    IdentityInstallation installation = null!;
    Onboarded municipality = null!;
    Forgery forgery = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        installation = await IdentityInstallation.SharedAsync();
        municipality = await installation.OnboardAsync();
        forgery = new Forgery(installation, municipality.Id);
    }

    [Test]
    public async Task Should_accept_the_token_that_all_forgeries_are_made_from() =>
        Assert.That(await MembersAsync(forgery.Signed()), Is.EqualTo(HttpStatusCode.OK));

    [TestCase("none")]
    [TestCase("None")]
    [TestCase("nOnE")]
    public async Task Should_refuse_a_token_without_signature(string algorithm)
    {
        var (key, kid) = forgery.ProviderKey();
        key.Dispose();
        Assert.That(await MembersAsync(forgery.Token(algorithm, kid, null, null, _ => [])), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [TestCase("HS256")]
    [TestCase("HS384")]
    [TestCase("HS512")]
    public async Task Should_refuse_HMAC_with_the_public_key(string algorithm)
    {
        var (key, kid) = forgery.ProviderKey();
        using var _ = key;
        byte[][] secrets = [Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()), key.ExportSubjectPublicKeyInfo(), key.ExportRSAPublicKey(), key.ExportParameters(false).Modulus!];
        foreach (var secret in secrets)
        {
            var token = forgery.Token(algorithm, kid, null, null, text => algorithm switch
            {
                "HS256" => HMACSHA256.HashData(secret, text),
                "HS384" => HMACSHA384.HashData(secret, text),
                _ => HMACSHA512.HashData(secret, text),
            });
            Assert.That(await MembersAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
        }
    }

    [Test]
    public async Task Should_refuse_an_encrypted_token()
    {
        // Encrypted to the provider's public key, with a good token inside.
        var (key, kid) = forgery.ProviderKey();
        using var _ = key;
        var head = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(new JsonObject { ["alg"] = "RSA-OAEP", ["enc"] = "A256GCM", ["kid"] = kid, ["cty"] = "JWT", ["zip"] = "DEF" }.ToJsonString()));
        var contentKey = RandomNumberGenerator.GetBytes(32);
        var nonce = RandomNumberGenerator.GetBytes(12);
        var plain = Encoding.ASCII.GetBytes(forgery.Signed());
        var cipher = new byte[plain.Length];
        var tag = new byte[16];
        using var aes = new AesGcm(contentKey, 16);
        aes.Encrypt(nonce, plain, cipher, tag, Encoding.ASCII.GetBytes(head));
        var parts = new[] { key.Encrypt(contentKey, RSAEncryptionPadding.OaepSHA1), nonce, cipher, tag }.Select(part => Base64Url.EncodeToString(part));

        using var answer = await SendAsync("members", $"{head}.{string.Join('.', parts)}");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Headers.WwwAuthenticate.ToString(), Does.Contain("three parts"));
    }

    [Test]
    public async Task Should_refuse_another_issuer() => await RefusedAsync(claims => claims["iss"] = "https://elsewhere.example/realms/allmende", "another issuer");

    [Test]
    public async Task Should_refuse_another_audience() => await RefusedAsync(claims => claims["aud"] = "account", "another audience");

    [Test]
    public async Task Should_refuse_no_audience() => await RefusedAsync(claims => claims.Remove("aud"), "");

    [Test]
    public async Task Should_refuse_an_expired_token() => await RefusedAsync(claims => claims["exp"] = In(-40), "expired");

    [Test]
    public async Task Should_refuse_a_token_that_never_expires() => await RefusedAsync(claims => claims.Remove("exp"), "");

    [Test]
    public async Task Should_refuse_a_token_that_is_not_valid_yet() => await RefusedAsync(claims => claims["nbf"] = In(40), "not valid yet");

    [Test]
    public async Task Should_forgive_clocks_that_differ_by_seconds()
    {
        Assert.That(await MembersAsync(forgery.Signed(claims => claims["exp"] = In(-10))), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await MembersAsync(forgery.Signed(claims => claims["nbf"] = In(10))), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Should_refuse_a_token_of_another_kind()
    {
        var token = forgery.Signed(header: header => header["typ"] = "logout+jwt");
        Assert.That(await MembersAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_refuse_an_attackers_key_whatever_the_header_says_of_it()
    {
        using var attacker = RSA.Create(2048);
        var (key, kid) = forgery.ProviderKey();
        key.Dispose();
        var jwk = new JsonObject
        {
            ["kty"] = "RSA",
            ["n"] = Base64Url.EncodeToString(attacker.ExportParameters(false).Modulus),
            ["e"] = "AQAB",
            ["kid"] = "mine",
        };
        foreach (var token in new[]
        {
            forgery.SignedBy(attacker, kid),
            forgery.SignedBy(attacker, "mine", header: header => header["jwk"] = jwk.DeepClone()),
            forgery.SignedBy(attacker, "mine", header: header => header["jku"] = installation.ServiceUrl + "/keys"),
            forgery.SignedBy(attacker, ""),
        })
            Assert.That(await MembersAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_refuse_a_changed_payload()
    {
        var parts = forgery.Signed().Split('.');
        var other = forgery.Signed(claims => claims["azp"] = "somebody-else").Split('.');
        Assert.That(await MembersAsync($"{parts[0]}.{other[1]}.{parts[2]}"), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [TestCase("")]
    [TestCase("x")]
    [TestCase("a.b.c")]
    [TestCase("..")]
    [TestCase("eyJhbGciOiJSUzI1NiJ9..")]
    [TestCase("eyJhbGciOiJSUzI1NiJ9.e30.AA")]
    public async Task Should_refuse_rubbish_as_unauthorized(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{installation.ServiceUrl}/{municipality.Id}/members");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        using var answer = await installation.Http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_refuse_an_overlong_token() =>
        Assert.That(await MembersAsync(forgery.Signed(claims => claims["filler"] = new string('x', 9000))), Is.EqualTo(HttpStatusCode.Unauthorized));

    [Test]
    public async Task Should_not_turn_a_bad_credential_into_the_view_of_the_public()
    {
        using var nobody = await SendAsync("open", null);
        Assert.That(await nobody.Content.ReadAsStringAsync(), Is.EqualTo("anonymous open"));
        using var expired = await SendAsync("open", forgery.Signed(claims => claims["exp"] = In(-40)));
        Assert.That(expired.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(JsonNode.Parse(await expired.Content.ReadAsStringAsync())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:unauthorized"));
    }

    [Test]
    public async Task Should_not_make_an_operator_of_a_municipalitys_client()
    {
        var token = forgery.Signed(claims => claims["realm_access"] = JsonNode.Parse("""{"roles":["operator"]}"""));
        using var answer = await installation.SendAsync(HttpMethod.Get, "/operator/municipalities", token);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Should_survive_claims_of_odd_shape()
    {
        foreach (var odd in new JsonNode?[] { null, 7, "x", new JsonArray("admin"), JsonNode.Parse("""{"allmende":[]}"""), JsonNode.Parse("""{"allmende":{"roles":"admin"}}"""), JsonNode.Parse("""{"allmende":{"roles":[1,null]}}""") })
            Assert.That(await MembersAsync(forgery.Signed(claims => claims["resource_access"] = odd?.DeepClone())), Is.EqualTo(HttpStatusCode.Forbidden), odd?.ToJsonString());
    }

    async Task RefusedAsync(Action<JsonObject> change, string reason)
    {
        using var answer = await SendAsync("members", forgery.Signed(change));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Headers.WwwAuthenticate.ToString(), Does.Contain("invalid_token").And.Contain(reason));
    }

    async Task<HttpStatusCode> MembersAsync(string token)
    {
        using var answer = await SendAsync("members", token);
        return answer.StatusCode;
    }

    Task<HttpResponseMessage> SendAsync(string door, string? token) =>
        installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{municipality.Id}/{door}", token);

    static long In(int seconds) => DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds();
}
