using System.Globalization;
using System.Net;

namespace Allmende.Dashboards.Pages;

/// <summary>The installation's own page: which municipalities are here.</summary>
static class MunicipalitiesPage
{
    public static IResult Show(HttpContext context, Portals portals, FrontEnd frontEnd)
    {
        var language = PageLanguage.Of(context);
        var german = language == "de";
        var all = portals.All.ToList();
        var page = PageContent.Fill(frontEnd.Template("municipalities.html"), new Dictionary<string, string>
        {
            ["language"] = language,
            ["title"] = german ? "Kommunen mit offenen Daten" : "Municipalities with open data",
            ["intro"] = german
                ? "Was Sensoren in diesen Städten und Gemeinden messen: als Karte, als Verlauf und zum Herunterladen."
                : "What sensors measure in these towns and villages: on a map, over time, and to download.",
            ["empty"] = all.Count > 0 ? "" : german ? "Noch ist keine Kommune eingerichtet." : "No municipality has been set up yet.",
            ["other"] = german ? "en" : "de",
            ["otherName"] = german ? "English" : "Deutsch",
        });
        return PageContent.Answer(context, page.Replace("<!--municipalities-->", string.Concat(all.Select(portal => Entry(portal, german))), StringComparison.Ordinal), "text/html; charset=utf-8");
    }

    static string Entry(Portal portal, bool german)
    {
        var municipality = portal.Municipality;
        var inhabitants = municipality.Inhabitants.ToString("N0", Grouping(german));
        var icon = PageContent.VersionOf(portal.Theme.Favicon(municipality.Name));
        return $"""
            <li><a href="/{municipality.Id}/"><img src="/{municipality.Id}/favicon.svg?v={icon}" alt="" width="44" height="44"><strong>{WebUtility.HtmlEncode(municipality.Name)}</strong><span>{inhabitants} {(german ? "Einwohnerinnen und Einwohner" : "inhabitants")}</span></a></li>
            """;
    }

    // The process runs without culture data.
    static NumberFormatInfo Grouping(bool german) => new() { NumberGroupSeparator = german ? "." : ",", NumberDecimalDigits = 0 };
}
