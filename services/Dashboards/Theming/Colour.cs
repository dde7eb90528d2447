using System.Globalization;

namespace Allmende.Dashboards.Theming;

/// <summary>An sRGB colour; channels from 0 to 1.</summary>
readonly record struct Colour(double Red, double Green, double Blue)
{
    public static readonly Colour White = new(1, 1, 1);
    public static readonly Colour Black = new(0, 0, 0);

    /// <summary>Reads <c>#rrggbb</c>.</summary>
    public static bool TryParse(string? text, out Colour colour)
    {
        colour = default;
        if (text is not ['#', .. { Length: 6 } digits] || !int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)) return false;
        colour = new Colour(((value >> 16) & 255) / 255.0, ((value >> 8) & 255) / 255.0, (value & 255) / 255.0);
        return true;
    }

    /// <summary>WCAG 2's relative luminance.</summary>
    public double Luminance => 0.2126 * Linear(Red) + 0.7152 * Linear(Green) + 0.0722 * Linear(Blue);

    /// <summary>WCAG 2's contrast ratio, 1 to 21.</summary>
    public double Contrast(Colour other)
    {
        var (light, dark) = Luminance > other.Luminance ? (Luminance, other.Luminance) : (other.Luminance, Luminance);
        return (light + 0.05) / (dark + 0.05);
    }

    /// <summary>A step towards another colour; <paramref name="share"/> 0 is this one, 1 the other.</summary>
    public Colour Towards(Colour other, double share) =>
        new(Red + (other.Red - Red) * share, Green + (other.Green - Green) * share, Blue + (other.Blue - Blue) * share);

    /// <summary>The nearest colour on the way to <paramref name="end"/> that reads on <paramref name="ground"/>.</summary>
    public Colour ReadableOn(Colour ground, Colour end, double ratio)
    {
        for (var share = 0.0; share < 1; share += 0.02)
            if (Towards(end, share).Rounded.Contrast(ground) >= ratio) return Towards(end, share).Rounded;
        return end;
    }

    // What is measured is what is written: eight bits a channel.
    Colour Rounded => new(Math.Round(Red * 255) / 255, Math.Round(Green * 255) / 255, Math.Round(Blue * 255) / 255);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"#{(int)Math.Round(Red * 255):x2}{(int)Math.Round(Green * 255):x2}{(int)Math.Round(Blue * 255):x2}");

    static double Linear(double channel) => channel <= 0.04045 ? channel / 12.92 : Math.Pow((channel + 0.055) / 1.055, 2.4);
}
