using System.Text.Json;

namespace Allmende.Catalog.Feed;

/// <summary>A graph in JSON-LD 1.1, flattened. The context stands in the document: nothing has to be fetched to read it.</summary>
static class JsonLdWriter
{
    public const string MediaType = "application/ld+json";

    public static byte[] Write(Graph graph)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("@context");
            foreach (var (prefix, name) in Vocabulary.Prefixes) json.WriteString(prefix, name);
            json.WriteEndObject();
            json.WriteStartArray("@graph");
            foreach (var (subject, statements) in graph.Subjects)
            {
                json.WriteStartObject();
                json.WriteString("@id", subject);
                foreach (var group in statements.GroupBy(statement => statement.Predicate, StringComparer.Ordinal))
                {
                    var isType = group.Key == Vocabulary.RdfType;
                    json.WriteStartArray(isType ? "@type" : Name(group.Key));
                    foreach (var (_, value) in group)
                        if (isType) json.WriteStringValue(Name(((Iri)value).Value));
                        else Write(json, value);
                    json.WriteEndArray();
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    static void Write(Utf8JsonWriter json, Node value)
    {
        json.WriteStartObject();
        switch (value)
        {
            case Iri iri:
                json.WriteString("@id", iri.Value);
                break;
            case Literal literal:
                json.WriteString("@value", literal.Text);
                if (literal.Language is { } language) json.WriteString("@language", language);
                if (literal.Datatype is { } datatype) json.WriteString("@type", Name(datatype));
                break;
        }
        json.WriteEndObject();
    }

    static string Name(string iri) => Vocabulary.Split(iri) is var (prefix, _, name) ? $"{prefix}:{name}" : iri;
}
