using System.Text.Json.Nodes;
using Allmende.Supervisor.Data;

namespace Allmende.Supervisor.Onboarding;

/// <summary>Sees to it that the demo municipalities exist and that the secrets of their clients are known on this machine.</summary>
sealed class DemoTowns(PlatformFile access, Action<PlatformFile> keep, Timeline timeline)
{
    static readonly string[] Roles = ["admin", "data-owner", "data-steward", "analyst", "developer", "partner"];

    /// <summary>Onboards those that are missing.</summary>
    /// <exception cref="InstallationException">The platform refuses.</exception>
    public async Task OnboardAsync(CancellationToken cancellation)
    {
        using var api = await timeline.StepAsync("operator's token", () => SignInAsync(access.Operator, cancellation));
        foreach (var (municipality, _) in Municipality.Demo)
            await timeline.StepAsync($"municipality {municipality.Id}", () => OnboardAsync(api, municipality, cancellation));
    }

    async Task OnboardAsync(OperatorApi api, Municipality municipality, CancellationToken cancellation)
    {
        var entry = await api.OnboardAsync(municipality, cancellation) is { } answer
            ? Entry(answer["clients"]!.AsObject(), answer["deviceKey"]!.GetValue<string>(), answer["connectKey"]!.GetValue<string>())
            : access.Municipalities.ContainsKey(municipality.Id) ? null : await RecoverAsync(api, municipality.Id, cancellation);
        if (entry is null)
            return;
        access.Municipalities[municipality.Id] = entry;
        keep(access);
    }

    /// <summary>The secrets were shown once and are lost, as when the start was ended in that moment: new ones take their place.</summary>
    async Task<JsonObject> RecoverAsync(OperatorApi api, string municipality, CancellationToken cancellation)
    {
        timeline.Say($"{municipality} is there, but not the secrets of its clients: they get new ones");
        var clients = new JsonObject();
        foreach (var role in Roles)
            clients[role] = AsJson(await api.ReplaceSecretAsync(municipality, $"{municipality}-{role}", cancellation));
        var admin = new ClientCredentials($"{municipality}-admin", clients["admin"]!["clientSecret"]!.GetValue<string>());
        using var asAdmin = await SignInAsync(admin, cancellation);
        return Entry(clients, await asAdmin.MakeKeyAsync(municipality, "devices", "uplinks:write", cancellation), await asAdmin.MakeKeyAsync(municipality, "connecting devices", "devices:manage", cancellation));
    }

    Task<OperatorApi> SignInAsync(ClientCredentials client, CancellationToken cancellation) =>
        OperatorApi.SignInAsync(new Uri(access.Gateway), access.TokenEndpoint, client, cancellation);

    static JsonObject AsJson(ClientCredentials client) => new() { ["clientId"] = client.ClientId, ["clientSecret"] = client.ClientSecret };

    static JsonObject Entry(JsonObject clients, string deviceKey, string connectKey)
    {
        var entry = clients.DeepClone().AsObject();
        entry["deviceKey"] = deviceKey;
        entry["connectKey"] = connectKey;
        return entry;
    }
}
