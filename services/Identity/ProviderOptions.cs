using Allmende.Platform;

namespace Allmende.Identity;

/// <summary>The identity provider's administration; section <c>Identity:Provider</c>.</summary>
public sealed class ProviderOptions
{
    /// <summary>Base address of the provider, before <c>/admin/realms</c> and <c>/realms</c>. Taken from the issuer where it is not set.</summary>
    public string? Url { get; set; }

    /// <summary>The realm. Taken from the issuer where it is not set.</summary>
    public string? Realm { get; set; }

    /// <summary>A client of the realm with the roles manage-clients and manage-users of realm-management.</summary>
    public string AdminClientId { get; set; } = "allmende-identity";

    /// <summary>Its secret.</summary>
    public string AdminClientSecret { get; set; } = "";

    internal IEnumerable<string> Faults()
    {
        if (Url is not null && !Uri.TryCreate(Url, UriKind.Absolute, out _)) yield return $"Identity:Provider:Url '{Url}' is no address";
        if (string.IsNullOrWhiteSpace(AdminClientId)) yield return "Identity:Provider:AdminClientId is not set";
        if (string.IsNullOrWhiteSpace(AdminClientSecret)) yield return "Identity:Provider:AdminClientSecret is not set";
    }

    internal ProviderOptions CompletedFrom(IdentityOptions identity)
    {
        const string realms = "/realms/";
        var issuer = (identity.Authority ?? identity.Issuer).TrimEnd('/');
        var at = issuer.LastIndexOf(realms, StringComparison.Ordinal);
        if (at < 0 && (Url is null || Realm is null))
            throw new InvalidOperationException("The issuer does not end in /realms/{realm}: set Identity:Provider:Url and Identity:Provider:Realm");
        Url = (Url ?? issuer[..at]).TrimEnd('/');
        Realm ??= issuer[(at + realms.Length)..];
        return this;
    }
}
