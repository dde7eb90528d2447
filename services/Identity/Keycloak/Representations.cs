using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allmende.Identity.Keycloak;

/// <summary>The part of Keycloak's ClientRepresentation that we set: a confidential client for machines.</summary>
sealed record ClientRepresentation
{
    public string? Id { get; init; }
    public required string ClientId { get; init; }
    public string? Name { get; init; }
    public string? Secret { get; init; }
    public bool Enabled { get; init; } = true;
    public string Protocol { get; init; } = "openid-connect";
    public bool PublicClient { get; init; }
    public bool ServiceAccountsEnabled { get; init; }
    public bool StandardFlowEnabled { get; init; }
    public bool ImplicitFlowEnabled { get; init; }
    public bool DirectAccessGrantsEnabled { get; init; }
    public IReadOnlyDictionary<string, string>? Attributes { get; init; }
    public IReadOnlyList<ProtocolMapper>? ProtocolMappers { get; init; }
}

/// <summary>Keycloak's ProtocolMapperRepresentation: puts something into the access token.</summary>
sealed record ProtocolMapper(string Name, [property: JsonPropertyName("protocolMapper")] string Kind, IReadOnlyDictionary<string, string> Config)
{
    public string Protocol { get; init; } = "openid-connect";

    public static ProtocolMapper HardCodedClaim(string claim, string value) => new(claim, "oidc-hardcoded-claim-mapper", new Dictionary<string, string>
    {
        ["claim.name"] = claim,
        ["claim.value"] = value,
        ["jsonType.label"] = "String",
        ["access.token.claim"] = "true",
        ["id.token.claim"] = "false",
        ["userinfo.token.claim"] = "false",
    });

    public static ProtocolMapper Audience(string client) => new("audience", "oidc-audience-mapper", new Dictionary<string, string>
    {
        ["included.client.audience"] = client,
        ["access.token.claim"] = "true",
        ["id.token.claim"] = "false",
    });
}

/// <summary>RoleRepresentation.</summary>
sealed record RoleRepresentation(string? Id, string Name);

/// <summary>UserRepresentation of a service account.</summary>
sealed record UserRepresentation(string Id);

/// <summary>CredentialRepresentation of a client's secret.</summary>
sealed record SecretRepresentation(string Value);

/// <summary>RFC 6749, section 5.1.</summary>
sealed record TokenAnswer([property: JsonPropertyName("access_token")] string AccessToken, [property: JsonPropertyName("expires_in")] int ExpiresIn);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClientRepresentation))]
[JsonSerializable(typeof(ClientRepresentation[]))]
[JsonSerializable(typeof(RoleRepresentation))]
[JsonSerializable(typeof(RoleRepresentation[]))]
[JsonSerializable(typeof(UserRepresentation))]
[JsonSerializable(typeof(SecretRepresentation))]
[JsonSerializable(typeof(TokenAnswer))]
sealed partial class KeycloakJson : JsonSerializerContext;
