using NpgsqlTypes;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// A resource path (OGC 18-088 section 9.2): a set, an entity of it, navigation from there, at the end perhaps a property, <c>$value</c> or <c>$ref</c>.
/// </summary>
sealed class ResourcePath
{
    readonly List<Step> steps;

    ResourcePath(List<Step> steps, string[] property, bool value, bool reference)
    {
        this.steps = steps;
        Property = property;
        IsValue = value;
        IsReference = reference;
    }

    /// <summary>The set that the path ends in.</summary>
    public EntitySet Set => steps[^1].Set;

    /// <summary>What stands in FROM for it.</summary>
    public string Table => steps[^1].Table;

    /// <summary>The set before it, and how it is reached from there; null where the path begins with it.</summary>
    public (EntitySet? From, Navigation? Via) Reached => steps.Count > 1 ? (steps[^2].Set, steps[^1].Via) : (null, null);

    /// <summary>True if it ends in one entity, false if in a collection.</summary>
    public bool IsSingle => steps[^1].Id is not null || steps[^1].Via is { Many: false };

    /// <summary>The property at the end and, where it has parts, the way into it; empty if the path ends in entities.</summary>
    public string[] Property { get; }

    public bool IsValue { get; }

    public bool IsReference { get; }

    /// <summary>True if the collection is a whole set, or all Observations of one Datastream: then <c>latest</c> knows its count.</summary>
    public bool IsCountedByLatest => Set == Model.Observations && !IsSingle && (steps.Count == 1 || IsOfOneDatastream);

    /// <summary>True if the path ends in Observations of one Datastream at the most.</summary>
    public bool IsOfOneDatastream => steps.Count > 1 && steps[^1].Via!.IsObservationsOfDatastream;

    /// <summary>The id at the end; null where the path does not name one there.</summary>
    public string? Id => steps[^1].Id;

    /// <summary>The id of the Datastream or MultiDatastream whose Observations the path leads to; null for any other path.</summary>
    public string? DatastreamOfObservations => Set == Model.Observations && steps.Count > 1 && steps[^1].Via!.Condition == "{0}.datastream = {1}" ? steps[^2].Id : null;

    public bool IsWholeSet => steps.Count == 1 && steps[0].Id is null;

    /// <summary>How the last step comes from the one before; null for a set or an entity of it.</summary>
    public Navigation? Via => steps[^1].Via;

    /// <summary>The path without its last step: the entity that a navigation starts from.</summary>
    public ResourcePath Parent => new(steps[..^1], [], false, false);

    /// <summary>The path without <c>$ref</c>.</summary>
    public ResourcePath Referenced => new(steps, [], false, false);

    /// <summary>Parses what follows <c>/v1.1/</c>.</summary>
    public static ResourcePath Parse(string path)
    {
        var segments = Split(path);
        var steps = new List<Step>();
        for (var i = 0; i < segments.Count; i++)
        {
            var (name, id) = segments[i];
            var previous = steps.Count > 0 ? steps[^1] : null;
            if (previous is null)
            {
                steps.Add(new Step(Model.Find(name) ?? throw SensorThingsException.NotFound(), null, id));
                continue;
            }
            var single = previous.Id is not null || previous.Via is { Many: false };
            if (name == "$ref" && id is null && i == segments.Count - 1) return new ResourcePath(steps, [], false, true);
            if (!single) throw SensorThingsException.NotFound();
            if (previous.Set.Navigation(name) is { } navigation)
            {
                if (id is not null && !navigation.Many) throw SensorThingsException.NotFound();
                steps.Add(new Step(Model.TargetOf(navigation), navigation, id));
                continue;
            }
            return PropertyOf(steps, segments, i);
        }
        if (steps.Count > 12) throw new SensorThingsException(400, "the path has more than 12 steps");
        return new ResourcePath(steps, [], false, false);
    }

    /// <summary>What follows an entity and is no navigation: a property, perhaps a way into it, perhaps <c>$value</c>.</summary>
    static ResourcePath PropertyOf(List<Step> steps, List<(string Name, string? Id)> segments, int at)
    {
        var set = steps[^1].Set;
        var value = segments.Count - at > 1 && segments[^1] is ("$value", null);
        var path = segments[at..(value ? ^1 : ^0)];
        if (path.Exists(segment => segment.Id is not null || segment.Name.StartsWith('$'))) throw SensorThingsException.NotFound();
        var names = path.ConvertAll(segment => segment.Name).ToArray();
        if (names is ["id"]) names = ["@iot.id"];
        var kind = set.Property(names[0])?.Kind;
        if (kind is null && names is not ["@iot.id" or "@iot.selfLink"]) throw SensorThingsException.NotFound();
        if (names.Length > 1 && kind is not (PropertyKind.Json or PropertyKind.Extra or PropertyKind.Result or PropertyKind.Quality)) throw SensorThingsException.NotFound();
        return new ResourcePath(steps, names, value, false);
    }

    /// <summary>SQL that row <paramref name="row"/> is what the path leads to and that all on the way may be seen.</summary>
    public string Condition(string row, SqlParameters parameters) => Condition(steps.Count - 1, row, parameters);

    /// <summary>SQL that tells whether the entity that a collection hangs on is there; null if it hangs on none.</summary>
    public string? ParentExists(SqlParameters parameters) => steps.Count == 1 || IsSingle
        ? null
        : $"SELECT 1 FROM {steps[^2].Table} e WHERE {Condition(steps.Count - 2, "e", parameters)}";

    string Condition(int index, string row, SqlParameters parameters)
    {
        var step = steps[index];
        var parts = new List<string>(3);
        if (step.Id is { } id)
        {
            if (step.Set != Model.Observations) parts.Add($"{row}.id = {parameters.Add(id)}");
            else if (Ids.TryObservation(id, out var datastream, out var time))
            {
                var at = parameters.Add(time, NpgsqlDbType.TimestampTz);
                parts.Add($"{row}.datastream = {parameters.Add(datastream)} AND {row}.time = {at} AND {row}.chunk_from <= {at} AND {row}.chunk_to >= {at}");
            }
            else parts.Add("false");
        }
        if (step.Via is { } via)
        {
            var parent = "s" + index.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var link = $"(SELECT {Model.Format(via.Link, parent)} FROM {steps[index - 1].Table} {parent} WHERE {Condition(index - 1, parent, parameters)} LIMIT 1)";
            parts.Add(Model.Format(via.Condition, row, link));
        }
        if (step.Via is not { Inherits: true }) parts.Add(Model.Format(step.Set.Visible, row));
        return string.Join(" AND ", parts);
    }

    static List<(string Name, string? Id)> Split(string path)
    {
        var segments = new List<(string, string?)>();
        var i = 0;
        while (i < path.Length)
        {
            var end = path.AsSpan(i).IndexOfAny('/', '(');
            end = end < 0 ? path.Length : i + end;
            var name = path[i..end];
            string? id = null;
            if (end < path.Length && path[end] == '(') (id, end) = ReadId(path, end + 1);
            segments.Add((name, id));
            if (end < path.Length && path[end] != '/') throw SensorThingsException.NotFound();
            i = end + 1;
        }
        if (segments.Count == 0 || segments.Count > 16) throw SensorThingsException.NotFound();
        return segments;
    }

    static (string Id, int End) ReadId(string path, int start)
    {
        if (start < path.Length && path[start] == '\'')
        {
            var text = new System.Text.StringBuilder();
            for (var i = start + 1; i < path.Length; i++)
            {
                if (path[i] != '\'') text.Append(path[i]);
                else if (i + 1 < path.Length && path[i + 1] == '\'') text.Append(path[++i]);
                else if (i + 1 < path.Length && path[i + 1] == ')') return Valid(text.ToString(), i + 2);
                else break;
            }
            throw new SensorThingsException(400, "the id in the path has no closing quote");
        }
        var close = path.IndexOf(')', start);
        if (close < 0) throw new SensorThingsException(400, "the id in the path has no closing bracket");
        var bare = path[start..close];
        return Ids.IsNumber(bare) ? (bare, close + 1) : throw new SensorThingsException(400, $"'{bare}' is no id: a number, or a text in single quotes");

        static (string, int) Valid(string id, int end) =>
            id.Contains('\0', StringComparison.Ordinal) ? throw SensorThingsException.NotFound() : (id, end);
    }

    sealed record Step(EntitySet Set, Navigation? Via, string? Id)
    {
        public string Table => Via is null ? Set.Table : Model.TableOf(Via);
    }
}
