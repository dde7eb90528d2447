using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.OpenData.Upstream;

/// <summary>What of a dataset is wanted.</summary>
/// <param name="From">Observations from this time on.</param>
/// <param name="To">Observations before this time.</param>
/// <param name="Thing">Of this Thing only.</param>
/// <param name="Limit">No more than so many rows or features.</param>
sealed record Selection(DateTimeOffset? From, DateTimeOffset? To, string? Thing, long? Limit)
{
    static readonly string[] Names = ["from", "to", "thing", "limit"];
    static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Reads <c>from</c>, <c>to</c> (RFC 3339, or a day in UTC), <c>thing</c> and <c>limit</c>; anything else is a mistake of the caller's.</summary>
    public static Selection? Read(IQueryCollection query, out ProblemHttpResult? problem)
    {
        problem = Unknown(query, Names);
        DateTimeOffset? from = null, to = null;
        long? limit = null;
        if (problem is null && query.TryGetValue("from", out var fromText) && !TryTime(fromText.ToString(), out from)) problem = NoTime("from");
        if (problem is null && query.TryGetValue("to", out var toText) && !TryTime(toText.ToString(), out to)) problem = NoTime("to");
        if (problem is null && from >= to) problem = OpenDataErrors.InvalidParameter.Problem("must be after from", "to");
        if (problem is null && query.TryGetValue("limit", out var limitText))
            if (long.TryParse(limitText.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0) limit = number;
            else problem = OpenDataErrors.InvalidParameter.Problem("must be a whole number above 0", "limit");
        return problem is null ? new Selection(from, to, query.TryGetValue("thing", out var thing) ? thing.ToString() : null, limit) : null;
    }

    /// <summary>A misspelt parameter would silently give something else than was asked for.</summary>
    public static ProblemHttpResult? Unknown(IQueryCollection query, string[] known) =>
        query.Keys.FirstOrDefault(key => !known.Contains(key)) is { } unknown
            ? OpenDataErrors.InvalidParameter.Problem($"there is no such parameter; there are: {string.Join(", ", known)}", unknown)
            : null;

    /// <summary>RFC 3339, or a day. A plus that was not encoded arrives as a space.</summary>
    public static bool TryTime(string text, out DateTimeOffset? time)
    {
        var valid = DateTimeOffset.TryParseExact(text.Replace(' ', '+'), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed);
        time = valid ? parsed.ToUniversalTime() : null;
        return valid;
    }

    /// <summary>As a query for Observations.</summary>
    public string ToQuery()
    {
        var parts = new List<string>(3);
        if (From is { } from) parts.Add("from=" + Format(from));
        if (To is { } to) parts.Add("to=" + Format(to));
        if (Thing is { } thing) parts.Add("thing=" + Uri.EscapeDataString(thing));
        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }

    static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    static ProblemHttpResult NoTime(string field) => OpenDataErrors.InvalidParameter.Problem("must be a time like 2026-11-21T10:00:00Z, or a day", field);
}
