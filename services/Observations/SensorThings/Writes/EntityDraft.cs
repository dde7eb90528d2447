using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>An id as a client gave it: 42 and '42' name the same entity, but come back as they were given.</summary>
/// <param name="Text">The id.</param>
/// <param name="Quoted">It is digits alone, but was given as text.</param>
readonly record struct EntityId(string Text, bool Quoted)
{
    const int Longest = 256;

    /// <summary>Reads <c>@iot.id</c>.</summary>
    public static EntityId Read(JsonElement json, string place)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Number when json.TryGetInt64(out var number) && number is >= 0 and < 1_000_000_000_000_000_000:
                return new(number.ToString(CultureInfo.InvariantCulture), false);
            case JsonValueKind.String:
                var text = json.GetString()!;
                if (text.Length is 0 or > Longest || text.Any(char.IsControl)) throw Fault.At(place, "@iot.id", $"must have 1 to {Longest} characters and no control characters");
                return new(text, Ids.IsNumber(text));
            default: throw Fault.At(place, "@iot.id", "must be a whole number from 0 on or a text");
        }
    }
}

/// <summary>Faults of a body: what and where.</summary>
static class Fault
{
    /// <param name="place">The entity, e.g. <c>Datastreams[0]/Sensor</c>; empty for the outermost.</param>
    /// <param name="member">Its property.</param>
    /// <param name="what">What is wrong with it.</param>
    public static SensorThingsException At(string place, string member, string what) => new(400, $"'{In(place, member)}' {what}");

    public static string In(string place, string member) => place.Length == 0 ? member : place + "/" + member;
}

/// <summary>What is known while a body is read.</summary>
/// <param name="References">Gives the id behind <c>$1</c> of a batch, or null.</param>
/// <param name="Deep">Entities may stand in entities.</param>
sealed record DraftContext(Func<string, EntityId?> References, bool Deep)
{
    const int Most = 10_000;
    int entities;

    public void Count()
    {
        if (++entities > Most) throw new SensorThingsException(413, $"there are more than {Most} entities in one request");
    }
}

/// <summary>An entity as a client wrote it, checked against the model: properties, links to what there is, and entities inside (deep insert).</summary>
sealed class EntityDraft(EntitySet set, string place)
{
    public EntitySet Set { get; } = set;

    /// <summary>Where it stands in the body, e.g. <c>Datastreams[0]/Sensor</c>.</summary>
    public string Place { get; } = place;

    public EntityId? Id { get; private set; }

    public Dictionary<Property, JsonElement> Values { get; } = [];

    public List<(Navigation Via, EntityDraft Target)> Links { get; } = [];

    /// <summary>An Observation is read by the reader that all doors use.</summary>
    public PostedObservation? Observation { get; private set; }

    /// <summary>Nothing but an id: a link to what there is.</summary>
    public bool IsReference => Id is not null && Values.Count == 0 && Links.Count == 0 && Observation is null;

    /// <summary>Reads an entity.</summary>
    /// <exception cref="SensorThingsException">400 with the place at fault.</exception>
    public static EntityDraft Read(EntitySet set, JsonElement json, string place, DraftContext context)
    {
        context.Count();
        var draft = new EntityDraft(set, place);
        if (json.ValueKind != JsonValueKind.Object) throw new SensorThingsException(400, $"{(place.Length == 0 ? "the body" : $"'{place}'")} must be a JSON object");
        if (set == Model.Observations)
        {
            draft.ReadObservation(json, context);
            return draft;
        }
        foreach (var member in json.EnumerateObject()) draft.ReadMember(member.Name, member.Value, context);
        return draft;
    }

    void ReadMember(string name, JsonElement value, DraftContext context)
    {
        if (name == "@iot.id") Id = ReadId(value, context);
        else if (name.Contains("@iot.", StringComparison.Ordinal) || name.StartsWith("@odata.", StringComparison.Ordinal)) return; // what an answer has besides
        else if (Set.Property(name) is { } property) ReadValue(property, value);
        else if (Set.Navigation(name) is { } navigation) ReadNavigation(navigation, value, context);
        else throw Fault.At(Place, name, $"is no property of {Set.Name}");
    }

    EntityId ReadId(JsonElement value, DraftContext context) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 1 } text && text[0] == '$' && context.References(text[1..]) is { } known
            ? known
            : EntityId.Read(value, Place);

    void ReadValue(Property property, JsonElement value)
    {
        if (property.Writing is not { } writing) return; // the service finds it out itself
        if (value.ValueKind == JsonValueKind.Null)
        {
            if (writing.Mandatory) throw Fault.At(Place, property.Name, "is mandatory");
            Values[property] = value;
            return;
        }
        var fault = writing.Shape switch
        {
            Shape.Text when value.ValueKind != JsonValueKind.String => "must be a text",
            Shape.Text when value.GetString()!.Contains('\0', StringComparison.Ordinal) => "holds a NUL character",
            Shape.Object when value.ValueKind != JsonValueKind.Object => "must be a JSON object",
            Shape.Array when value.ValueKind != JsonValueKind.Array => "must be a JSON array",
            Shape.Time when !TryTime(value, out _) => "must be a time, e.g. 2026-11-20T10:00:00Z",
            not (Shape.Text or Shape.Time) when value.GetRawText().Contains("\\u0000", StringComparison.Ordinal) => "holds a NUL character",
            _ => null,
        };
        if (fault is not null) throw Fault.At(Place, property.Name, fault);
        Values[property] = value;
    }

    /// <summary>An instant with its time zone.</summary>
    public static bool TryTime(JsonElement value, out DateTime time)
    {
        time = default;
        if (value.ValueKind != JsonValueKind.String) return false;
        if (!value.TryGetDateTimeOffset(out var at)
            && !DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at)) return false;
        time = at.UtcDateTime;
        return true;
    }

    void ReadNavigation(Navigation navigation, JsonElement value, DraftContext context)
    {
        var target = Model.TargetOf(navigation);
        var place = Fault.In(Place, navigation.Name);
        if (!navigation.Many)
        {
            if (value.ValueKind == JsonValueKind.Null) return;
            Add(navigation, Read(target, value, place, context), context);
            return;
        }
        if (value.ValueKind != JsonValueKind.Array) throw Fault.At(Place, navigation.Name, "must be an array");
        var i = 0;
        foreach (var one in value.EnumerateArray()) Add(navigation, Read(target, one, $"{place}[{i++}]", context), context);
    }

    void Add(Navigation navigation, EntityDraft target, DraftContext context)
    {
        if (!context.Deep && !target.IsReference)
            throw new SensorThingsException(400, $"'{target.Place}' must be a link ({{\"@iot.id\":…}}): entities are made by POST, not by a change of another (OGC 18-088 section 10.3)");
        if (!navigation.Many && Links.Exists(link => link.Via == navigation)) throw new SensorThingsException(400, $"'{target.Place}' is given twice");
        Links.Add((navigation, target));
    }

    void ReadObservation(JsonElement json, DraftContext context)
    {
        PostedObservation posted;
        try
        {
            // A document that was parsed from valid JSON has it as it was.
            posted = ObservationReader.ReadOne(new ReadOnlySequence<byte>(System.Text.Encoding.UTF8.GetBytes(json.GetRawText())));
        }
        catch (SensorThingsException fault) when (Place.Length > 0)
        {
            throw new SensorThingsException(fault.Status, $"in '{Place}': {fault.Message}");
        }
        Observation = posted;
        foreach (var navigation in Set.Navigations)
            if (json.TryGetProperty(navigation.Name, out var value) && value.ValueKind == JsonValueKind.Object)
                Links.Add((navigation, Read(Model.TargetOf(navigation), value, Fault.In(Place, navigation.Name), context)));
    }
}
