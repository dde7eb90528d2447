using System.Text.Json;
using System.Text.Json.Serialization;
using Allmende.Contracts;

namespace Allmende.Catalog;

/// <summary>A dataset as clients see it.</summary>
/// <param name="Id">Slug.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Description">What it is.</param>
/// <param name="Access">open, internal, restricted or personal.</param>
/// <param name="Licence">IRI of the licence.</param>
/// <param name="Keywords">What it is found by.</param>
/// <param name="Things">How many Things it has.</param>
/// <param name="ObservedProperties">What they observe.</param>
/// <param name="Bbox">West, south, east, north.</param>
/// <param name="Distributions">Where it is read.</param>
/// <param name="Retention">How long its data is kept; null for ever.</param>
/// <param name="Issued">When it came to be.</param>
/// <param name="Modified">When its description last changed.</param>
sealed record DatasetView(
    string Id,
    string Title,
    string Description,
    string Access,
    string? Licence,
    IReadOnlyList<string> Keywords,
    int Things,
    IReadOnlyList<ObservedProperty> ObservedProperties,
    double[]? Bbox,
    IReadOnlyList<DistributionView> Distributions,
    Retention? Retention,
    DateTime Issued,
    DateTime Modified)
{
    public static DatasetView Of(Dataset dataset, Addresses addresses) => new(
        dataset.Id, dataset.Title, dataset.Description, dataset.Access, dataset.Licence, dataset.Keywords, dataset.Things, dataset.Properties, dataset.Bbox,
        [.. Distribution.Of(dataset, addresses).Select(distribution => new DistributionView(distribution.Format, distribution.MediaType, distribution.AccessUrl))],
        dataset.Retention, dataset.Issued, dataset.Modified);
}

/// <summary>One way to read a dataset.</summary>
sealed record DistributionView(string Format, string MediaType, string Href);

/// <summary>A page of datasets.</summary>
/// <param name="Value">The datasets.</param>
/// <param name="Next">Address of the next page; null on the last.</param>
sealed record DatasetPage(IReadOnlyList<DatasetView> Value, string? Next);

/// <summary>Source-generated JSON of Catalog.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DatasetPage))]
[JsonSerializable(typeof(DatasetView))]
[JsonSerializable(typeof(ObservedProperty[]))]
sealed partial class CatalogJson : JsonSerializerContext;
