using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Allmende.Supervisor.Onboarding;

/// <summary>The calls of an operator or a municipality's admin, through the gateway as any client's.</summary>
public sealed class OperatorApi : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    readonly HttpClient http;

    OperatorApi(HttpClient http) => this.http = http;

    /// <summary>Gets a token by client credentials and comes back ready to call.</summary>
    /// <exception cref="InstallationException">The provider gives no token.</exception>
    public static async Task<OperatorApi> SignInAsync(Uri gateway, string tokenEndpoint, ClientCredentials client, CancellationToken cancellation = default)
    {
        var http = new HttpClient { BaseAddress = gateway, Timeout = TimeSpan.FromMinutes(2) };
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client.ClientId,
            ["client_secret"] = client.ClientSecret,
        });
        using var answer = await http.PostAsync(new Uri(tokenEndpoint), form, cancellation);
        if (!answer.IsSuccessStatusCode)
            throw new InstallationException($"{tokenEndpoint} gives the client {client.ClientId} no token: {await SaidAsync(answer, cancellation)}");
        var token = await answer.Content.ReadFromJsonAsync<JsonObject>(cancellation);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token!["access_token"]!.GetValue<string>());
        return new OperatorApi(http);
    }

    /// <summary>Onboards a municipality; null when it is there already. The answer has its clients' secrets, this once.</summary>
    /// <exception cref="InstallationException">It is refused.</exception>
    public async Task<JsonObject?> OnboardAsync(Municipality municipality, CancellationToken cancellation = default)
    {
        for (var until = DateTime.UtcNow + Patience; ; await Task.Delay(TimeSpan.FromSeconds(1), cancellation))
        {
            using var answer = await http.PostAsJsonAsync("/operator/municipalities", municipality, cancellation);
            switch (answer.StatusCode)
            {
                case HttpStatusCode.Conflict:
                    return null;
                case HttpStatusCode.Created:
                    return await answer.Content.ReadFromJsonAsync<JsonObject>(cancellation);
                // A service is not ready for it yet; the same call goes on where this one ended.
                case HttpStatusCode.ServiceUnavailable when DateTime.UtcNow < until:
                    continue;
                default:
                    throw new InstallationException($"Onboarding {municipality.Id} failed: {await SaidAsync(answer, cancellation)}");
            }
        }
    }

    /// <summary>Gives a municipality's client a new secret, as the operator.</summary>
    public async Task<ClientCredentials> ReplaceSecretAsync(string municipality, string client, CancellationToken cancellation = default) =>
        await PostAsync<ClientCredentials>($"/operator/municipalities/{municipality}/clients/{client}/secret", new JsonObject(), cancellation);

    /// <summary>Makes an API key with a scope, as the municipality's admin.</summary>
    public async Task<string> MakeKeyAsync(string municipality, string name, string scope, CancellationToken cancellation = default)
    {
        var wanted = new JsonObject { ["name"] = name, ["scopes"] = new JsonArray(scope) };
        return (await PostAsync<JsonObject>($"/{municipality}/identity/api-keys", wanted, cancellation))["key"]!.GetValue<string>();
    }

    public void Dispose() => http.Dispose();

    async Task<T> PostAsync<T>(string path, JsonObject body, CancellationToken cancellation)
    {
        using var answer = await http.PostAsJsonAsync(path, body, cancellation);
        if (!answer.IsSuccessStatusCode)
            throw new InstallationException($"POST {path} failed: {await SaidAsync(answer, cancellation)}");
        return (await answer.Content.ReadFromJsonAsync<T>(cancellation))!;
    }

    static async Task<string> SaidAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}";
}
