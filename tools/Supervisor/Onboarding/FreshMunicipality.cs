using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Allmende.Supervisor.Onboarding;

/// <summary>A municipality of one's own in a running installation, for a test or a measurement: its clients, its device key, callers in each role.</summary>
public sealed class FreshMunicipality : IDisposable
{
    readonly Uri gateway;
    readonly Uri tokenEndpoint;
    readonly JsonObject clients;
    readonly HttpClient tokens = new();

    FreshMunicipality(string id, Uri gateway, Uri tokenEndpoint, JsonObject answer)
    {
        (Id, this.gateway, this.tokenEndpoint) = (id, gateway, tokenEndpoint);
        clients = answer["clients"]!.AsObject();
        DeviceKey = answer["deviceKey"]!.GetValue<string>();
        ConnectKey = answer["connectKey"]!.GetValue<string>();
    }

    public string Id { get; }

    /// <summary>The API key that may write uplinks.</summary>
    public string DeviceKey { get; }

    /// <summary>The API key of the people who connect devices.</summary>
    public string ConnectKey { get; }

    /// <summary>Its database.</summary>
    public string Database => $"m_{Id}";

    /// <summary>Onboards a municipality that nobody else uses.</summary>
    /// <param name="installation">A running installation.</param>
    /// <param name="prefix">What its id starts with; letters.</param>
    /// <param name="access">The access class of its new datasets.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<FreshMunicipality> OnboardAsync(
        Installation installation, string prefix = "t", string access = "open", CancellationToken cancellation = default)
    {
        var id = $"{prefix}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5))}";
        using var operators = await OperatorApi.SignInAsync(installation.Gateway, installation.Access.TokenEndpoint, installation.Access.Operator, cancellation);
        var answer = await operators.OnboardAsync(new Municipality(id, id, "059990003001", 20_000, [8.38, 51.90], access), cancellation)
            ?? throw new InstallationException($"{id} is taken.");
        return new FreshMunicipality(id, installation.Gateway, new Uri(installation.Access.TokenEndpoint), answer);
    }

    /// <summary>An access token of the client of a <paramref name="role"/>.</summary>
    public async Task<string> TokenAsync(string role, CancellationToken cancellation = default)
    {
        var client = clients[role]!;
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client["clientId"]!.GetValue<string>(),
            ["client_secret"] = client["clientSecret"]!.GetValue<string>(),
        });
        using var answer = await tokens.PostAsync(tokenEndpoint, form, cancellation);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(cancellation))!["access_token"]!.GetValue<string>();
    }

    /// <summary>A client of the gateway in a <paramref name="role"/>; addresses are relative to the municipality (<c>devices</c>).</summary>
    public async Task<HttpClient> AsAsync(string role, CancellationToken cancellation = default)
    {
        var http = Anonymous();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(role, cancellation));
        return http;
    }

    /// <summary>A client of the gateway that sends uplinks.</summary>
    public HttpClient AsDevice()
    {
        var http = Anonymous();
        http.DefaultRequestHeaders.Add("X-Api-Key", DeviceKey);
        return http;
    }

    /// <summary>A client of the gateway that says nothing about itself: the public.</summary>
    public HttpClient Anonymous() => new() { BaseAddress = new Uri(gateway, $"/{Id}/"), Timeout = TimeSpan.FromSeconds(30) };

    public void Dispose() => tokens.Dispose();
}
