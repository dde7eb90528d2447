using System.Text.Json;
using Allmende.Contracts;

namespace Allmende.Catalog;

/// <summary>
/// A change of a dataset as JSON merge patch (RFC 7396): what is absent stays; null takes back a description or keywords (then they are derived) and a licence;
/// of the retention too (then everything is kept for ever).
/// </summary>
sealed class DatasetPatch
{
    const int LongestTitle = 300, LongestDescription = 10_000, MostKeywords = 50, LongestKeyword = 100, LongestLicence = 500, LongestRetention = 36_500;

    public string? Title { get; private set; }
    public bool SetsDescription { get; private set; }
    public string? Description { get; private set; }
    public bool SetsKeywords { get; private set; }
    public string[]? Keywords { get; private set; }
    public string? Access { get; private set; }
    public bool SetsLicence { get; private set; }
    public string? Licence { get; private set; }

    public bool SetsRetention { get; private set; }
    public Retention? Retention { get; private set; }

    /// <summary>Reads the patch; all faults at once, by field.</summary>
    public static DatasetPatch Parse(JsonElement body, List<(string Field, string Fault)> faults)
    {
        var patch = new DatasetPatch();
        if (body.ValueKind != JsonValueKind.Object)
        {
            faults.Add(("", "must be a JSON object with what is to change"));
            return patch;
        }
        foreach (var field in body.EnumerateObject())
        {
            var fault = field.Name switch
            {
                "title" => patch.ReadTitle(field.Value),
                "description" => patch.ReadDescription(field.Value),
                "keywords" => patch.ReadKeywords(field.Value),
                "access" => patch.ReadAccess(field.Value),
                "licence" => patch.ReadLicence(field.Value),
                "retention" => patch.ReadRetention(field.Value),
                _ => "cannot be changed; what can: title, description, keywords, access, licence, retention",
            };
            if (fault is not null) faults.Add((field.Name, fault));
        }
        return patch;
    }

    string? ReadTitle(JsonElement value)
    {
        Title = Text(value);
        return Title is { Length: > 0 and <= LongestTitle } ? null : $"must be a text of 1 to {LongestTitle} characters";
    }

    string? ReadDescription(JsonElement value)
    {
        SetsDescription = true;
        if (value.ValueKind == JsonValueKind.Null) return null;
        Description = Text(value);
        return Description is { Length: > 0 and <= LongestDescription } ? null : $"must be a text of 1 to {LongestDescription} characters, or null";
    }

    string? ReadKeywords(JsonElement value)
    {
        SetsKeywords = true;
        if (value.ValueKind == JsonValueKind.Null) return null;
        var fault = $"must be a list of at most {MostKeywords} texts of 1 to {LongestKeyword} characters, or null";
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostKeywords) return fault;
        var keywords = value.EnumerateArray().Select(Text).ToList();
        if (keywords.Any(keyword => keyword is not { Length: > 0 and <= LongestKeyword })) return fault;
        Keywords = [.. keywords.Distinct(StringComparer.Ordinal)!];
        return null;
    }

    string? ReadAccess(JsonElement value)
    {
        Access = Text(value);
        return Access is not null && Contracts.Access.All.Contains(Access) ? null : "must be one of " + string.Join(", ", Contracts.Access.All);
    }

    string? ReadLicence(JsonElement value)
    {
        SetsLicence = true;
        if (value.ValueKind == JsonValueKind.Null) return null;
        Licence = Text(value);
        return Licence is { Length: <= LongestLicence } && Uri.TryCreate(Licence, UriKind.Absolute, out var iri) && (iri.Scheme is "http" or "https")
            && Uri.IsWellFormedUriString(Licence, UriKind.Absolute)
            ? null
            : $"must be the http(s) address of the licence, e.g. {Dataset.DefaultLicence}";
    }

    /// <summary>As a whole: <c>{"rawDays":365,"aggregateDays":null}</c>; what is absent in it is kept for ever.</summary>
    string? ReadRetention(JsonElement value)
    {
        SetsRetention = true;
        if (value.ValueKind == JsonValueKind.Null) return null;
        const string Fault = "must be null or an object with rawDays and aggregateDays, each a number of days from 1 to 36500 or null for ever";
        if (value.ValueKind != JsonValueKind.Object) return Fault;
        int? raw = null, aggregate = null;
        foreach (var field in value.EnumerateObject())
        {
            int? days = null;
            if (field.Value.ValueKind != JsonValueKind.Null)
            {
                if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetInt32(out var number) || number is < 1 or > LongestRetention) return Fault;
                days = number;
            }
            if (field.Name == "rawDays") raw = days;
            else if (field.Name == "aggregateDays") aggregate = days;
            else return Fault;
        }
        if (aggregate is not null && !(raw <= aggregate)) return "aggregateDays must not be fewer than rawDays: aggregates are kept at least as long as the values that they are of";
        Retention = raw is null && aggregate is null ? null : new Retention(raw, aggregate);
        return null;
    }

    static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? PlainText.Of(value.GetString()!) : null;
}
