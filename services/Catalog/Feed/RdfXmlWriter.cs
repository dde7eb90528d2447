using System.Text;
using System.Xml;

namespace Allmende.Catalog.Feed;

/// <summary>A graph in RDF/XML (W3C RDF 1.1 XML Syntax).</summary>
static class RdfXmlWriter
{
    public const string MediaType = "application/rdf+xml";

    public static byte[] Write(Graph graph)
    {
        using var bytes = new MemoryStream();
        using (var xml = XmlWriter.Create(bytes, new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false), NewLineChars = "\n", NewLineHandling = NewLineHandling.Entitize }))
        {
            xml.WriteStartElement("rdf", "RDF", Vocabulary.Rdf);
            foreach (var (prefix, name) in Vocabulary.Prefixes) xml.WriteAttributeString("xmlns", prefix, null, name);
            foreach (var (subject, statements) in graph.Subjects)
            {
                xml.WriteStartElement("rdf", "Description", Vocabulary.Rdf);
                xml.WriteAttributeString("rdf", "about", Vocabulary.Rdf, subject);
                foreach (var (predicate, value) in statements) Write(xml, predicate, value);
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
        }
        return bytes.ToArray();
    }

    static void Write(XmlWriter xml, string predicate, Node value)
    {
        var (prefix, name, local) = Vocabulary.Split(predicate) ?? throw new InvalidOperationException($"{predicate} is of no known namespace");
        xml.WriteStartElement(prefix, local, name);
        switch (value)
        {
            case Iri iri:
                xml.WriteAttributeString("rdf", "resource", Vocabulary.Rdf, iri.Value);
                break;
            case Literal literal:
                if (literal.Language is { } language) xml.WriteAttributeString("xml", "lang", null, language);
                if (literal.Datatype is { } datatype) xml.WriteAttributeString("rdf", "datatype", Vocabulary.Rdf, datatype);
                xml.WriteString(literal.Text);
                break;
        }
        xml.WriteEndElement();
    }
}
