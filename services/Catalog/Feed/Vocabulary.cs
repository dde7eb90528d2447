namespace Allmende.Catalog.Feed;

/// <summary>Namespaces that the catalogue speaks, with their usual prefixes.</summary>
static class Vocabulary
{
    public const string Rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
    public const string Dcat = "http://www.w3.org/ns/dcat#";
    public const string Dct = "http://purl.org/dc/terms/";
    public const string Dcatde = "http://dcat-ap.de/def/dcatde/";
    public const string Foaf = "http://xmlns.com/foaf/0.1/";
    public const string Vcard = "http://www.w3.org/2006/vcard/ns#";
    public const string Skos = "http://www.w3.org/2004/02/skos/core#";
    public const string Xsd = "http://www.w3.org/2001/XMLSchema#";
    public const string Hydra = "http://www.w3.org/ns/hydra/core#";
    public const string RdfType = Rdf + "type";
    public const string WktLiteral = "http://www.opengis.net/ont/geosparql#wktLiteral";
    public const string EuAuthority = "http://publications.europa.eu/resource/authority/";

    /// <summary>Prefix and namespace.</summary>
    public static IReadOnlyList<(string Prefix, string Namespace)> Prefixes { get; } =
        [("rdf", Rdf), ("dcat", Dcat), ("dct", Dct), ("dcatde", Dcatde), ("foaf", Foaf), ("vcard", Vcard), ("skos", Skos), ("xsd", Xsd), ("hydra", Hydra)];

    /// <summary>Splits an IRI of one of our namespaces; null if it is of another, or its rest is no plain name.</summary>
    public static (string Prefix, string Namespace, string Name)? Split(string iri)
    {
        foreach (var (prefix, name) in Prefixes)
            if (iri.StartsWith(name, StringComparison.Ordinal) && iri.Length > name.Length && iri.AsSpan(name.Length).IndexOfAnyExcept(Letters) < 0)
                return (prefix, name, iri[name.Length..]);
        return null;
    }

    static readonly System.Buffers.SearchValues<char> Letters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
