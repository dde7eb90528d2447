using System.Globalization;
using Allmende.Contracts;
using static Allmende.Catalog.Feed.Vocabulary;

namespace Allmende.Catalog.Feed;

/// <summary>
/// A municipality's catalogue in DCAT-AP 3.0 with the additions of DCAT-AP.de 3.0 (contributor, political geocoding, licence of every distribution,
/// attribution). What refers to a controlled list says its class, too, so that the SHACL shapes hold without fetching the lists.
/// </summary>
sealed class DcatDescription(Municipality municipality, Addresses addresses, CatalogOptions options)
{
    const string German = "de";
    readonly Graph graph = new();

    string Catalog => addresses.Catalog;
    string Publisher => Catalog + "#publisher";
    string Service => Catalog + "#sensorthings";

    /// <summary>Describes one page of the catalogue.</summary>
    /// <param name="datasets">The page's datasets.</param>
    /// <param name="pages">Addresses of this, the first, and the next page, if there is one.</param>
    public Graph Describe(IReadOnlyList<Dataset> datasets, (string This, string First, string? Next) pages)
    {
        DescribeCatalog(datasets);
        DescribePages(pages);
        DescribePublisher();
        DescribeService(datasets);
        foreach (var dataset in datasets) Describe(dataset);
        return graph;
    }

    void DescribeCatalog(IReadOnlyList<Dataset> datasets)
    {
        graph.Resource(Catalog, Dcat + "Catalog");
        graph.Add(Catalog, Dct + "title", Text($"Offene Daten: {municipality.Name}"))
            .Add(Catalog, Dct + "description", Text($"Sensordaten der Kommune {municipality.Name} aus ihrer offenen urbanen Datenplattform."))
            .Add(Catalog, Dct + "publisher", new Iri(Publisher))
            .Add(Catalog, Dct + "language", Language())
            .Add(Catalog, Dct + "license", graph.Resource(Dataset.DefaultLicence, Dct + "LicenseDocument"))
            .Add(Catalog, Foaf + "homepage", graph.Resource(addresses.Portal, Foaf + "Document"))
            .Add(Catalog, Dct + "spatial", Place(Catalog + "#extent", municipality.Bbox))
            .Add(Catalog, Dcat + "themeTaxonomy", Concepts(EuAuthority + "data-theme"))
            .Add(Catalog, Dcat + "service", new Iri(Service));
        if (datasets.Count > 0) graph.Add(Catalog, Dct + "modified", Time(datasets.Max(dataset => dataset.Modified)));
        foreach (var dataset in datasets) graph.Add(Catalog, Dcat + "dataset", new Iri(addresses.Dataset(dataset.Id)));
    }

    /// <summary>Hydra in both of its spellings: harvesters in use (ckanext-dcat) know the older.</summary>
    void DescribePages((string This, string First, string? Next) pages)
    {
        if (pages.Next is null && pages.This == pages.First) return;
        graph.Resource(pages.This, Hydra + "PartialCollectionView");
        graph.Resource(pages.This, Hydra + "PagedCollection");
        graph.Add(Catalog, Hydra + "view", new Iri(pages.This))
            .Add(pages.This, Hydra + "first", new Iri(pages.First))
            .Add(pages.This, Hydra + "firstPage", new Literal(pages.First))
            .Add(pages.This, Hydra + "itemsPerPage", new Literal(options.PageSize.ToString(CultureInfo.InvariantCulture), Datatype: Xsd + "integer"));
        if (pages.Next is { } next)
            graph.Add(pages.This, Hydra + "next", new Iri(next)).Add(pages.This, Hydra + "nextPage", new Literal(next));
    }

    void DescribePublisher()
    {
        graph.Resource(Publisher, Foaf + "Agent");
        graph.Resource(Publisher, Foaf + "Organization");
        graph.Add(Publisher, Foaf + "name", Text(municipality.Name)).Add(Publisher, Foaf + "homepage", new Iri(addresses.Portal))
            .Add(Publisher, Dct + "type", graph.Resource("http://purl.org/adms/publishertype/LocalAuthority", Skos + "Concept"))
            .Add("http://purl.org/adms/publishertype/LocalAuthority", Skos + "prefLabel", new Literal("Local Authority", "en"));
    }

    void DescribeService(IReadOnlyList<Dataset> datasets)
    {
        graph.Resource(Service, Dcat + "DataService");
        graph.Add(Service, Dct + "title", Text($"OGC SensorThings API: {municipality.Name}"))
            .Add(Service, Dcat + "endpointURL", new Iri(addresses.SensorThings))
            .Add(Service, Dct + "publisher", new Iri(Publisher))
            .Add(Service, Dct + "conformsTo", graph.Resource("http://www.opengis.net/spec/iot_sensing/1.1", Dct + "Standard"));
        foreach (var dataset in datasets.Where(dataset => dataset.HasDistributions))
            graph.Add(Service, Dcat + "servesDataset", new Iri(addresses.Dataset(dataset.Id)));
    }

    void Describe(Dataset dataset)
    {
        var iri = addresses.Dataset(dataset.Id);
        graph.Resource(iri, Dcat + "Dataset");
        graph.Add(iri, Dct + "title", Text(dataset.Title))
            .Add(iri, Dct + "description", Text(dataset.Description))
            .Add(iri, Dct + "identifier", new Literal(iri))
            .Add(iri, Dct + "publisher", new Iri(Publisher))
            .Add(iri, Dcat + "contactPoint", Contact())
            .Add(iri, Dct + "issued", Time(dataset.Issued))
            .Add(iri, Dct + "modified", Time(dataset.Modified))
            .Add(iri, Dct + "language", Language())
            .Add(iri, Dct + "accessRights", graph.Resource(EuAuthority + "access-right/" + AccessRight(dataset.Access), Dct + "RightsStatement"))
            .Add(iri, Dct + "accrualPeriodicity", graph.Resource(EuAuthority + "frequency/CONT", Dct + "Frequency"))
            .Add(iri, Dct + "spatial", dataset.Bbox is { } bbox ? Place(iri + "#extent", bbox) : null)
            .Add(iri, Dcatde + "contributorID", new Iri(options.Contributors.GetValueOrDefault(municipality.Id) ?? options.Contributor ?? Publisher))
            .Add(iri, Dcatde + "politicalGeocodingLevelURI", new Iri("http://dcat-ap.de/def/politicalGeocoding/Level/municipality"))
            .Add(iri, Dcatde + "politicalGeocodingURI", new Iri("http://dcat-ap.de/def/politicalGeocoding/regionalKey/" + Uri.EscapeDataString(municipality.Ars)));
        foreach (var keyword in dataset.Keywords) graph.Add(iri, Dcat + "keyword", Text(keyword));
        foreach (var theme in Themes.Of(dataset.Properties)) graph.Add(iri, Dcat + "theme", Concept(EuAuthority + "data-theme/" + theme));
        foreach (var distribution in Distribution.Of(dataset, addresses))
            graph.Add(iri, Dcat + "distribution", Describe(dataset, iri, distribution));
    }

    Iri Describe(Dataset dataset, string datasetIri, Distribution distribution)
    {
        var iri = $"{datasetIri}#{distribution.Format}";
        var mediaType = graph.Resource("http://www.iana.org/assignments/media-types/" + distribution.MediaType, Dct + "MediaType");
        var format = graph.Resource(EuAuthority + "file-type/" + distribution.FileType, Dct + "MediaTypeOrExtent");
        graph.Add(iri, RdfType, new Iri(Dcat + "Distribution"))
            .Add(iri, Dct + "title", Text(distribution.Title))
            .Add(iri, Dcat + "accessURL", new Iri(distribution.AccessUrl))
            .Add(iri, Dcat + "downloadURL", distribution.IsFile ? new Iri(distribution.AccessUrl) : null)
            .Add(iri, Dcat + "accessService", distribution.IsFile ? null : new Iri(Service))
            .Add(iri, Dcat + "mediaType", mediaType)
            .Add(iri, Dct + "format", format)
            .Add(iri, Dct + "modified", Time(dataset.Modified));
        if (dataset.Licence is { } licence)
            graph.Add(iri, Dct + "license", graph.Resource(licence, Dct + "LicenseDocument"))
                .Add(iri, Dcatde + "licenseAttributionByText", Text(municipality.Name));
        return new Iri(iri);
    }

    Iri? Contact()
    {
        if (options.Contacts.GetValueOrDefault(municipality.Id) is not { } address) return null;
        var contact = graph.Resource(Catalog + "#contact", Vcard + "Kind");
        graph.Resource(contact.Value, Vcard + "Organization");
        graph.Add(contact.Value, Vcard + "fn", Text(municipality.Name)).Add(contact.Value, Vcard + "hasEmail", new Iri("mailto:" + address));
        return contact;
    }

    Iri Place(string iri, double[] bbox)
    {
        var (west, south, east, north) = (bbox[0], bbox[1], bbox[2], bbox[3]);
        graph.Add(iri, Dcat + "bbox", new Literal(
            string.Create(CultureInfo.InvariantCulture, $"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"), Datatype: WktLiteral));
        return graph.Resource(iri, Dct + "Location");
    }

    Iri Language() => graph.Resource(EuAuthority + "language/DEU", Dct + "LinguisticSystem");

    Iri Concepts(string iri)
    {
        graph.Add(iri, Dct + "title", new Literal("Data theme", "en"));
        return graph.Resource(iri, Skos + "ConceptScheme");
    }

    Iri Concept(string iri)
    {
        graph.Add(iri, Skos + "prefLabel", new Literal(iri[(iri.LastIndexOf('/') + 1)..]));
        return graph.Resource(iri, Skos + "Concept");
    }

    static string AccessRight(string access) => access switch
    {
        Access.Open => "PUBLIC",
        Access.Internal => "NON_PUBLIC",
        _ => "RESTRICTED",
    };

    static Literal Text(string text) => new(text, German);

    static Literal Time(DateTime time) => new(time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), Datatype: Xsd + "dateTime");
}
