namespace Allmende.Dashboards.Pages;

/// <summary>The look of the pages that belong to no municipality.</summary>
static class InstallationLook
{
    static readonly string Css = Theming.Theme.From(null).Css();
    static readonly string Icon = Theming.Theme.From(null).Favicon("Allmende");

    public static IResult Theme(HttpContext context) => PageContent.AnswerVersioned(context, Css, "text/css; charset=utf-8");

    public static IResult Favicon(HttpContext context) => PageContent.AnswerVersioned(context, Icon, "image/svg+xml");
}
