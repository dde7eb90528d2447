namespace Allmende.Catalog;

/// <summary>Configuration of Catalog; section <c>Catalog</c>.</summary>
sealed class CatalogOptions
{
    /// <summary>
    /// <c>dcatde:contributorID</c> of each municipality, as GovData assigned it (<c>http://dcat-ap.de/def/contributors/…</c>).
    /// One without is named by its own address.
    /// </summary>
    public Dictionary<string, string> Contributors { get; set; } = new(StringComparer.Ordinal);

    /// <summary>The contributor of every municipality that is not in <see cref="Contributors"/>, e.g. the data centre's.</summary>
    public string? Contributor { get; set; }

    /// <summary>E-mail address for questions about data, by municipality.</summary>
    public Dictionary<string, string> Contacts { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Datasets on a page of <c>catalog.ttl</c> and its sisters.</summary>
    public int PageSize { get; set; } = 100;

    /// <summary>How often is looked for changes that nobody announced, because the process that should have is gone.</summary>
    public TimeSpan AnnounceEvery { get; set; } = TimeSpan.FromMinutes(5);

    /// <exception cref="InvalidOperationException">With all faults.</exception>
    public CatalogOptions Validated()
    {
        var faults = Faults().ToList();
        return faults.Count == 0 ? this : throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
    }

    IEnumerable<string> Faults()
    {
        foreach (var (municipality, iri) in Contributors.Append(new("", Contributor ?? "urn:none")))
            if (!Uri.IsWellFormedUriString(iri, UriKind.Absolute)) yield return $"Catalog:Contributors:{municipality} '{iri}' is no address";
        foreach (var (municipality, address) in Contacts)
            if (!System.Net.Mail.MailAddress.TryCreate(address, out _)) yield return $"Catalog:Contacts:{municipality} '{address}' is no e-mail address";
        if (PageSize is < 1 or > 1000) yield return "Catalog:PageSize must be 1 to 1000";
        if (AnnounceEvery <= TimeSpan.Zero) yield return "Catalog:AnnounceEvery must be longer than nothing";
    }
}
