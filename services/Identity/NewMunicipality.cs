using System.Text.RegularExpressions;
using Allmende.Contracts;

namespace Allmende.Identity;

/// <summary>What the operator says of a municipality that joins; body of <c>POST /operator/municipalities</c>.</summary>
/// <param name="Id">Slug: <c>^[a-z][a-z0-9-]{1,30}$</c>, none of <see cref="ReservedIds"/>.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Ars">Amtlicher Regionalschlüssel, 12 digits.</param>
/// <param name="Inhabitants">Number of inhabitants.</param>
/// <param name="Center">Longitude and latitude, WGS 84; this or <paramref name="Bbox"/> is needed.</param>
/// <param name="Bbox">West, south, east, north, WGS 84.</param>
/// <param name="DefaultAccess">Access class of datasets nobody has decided on yet; <c>internal</c> if absent.</param>
/// <param name="MinGroup">k of personal data; 5 if absent, never less.</param>
/// <param name="Colors">Colours of the portal by use, <c>#rrggbb</c>.</param>
public sealed partial record NewMunicipality(
    string? Id,
    string? Name,
    string? Ars,
    int? Inhabitants,
    double[]? Center,
    double[]? Bbox,
    string? DefaultAccess,
    int? MinGroup,
    IReadOnlyDictionary<string, string>? Colors)
{
    const int LeastGroup = 5;

    /// <summary>First segments of paths that are the installation's own.</summary>
    public static IReadOnlyList<string> ReservedIds { get; } =
        ["admin", "api", "assets", "dapr", "favicon", "health", "internal", "metrics", "openapi", "operator", "realms", "resources", "robots", "static", "template"];

    /// <summary>Everything that is wrong with it, by field.</summary>
    public IEnumerable<(string Field, string Fault)> Faults()
    {
        if (Id is null || !Slug().IsMatch(Id)) yield return ("id", "must be 2 to 31 small letters, digits and dashes, and begin with a letter");
        else if (ReservedIds.Contains(Id)) yield return ("id", $"'{Id}' is reserved for the platform");
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > 200 || Name.Any(char.IsControl)) yield return ("name", "must be a text of 1 to 200 characters");
        if (Ars is null || !TwelveDigits().IsMatch(Ars)) yield return ("ars", "must be 12 digits");
        if (Inhabitants is null or < 1 or > 100_000_000) yield return ("inhabitants", "must be a whole number from 1");
        foreach (var fault in PlaceFaults()) yield return fault;
        if (DefaultAccess is not null && !Access.All.Contains(DefaultAccess)) yield return ("defaultAccess", $"must be one of {string.Join(", ", Access.All)}");
        if (MinGroup is < LeastGroup or > 10_000) yield return ("minGroup", $"must be a whole number from {LeastGroup} to 10000");
        foreach (var (use, color) in Colors ?? new Dictionary<string, string>())
            if (color is null || !Color().IsMatch(color)) yield return ($"colors.{use}", "must be a colour as #rrggbb");
    }

    /// <summary>The municipality, once there are no <see cref="Faults"/>.</summary>
    public Municipality ToMunicipality()
    {
        var center = Center ?? [Round((Bbox![0] + Bbox[2]) / 2), Round((Bbox[1] + Bbox[3]) / 2)];
        return new Municipality(Id!, Name!.Trim(), Ars!, Inhabitants!.Value, center, Bbox ?? Around(center, Inhabitants.Value),
            DefaultAccess ?? Access.Internal, MinGroup ?? LeastGroup, Colors);
    }

    IEnumerable<(string Field, string Fault)> PlaceFaults()
    {
        if (Center is null && Bbox is null) yield return ("center", "is needed where there is no bbox");
        if (Center is not null && !(Center is [var longitude, var latitude] && IsPlace(longitude, latitude)))
            yield return ("center", "must be longitude and latitude in degrees");
        if (Bbox is null) yield break;
        if (!(Bbox is [var west, var south, var east, var north] && IsPlace(west, south) && IsPlace(east, north) && west < east && south < north))
            yield return ("bbox", "must be west, south, east and north in degrees");
        else if (Center is [var x, var y] && !(x >= west && x <= east && y >= south && y <= north))
            yield return ("center", "must lie inside bbox");
    }

    static bool IsPlace(double longitude, double latitude) => longitude is >= -180 and <= 180 && latitude is >= -90 and <= 90;

    /// <summary>
    /// A box that holds a town of that many people: German municipalities have some 230 inhabitants per square kilometre, towns more,
    /// so half the side is between 2 and 15 km.
    /// </summary>
    static double[] Around(double[] center, int inhabitants)
    {
        var halfSide = Math.Clamp(Math.Sqrt(inhabitants / 230.0) / 2, 2, 15);
        var latitude = halfSide / 111.32;
        var longitude = latitude / Math.Max(0.1, Math.Cos(center[1] * Math.PI / 180));
        return [Round(center[0] - longitude), Round(center[1] - latitude), Round(center[0] + longitude), Round(center[1] + latitude)];
    }

    static double Round(double degrees) => Math.Round(degrees, 5);

    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}\\z")]
    private static partial Regex Slug();

    [GeneratedRegex("^[0-9]{12}\\z")]
    private static partial Regex TwelveDigits();

    [GeneratedRegex("^#[0-9a-fA-F]{6}\\z")]
    private static partial Regex Color();
}
