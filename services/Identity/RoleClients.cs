using System.Security.Cryptography;
using Allmende.Contracts;
using Allmende.Identity.Keycloak;
using Allmende.Platform;

namespace Allmende.Identity;

/// <summary>
/// A municipality's OAuth clients, one per role: <c>{municipality}-{role}</c>, whose tokens carry the municipality as a
/// hard-coded claim and the role as a role of the client <c>allmende</c>.
/// </summary>
sealed class RoleClients(KeycloakAdmin keycloak, PlatformOptions platform)
{
    /// <summary>Id of a role's client.</summary>
    public static string IdOf(string municipality, string role) => $"{municipality}-{role}";

    /// <summary>
    /// Makes all of a municipality's clients. Whatever an onboarding that broke off has left of them is replaced:
    /// nobody was shown those secrets.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, RoleClient>> CreateAsync(string municipality, CancellationToken cancel)
    {
        var resource = await EnsureResourceAsync(cancel);
        var clients = new Dictionary<string, RoleClient>();
        foreach (var role in Roles.OfMunicipality)
        {
            var client = new RoleClient(IdOf(municipality, role), NewSecret());
            if (await keycloak.FindClientAsync(client.ClientId, cancel) is { Id: { } left }) await keycloak.DeleteClientAsync(left, cancel);
            var id = await keycloak.CreateClientAsync(Representation(client, municipality), cancel);
            var user = await keycloak.ServiceAccountUserAsync(id, cancel);
            await keycloak.MapRoleAsync(user.Id, resource, await keycloak.RoleAsync(resource, role, cancel), cancel);
            clients.Add(role, client);
        }
        return clients;
    }

    /// <summary>The clients that there are.</summary>
    public async Task<IReadOnlyList<RoleClientInfo>> ListAsync(string municipality, CancellationToken cancel)
    {
        var clients = new List<RoleClientInfo>();
        foreach (var role in Roles.OfMunicipality)
            if (await keycloak.FindClientAsync(IdOf(municipality, role), cancel) is { } client)
                clients.Add(new(role, client.ClientId, client.Enabled));
        return clients;
    }

    /// <summary>A new secret in place of the old one; null when there is no such client of the municipality.</summary>
    public async Task<RoleClient?> ReplaceSecretAsync(string municipality, string clientId, CancellationToken cancel)
    {
        if (!Roles.OfMunicipality.Any(role => IdOf(municipality, role) == clientId)) return null;
        if (await keycloak.FindClientAsync(clientId, cancel) is not { Id: { } id }) return null;
        return new(clientId, await keycloak.RegenerateSecretAsync(id, cancel));
    }

    /// <summary>The client whose roles all others carry; Keycloak's id of it.</summary>
    async Task<string> EnsureResourceAsync(CancellationToken cancel)
    {
        var name = platform.Identity.Audience;
        var id = (await keycloak.FindClientAsync(name, cancel))?.Id
            ?? await keycloak.CreateClientAsync(new ClientRepresentation { ClientId = name, Name = "Allmende" }, cancel);
        var existing = (await keycloak.RolesAsync(id, cancel)).Select(role => role.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var role in Roles.OfMunicipality.Where(role => !existing.Contains(role))) await keycloak.CreateRoleAsync(id, role, cancel);
        return id;
    }

    ClientRepresentation Representation(RoleClient client, string municipality) => new()
    {
        ClientId = client.ClientId,
        Secret = client.ClientSecret,
        ServiceAccountsEnabled = true,
        Attributes = new Dictionary<string, string> { [Roles.MunicipalityClaim] = municipality },
        ProtocolMappers =
        [
            ProtocolMapper.HardCodedClaim(Roles.MunicipalityClaim, municipality),
            ProtocolMapper.Audience(platform.Identity.Audience),
        ],
    };

    static string NewSecret() => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}

/// <summary>A client and its secret, shown once.</summary>
/// <param name="ClientId">For OAuth 2 client credentials.</param>
/// <param name="ClientSecret">Its secret.</param>
public sealed record RoleClient(string ClientId, string ClientSecret);

/// <summary>A client without its secret.</summary>
/// <param name="Role">The role it has.</param>
/// <param name="ClientId">For OAuth 2 client credentials.</param>
/// <param name="Enabled">Whether it gets tokens.</param>
public sealed record RoleClientInfo(string Role, string ClientId, bool Enabled);
