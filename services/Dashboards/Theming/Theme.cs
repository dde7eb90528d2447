namespace Allmende.Dashboards.Theming;

/// <summary>
/// A municipality's colours, made safe to read: whatever its corporate design says, text on the header, links and chosen rows keep
/// WCAG's 4.5:1, by day and by night.
/// </summary>
sealed record Theme(Theme.Scheme Day, Theme.Scheme Night)
{
    /// <summary>Colours of one scheme: the header's ground and ink, and the colour of links and of what is chosen, with its ink.</summary>
    public sealed record Scheme(Colour Brand, Colour OnBrand, Colour Accent, Colour OnAccent);

    /// <summary>The colour of a municipality that has not told its own.</summary>
    static readonly Colour DefaultPrimary = new(0x0b / 255.0, 0x5c / 255.0, 0x8a / 255.0);

    const double Readable = 4.6;
    static readonly Colour Ink = new(0x16 / 255.0, 0x19 / 255.0, 0x1d / 255.0);
    // The front end's grounds that come nearest to the accent: base.css --hover, day and night.
    static readonly Colour DayGround = new(0xf0 / 255.0, 0xf2 / 255.0, 0xf4 / 255.0);
    static readonly Colour NightGround = new(0x26 / 255.0, 0x2c / 255.0, 0x33 / 255.0);

    /// <summary>Derives both schemes from one colour (<c>#rrggbb</c>); anything else stands for a calm blue.</summary>
    public static Theme From(string? primary)
    {
        var brand = Colour.TryParse(primary, out var told) ? told : DefaultPrimary;
        // At night a bright header would glare.
        return new Theme(
            Of(brand, brand.ReadableOn(DayGround, Colour.Black, Readable)),
            Of(brand.Towards(Colour.Black, 0.3), brand.ReadableOn(NightGround, Colour.White, Readable)));
    }

    static Scheme Of(Colour brand, Colour accent) => new(brand, InkOn(brand), accent, InkOn(accent));

    /// <summary>White where it reads, as most designs mean it; else the darker of what is left.</summary>
    static Colour InkOn(Colour ground) =>
        ground.Contrast(Colour.White) >= Readable ? Colour.White : ground.Contrast(Ink) >= Readable ? Ink : Colour.Black;

    /// <summary>The style sheet that gives the front end its custom properties.</summary>
    public string Css() => $$"""
        :root { {{Properties(Day)}} }
        @media (prefers-color-scheme: dark) { :root { {{Properties(Night)}} } }

        """;

    /// <summary>A square in the municipality's colour with its initial.</summary>
    public string Favicon(string name)
    {
        var initial = System.Net.WebUtility.HtmlEncode(name.Trim() is { Length: > 0 } known ? System.Globalization.StringInfo.GetNextTextElement(known).ToUpperInvariant() : "A");
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="{Day.Brand}"/><text x="16" y="23" text-anchor="middle" font-family="system-ui, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif" font-size="20" font-weight="700" fill="{Day.OnBrand}">{initial}</text></svg>
            """;
    }

    static string Properties(Scheme scheme) =>
        $"--brand: {scheme.Brand}; --on-brand: {scheme.OnBrand}; --accent: {scheme.Accent}; --on-accent: {scheme.OnAccent};";
}
