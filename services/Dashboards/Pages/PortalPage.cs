using System.Text.Json;

namespace Allmende.Dashboards.Pages;

/// <summary>A municipality's portal: the page, its configuration, its colours.</summary>
static class PortalPage
{
    public static async Task<IResult> Show(string town, HttpContext context, Portals portals, FrontEnd frontEnd, CancellationToken cancellation)
    {
        if (await portals.FindAsync(town, cancellation) is not { } portal) return NotFoundPage.Answer(context);
        if (!context.Request.Path.Value!.EndsWith('/')) return Results.Redirect($"/{town}/{context.Request.QueryString}", permanent: true, preserveMethod: true);

        var name = portal.Municipality.Name;
        var language = PageLanguage.Of(context);
        var german = language == "de";
        var page = PageContent.Fill(frontEnd.Template("index.html"), new Dictionary<string, string>
        {
            ["language"] = language,
            ["municipality"] = portal.Municipality.Id,
            ["name"] = name,
            ["title"] = german ? $"{name} · Offene Umweltdaten und Sensordaten" : $"{name} · Open environmental and sensor data",
            ["description"] = german
                ? $"Was die Sensoren in {name} messen: Karte, Verläufe und Datensätze zum Herunterladen."
                : $"What the sensors of {name} measure: map, histories and datasets to download.",
            ["loading"] = german ? "Das Portal wird geladen …" : "Loading the portal …",
            ["noscript"] = german
                ? "Karte und Verläufe brauchen JavaScript. Die Daten gibt es auch ohne:"
                : "Map and histories need JavaScript. The data is there without it, too:",
            ["colour"] = portal.Theme.Day.Brand.ToString(),
            ["theme"] = PageContent.VersionOf(portal.Theme.Css()),
            ["icon"] = PageContent.VersionOf(portal.Theme.Favicon(name)),
        });
        return PageContent.Answer(context, page, "text/html; charset=utf-8");
    }

    public static async Task<IResult> Configuration(string town, HttpContext context, Portals portals, CancellationToken cancellation) =>
        await portals.FindAsync(town, cancellation) is { } portal
            ? PageContent.Answer(context, JsonSerializer.Serialize(PortalConfiguration.Of(portal), PagesJson.Default.PortalConfiguration), "application/json")
            : NotFoundPage.Answer(context);

    public static async Task<IResult> BaseMap(string town, HttpContext context, Portals portals, CancellationToken cancellation) =>
        (await portals.FindAsync(town, cancellation))?.BaseMap is { } map
            ? PageContent.AnswerCompressed(context, map, "application/geo+json")
            : NotFoundPage.Answer(context);

    public static async Task<IResult> Theme(string town, HttpContext context, Portals portals, CancellationToken cancellation) =>
        await portals.FindAsync(town, cancellation) is { } portal
            ? PageContent.AnswerVersioned(context, portal.Theme.Css(), "text/css; charset=utf-8")
            : NotFoundPage.Answer(context);

    public static async Task<IResult> Favicon(string town, HttpContext context, Portals portals, CancellationToken cancellation) =>
        await portals.FindAsync(town, cancellation) is { } portal
            ? PageContent.AnswerVersioned(context, portal.Theme.Favicon(portal.Municipality.Name), "image/svg+xml")
            : NotFoundPage.Answer(context);
}
