namespace Allmende.Catalog.Feed;

/// <summary>What a statement says of its subject: another resource, or a value.</summary>
abstract record Node;

/// <summary>A resource by its IRI. All resources of the catalogue have one, so there are no blank nodes.</summary>
sealed record Iri : Node
{
    const string NotInIris = "<>\"{}|\\^`";

    /// <param name="value">Absolute; characters that no IRI may have are percent-encoded.</param>
    public Iri(string value) => Value = value.Any(Forbidden) ? string.Concat(value.Select(c => Forbidden(c) ? Uri.HexEscape(c) : c.ToString())) : value;

    public string Value { get; }

    static bool Forbidden(char c) => c <= ' ' || NotInIris.Contains(c, StringComparison.Ordinal);
}

/// <summary>A value.</summary>
/// <param name="Text">Lexical form.</param>
/// <param name="Language">Tag of texts for people.</param>
/// <param name="Datatype">IRI of the datatype; a string where absent.</param>
sealed record Literal(string Text, string? Language = null, string? Datatype = null) : Node;

/// <summary>RDF statements, by subject in the order of their coming.</summary>
sealed class Graph
{
    readonly Dictionary<string, List<(string Predicate, Node Object)>> statements = new(StringComparer.Ordinal);
    readonly List<string> subjects = [];

    /// <summary>Each subject with what is said of it.</summary>
    public IEnumerable<(string Subject, IReadOnlyList<(string Predicate, Node Object)> Statements)> Subjects => subjects.Select(subject => (subject, (IReadOnlyList<(string, Node)>)statements[subject]));

    /// <summary>Says something; saying it twice is saying it once. Null says nothing.</summary>
    public Graph Add(string subject, string predicate, Node? value)
    {
        if (value is null) return this;
        var iri = new Iri(subject).Value;
        if (!statements.TryGetValue(iri, out var known))
        {
            statements[iri] = known = [];
            subjects.Add(iri);
        }
        if (!known.Contains((predicate, value))) known.Add((predicate, value));
        return this;
    }

    /// <summary>Says what kind of thing a resource is, and returns it.</summary>
    public Iri Resource(string iri, string type)
    {
        Add(iri, Vocabulary.RdfType, new Iri(type));
        return new Iri(iri);
    }
}
