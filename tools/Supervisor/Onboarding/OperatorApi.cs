using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Allmende.Supervisor.Onboarding;

/// <summary>The operator's calls, through the gateway as any client's.</summary>
public sealed class OperatorApi : IDisposable
{
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
        using var answer = await http.PostAsJsonAsync("/operator/municipalities", municipality, cancellation);
        return answer.StatusCode switch
        {
            HttpStatusCode.Conflict => null,
            HttpStatusCode.Created => await answer.Content.ReadFromJsonAsync<JsonObject>(cancellation),
            _ => throw new InstallationException($"Onboarding {municipality.Id} failed: {await SaidAsync(answer, cancellation)}"),
        };
    }

    public void Dispose() => http.Dispose();

    static async Task<string> SaidAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}";
}
