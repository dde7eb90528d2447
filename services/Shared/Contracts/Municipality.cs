namespace Allmende.Contracts;

/// <summary>A municipality (tenant) as every service knows it. Also the data of the event <c>municipality.onboarded</c>.</summary>
/// <param name="Id">Slug, e.g. <c>musterstadt</c>; first segment of every path.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Ars">Amtlicher Regionalschlüssel, 12 digits.</param>
/// <param name="Inhabitants">Number of inhabitants.</param>
/// <param name="Center">Longitude and latitude, WGS 84.</param>
/// <param name="Bbox">West, south, east, north, WGS 84.</param>
/// <param name="DefaultAccess">Access class of a dataset nobody has decided on yet.</param>
/// <param name="MinGroup">k: personal data leaves only aggregated over at least this many individuals.</param>
/// <param name="Colors">Colours of the portal, by use (<c>primary</c>) as <c>#rrggbb</c>.</param>
public sealed record Municipality(
    string Id,
    string Name,
    string Ars,
    int Inhabitants,
    double[] Center,
    double[] Bbox,
    string DefaultAccess = Access.Internal,
    int MinGroup = 5,
    IReadOnlyDictionary<string, string>? Colors = null)
{
    /// <summary>The municipality's database.</summary>
    public string Database => DatabaseOf(Id);

    /// <summary>The database of a municipality: <c>m_</c> and the id, dashes as underscores.</summary>
    public static string DatabaseOf(string municipality) => "m_" + municipality.Replace('-', '_');
}
