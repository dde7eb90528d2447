using Allmende.Contracts;

namespace Allmende.Catalog;

/// <summary>A dataset: what a municipality publishes as one, under one set of terms.</summary>
/// <param name="Id">Slug; <c>dataset</c> of its devices.</param>
/// <param name="Title">What people call it.</param>
/// <param name="WrittenDescription">What somebody wrote about it; null where it is derived.</param>
/// <param name="WrittenKeywords">What somebody chose; null where they are derived.</param>
/// <param name="Access">One of <see cref="Access.All"/>.</param>
/// <param name="Licence">IRI of the licence; an open dataset has one.</param>
/// <param name="Things">How many Things it has.</param>
/// <param name="Properties">What they observe.</param>
/// <param name="Profiles">Names of their device profiles.</param>
/// <param name="Bbox">West, south, east, north of the Things; null where none has a place.</param>
/// <param name="Issued">When it came to be.</param>
/// <param name="Modified">When its description last changed.</param>
/// <param name="Retention">How long its data is kept; null for ever.</param>
/// <param name="Revision">Counts changes of the terms; the entity tag.</param>
sealed record Dataset(
    string Id,
    string Title,
    string? WrittenDescription,
    string[]? WrittenKeywords,
    string Access,
    string? Licence,
    int Things,
    IReadOnlyList<ObservedProperty> Properties,
    IReadOnlyList<string> Profiles,
    double[]? Bbox,
    DateTime Issued,
    DateTime Modified,
    Retention? Retention,
    long Revision)
{
    /// <summary>Creative Commons Attribution 4.0, as DCAT-AP.de names it: what an open dataset gets that nobody has decided on.</summary>
    public const string DefaultLicence = "http://dcat-ap.de/def/licenses/cc-by/4.0";

    /// <summary>What it is, for people.</summary>
    public string Description => WrittenDescription ?? Derived();

    /// <summary>What it is found by: chosen, or the observed properties by name and by id.</summary>
    public IReadOnlyList<string> Keywords => WrittenKeywords
        ?? [.. Properties.Select(property => property.Name).Concat(Properties.Select(property => property.Id)).Distinct(StringComparer.Ordinal)];

    /// <summary>Single values of persons are in no file; they leave only aggregated.</summary>
    public bool HasDistributions => Access != Contracts.Access.Personal;

    string Derived()
    {
        if (Properties.Count == 0) return $"Messwerte: {Title}.";
        var measured = string.Join(", ", Properties.Select(property => property.Unit is { Length: > 0 } unit ? $"{property.Name} ({unit})" : property.Name).Distinct(StringComparer.Ordinal));
        var sensors = Profiles.Count > 0 ? $" Erfasst mit: {string.Join(", ", Profiles)}." : "";
        return $"Fortlaufende Messwerte: {measured}.{sensors}";
    }
}

/// <summary>What Things of a dataset observe.</summary>
/// <param name="Id">Id of the ObservedProperty, e.g. <c>water_level</c>.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Unit">UCUM code; null where there is none.</param>
sealed record ObservedProperty(string Id, string Name, string? Unit);

/// <summary>Who learns that a dataset exists, as opposed to who may read its values (<see cref="Access.VisibleTo"/>).</summary>
static class MetadataAccess
{
    /// <summary>Those who answer for the data see the descriptions of personal datasets too; they set these terms.</summary>
    public static string[] VisibleTo(System.Security.Claims.ClaimsPrincipal principal, string municipality)
    {
        var values = Access.VisibleTo(principal, municipality);
        return values.Contains(Access.Restricted) ? [.. values, Access.Personal] : values;
    }
}
