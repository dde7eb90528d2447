using Microsoft.Net.Http.Headers;

namespace Allmende.Dashboards.Pages;

/// <summary>German or English: as the visitor chose (<c>?lang=</c>, remembered in a cookie), else as the browser asks, else German.</summary>
static class PageLanguage
{
    const string Cookie = "language";

    /// <summary><c>de</c> or <c>en</c>. A choice in the address is remembered.</summary>
    public static string Of(HttpContext context)
    {
        context.Response.Headers.Vary = "Accept-Language, Cookie";
        if (Known(context.Request.Query["lang"]) is { } chosen)
        {
            context.Response.Cookies.Append(Cookie, chosen, new CookieOptions
            {
                Path = "/",
                MaxAge = TimeSpan.FromDays(365),
                SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Lax,
                Secure = context.Request.IsHttps,
                IsEssential = true,
            });
            return chosen;
        }
        return Known(context.Request.Cookies[Cookie]) ?? Preferred(context.Request.Headers) ?? "de";
    }

    static string? Preferred(IHeaderDictionary headers) =>
        !StringWithQualityHeaderValue.TryParseList(headers.AcceptLanguage, out var list) ? null
        : list.Where(value => value.Quality is not 0)
            .OrderByDescending(value => value.Quality ?? 1)
            .Select(value => Known(value.Value.Value?.Split('-')[0]))
            // A visitor of neither language is more likely to read English.
            .FirstOrDefault(language => language is not null) ?? (list.Any(value => value.Value != "*") ? "en" : null);

    static string? Known(string? language) => language?.ToLowerInvariant() switch
    {
        "de" => "de",
        "en" => "en",
        _ => null,
    };
}
