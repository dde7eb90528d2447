using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Allmende.Identity.Keycloak;

/// <summary>
/// Keycloak's Admin REST API, as far as a municipality's clients need it. The provider of a one-machine installation
/// offers the same (<c>provider/src/admin.js</c>).
/// </summary>
sealed class KeycloakAdmin(IHttpClientFactory http, ProviderOptions options, TimeProvider clock) : IDisposable
{
    public const string HttpClientName = "keycloak";

    static readonly TimeSpan RenewBefore = TimeSpan.FromSeconds(30);

    readonly SemaphoreSlim renewing = new(1, 1);
    (string Value, DateTimeOffset ExpiresAt)? token;

    public void Dispose() => renewing.Dispose();

    /// <summary>The client with exactly this clientId.</summary>
    public async Task<ClientRepresentation?> FindClientAsync(string clientId, CancellationToken cancel) =>
        (await GetAsync($"clients?clientId={Uri.EscapeDataString(clientId)}", KeycloakJson.Default.ClientRepresentationArray, cancel)).FirstOrDefault(client => client.ClientId == clientId);

    /// <summary>Makes a client and answers Keycloak's id of it.</summary>
    public async Task<string> CreateClientAsync(ClientRepresentation client, CancellationToken cancel)
    {
        using var answer = await SendAsync(HttpMethod.Post, "clients", Json(client, KeycloakJson.Default.ClientRepresentation), cancel);
        return answer.Headers.Location?.Segments[^1] ?? throw new KeycloakException("it made a client without saying where");
    }

    public async Task DeleteClientAsync(string id, CancellationToken cancel) => (await SendAsync(HttpMethod.Delete, $"clients/{id}", null, cancel)).Dispose();

    /// <summary>A new secret; the old one is void.</summary>
    public async Task<string> RegenerateSecretAsync(string id, CancellationToken cancel)
    {
        using var answer = await SendAsync(HttpMethod.Post, $"clients/{id}/client-secret", null, cancel);
        return (await ReadAsync(answer, KeycloakJson.Default.SecretRepresentation, cancel)).Value;
    }

    /// <summary>The user that carries the roles of a client's service account.</summary>
    public Task<UserRepresentation> ServiceAccountUserAsync(string id, CancellationToken cancel) =>
        GetAsync($"clients/{id}/service-account-user", KeycloakJson.Default.UserRepresentation, cancel);

    public Task<RoleRepresentation[]> RolesAsync(string id, CancellationToken cancel) =>
        GetAsync($"clients/{id}/roles", KeycloakJson.Default.RoleRepresentationArray, cancel);

    public Task<RoleRepresentation> RoleAsync(string id, string name, CancellationToken cancel) =>
        GetAsync($"clients/{id}/roles/{Uri.EscapeDataString(name)}", KeycloakJson.Default.RoleRepresentation, cancel);

    public async Task CreateRoleAsync(string id, string name, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Post, $"clients/{id}/roles", Json(new(null, name), KeycloakJson.Default.RoleRepresentation), cancel, alsoGood: HttpStatusCode.Conflict)).Dispose();

    /// <summary>Gives a user a role of the client <paramref name="id"/>.</summary>
    public async Task MapRoleAsync(string user, string id, RoleRepresentation role, CancellationToken cancel) =>
        (await SendAsync(HttpMethod.Post, $"users/{user}/role-mappings/clients/{id}", Json([role], KeycloakJson.Default.RoleRepresentationArray), cancel)).Dispose();

    async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancel);
        return await ReadAsync(answer, type, cancel);
    }

    async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancel, HttpStatusCode? alsoGood = null)
    {
        var answer = await SendOnceAsync(method, path, body, await TokenAsync(cancel), cancel);
        if (answer.StatusCode == HttpStatusCode.Unauthorized)
        {
            // The provider has forgotten the token, after a restart with other keys for example.
            answer.Dispose();
            token = null;
            answer = await SendOnceAsync(method, path, body, await TokenAsync(cancel), cancel);
        }
        if (answer.IsSuccessStatusCode || answer.StatusCode == alsoGood) return answer;
        using (answer) throw new KeycloakException($"{method} {path.Split('?')[0]} answered {(int)answer.StatusCode}");
    }

    async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, string path, byte[]? body, string bearer, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, $"{options.Url}/admin/realms/{options.Realm}/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } };
        return await AskAsync(request, cancel);
    }

    async Task<string> TokenAsync(CancellationToken cancel)
    {
        if (token is { } held && held.ExpiresAt > clock.GetUtcNow()) return held.Value;
        await renewing.WaitAsync(cancel);
        try
        {
            if (token is { } renewed && renewed.ExpiresAt > clock.GetUtcNow()) return renewed.Value;
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{options.Url}/realms/{options.Realm}/protocol/openid-connect/token")
            {
                Content = new FormUrlEncodedContent(new Dictionary<string, string>
                {
                    ["grant_type"] = "client_credentials",
                    ["client_id"] = options.AdminClientId,
                    ["client_secret"] = options.AdminClientSecret,
                }),
            };
            using var answer = await AskAsync(request, cancel);
            if (!answer.IsSuccessStatusCode) throw new KeycloakException($"it gives the client {options.AdminClientId} no token ({(int)answer.StatusCode})");
            var got = await ReadAsync(answer, KeycloakJson.Default.TokenAnswer, cancel);
            token = (got.AccessToken, clock.GetUtcNow() + TimeSpan.FromSeconds(got.ExpiresIn) - RenewBefore);
            return got.AccessToken;
        }
        finally
        {
            renewing.Release();
        }
    }

    async Task<HttpResponseMessage> AskAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            using var client = http.CreateClient(HttpClientName);
            return await client.SendAsync(request, cancel);
        }
        catch (Exception fault) when (fault is HttpRequestException || (fault is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            throw new KeycloakException("it cannot be reached", fault);
        }
    }

    static byte[] Json<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancel);
        return await JsonSerializer.DeserializeAsync(body, type, cancel) ?? throw new KeycloakException("it answered nothing");
    }
}

/// <summary>The identity provider did not do as asked. The message names no secret.</summary>
sealed class KeycloakException(string what, Exception? cause = null) : Exception($"The identity provider failed: {what}.", cause);
