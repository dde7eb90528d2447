using Microsoft.Net.Http.Headers;

namespace Allmende.Dashboards.Pages;

/// <summary>Nothing here, told to people in both languages: who came by a wrong link may read either.</summary>
static class NotFoundPage
{
    public static IResult Show(HttpContext context) => Answer(context);

    /// <summary>The page for browsers; problem details for programs.</summary>
    public static IResult Answer(HttpContext context)
    {
        if (!WantsPage(context.Request)) return Results.NotFound();
        var template = context.RequestServices.GetRequiredService<FrontEnd>().Template("not-found.html");
        return PageContent.Answer(context, template, "text/html; charset=utf-8", status: StatusCodes.Status404NotFound);
    }

    static bool WantsPage(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted) && accepted.Any(type => type.MediaType == "text/html");
}
