using System.Globalization;
using System.Text;

namespace Allmende.Catalog.Feed;

/// <summary>A graph in Turtle (W3C RDF 1.1 Turtle).</summary>
static class TurtleWriter
{
    public const string MediaType = "text/turtle";

    public static byte[] Write(Graph graph)
    {
        var text = new StringBuilder();
        foreach (var (prefix, name) in Vocabulary.Prefixes) text.Append(CultureInfo.InvariantCulture, $"@prefix {prefix}: <{name}> .\n");
        foreach (var (subject, statements) in graph.Subjects)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n<{subject}>");
            var separator = "";
            foreach (var group in statements.GroupBy(statement => statement.Predicate, StringComparer.Ordinal))
            {
                text.Append(separator).Append("\n    ").Append(group.Key == Vocabulary.RdfType ? "a" : Name(group.Key)).Append(' ');
                text.AppendJoin(" , ", group.Select(statement => Write(statement.Object)));
                separator = " ;";
            }
            text.Append(" .\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    static string Write(Node node) => node switch
    {
        Iri iri => Name(iri.Value),
        Literal { Language: { } language } literal => $"{Quote(literal.Text)}@{language}",
        Literal { Datatype: { } datatype } literal => $"{Quote(literal.Text)}^^{Name(datatype)}",
        Literal literal => Quote(literal.Text),
        _ => throw new InvalidOperationException(),
    };

    static string Name(string iri) => Vocabulary.Split(iri) is var (prefix, _, name) ? $"{prefix}:{name}" : $"<{iri}>";

    static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append(@"\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' or '\u007f' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}"),
                _ => quoted.Append(c),
            };
        return quoted.Append('"').ToString();
    }
}
