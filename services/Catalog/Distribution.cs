namespace Allmende.Catalog;

/// <summary>One way to read a dataset.</summary>
/// <param name="Format">Our short name.</param>
/// <param name="Title">For people.</param>
/// <param name="MediaType">IANA media type.</param>
/// <param name="FileType">Code in the EU's file type list.</param>
/// <param name="AccessUrl">Where it is.</param>
/// <param name="IsFile">A file to download; otherwise a service to ask.</param>
sealed record Distribution(string Format, string Title, string MediaType, string FileType, string AccessUrl, bool IsFile)
{
    /// <summary>The distributions of a dataset; none of one with values of persons.</summary>
    public static IEnumerable<Distribution> Of(Dataset dataset, Addresses addresses) => !dataset.HasDistributions ? [] :
    [
        new("csv", "Messwerte als CSV", "text/csv", "CSV", addresses.Export(dataset.Id, "csv"), IsFile: true),
        new("geojson", "Standorte und letzte Werte als GeoJSON", "application/geo+json", "GEOJSON", addresses.Export(dataset.Id, "geojson"), IsFile: true),
        new("sensorthings", "OGC SensorThings API", "application/json", "JSON", addresses.SensorThings, IsFile: false),
    ];
}

/// <summary>Public addresses of a municipality's data.</summary>
sealed class Addresses(string publicUrl, string municipality)
{
    readonly string home = $"{publicUrl.TrimEnd('/')}/{municipality}";

    public string Portal => home + "/";
    public string Catalog => home + "/catalog";
    public string SensorThings => home + "/sta/v1.1";
    public string Dataset(string id) => $"{home}/catalog/datasets/{Uri.EscapeDataString(id)}";
    public string Datasets(int limit, string after) => $"{home}/catalog/datasets?limit={limit}&after={Uri.EscapeDataString(after)}";
    public string Export(string id, string format) => $"{home}/export/{Uri.EscapeDataString(id)}.{format}";
}
