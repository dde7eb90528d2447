using System.Globalization;

namespace Allmende.Observations.SensorThings;

/// <summary>Ids as clients see them: digits alone are a JSON number and stand bare in a path, anything else is text and quoted.</summary>
static class Ids
{
    public static bool IsNumber(string id) => id.Length is > 0 and <= 18 && (id[0] != '0' || id.Length == 1) && id.All(char.IsAsciiDigit);

    /// <summary>The id between the brackets of a path, escaped.</summary>
    /// <param name="id">The id.</param>
    /// <param name="quoted">The client gave it as text, although it is digits alone.</param>
    public static string InPath(string id, bool quoted = false) => IsNumber(id) && !quoted ? id : "'" + Uri.EscapeDataString(id.Replace("'", "''", StringComparison.Ordinal)) + "'";

    /// <summary>The Datastream's key and the microseconds in an Observation's id.</summary>
    public static bool TryObservation(string id, out long datastream, out DateTime time)
    {
        time = default;
        datastream = 0;
        var dash = id.Length > 1 ? id.IndexOf('-', 1) : -1;
        if (dash < 0 || !long.TryParse(id.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out datastream)
            || !long.TryParse(id.AsSpan(dash + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var micros)
            || Math.Abs(micros) > 62_135_596_800_000_000) return false;
        time = Contracts.Observation.Time(micros);
        return true;
    }

    public static string OfObservation(long datastream, DateTime time) =>
        string.Create(CultureInfo.InvariantCulture, $"{datastream}-{Contracts.Observation.Micros(time)}");
}
