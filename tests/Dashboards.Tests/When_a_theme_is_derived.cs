using Allmende.Dashboards.Theming;
using NUnit.Framework;

namespace Allmende.Dashboards.Tests;

[TestFixture]
public sealed class When_a_theme_is_derived
{
    /// <summary>Colours all over the cube: corners, greys, pastels.</summary>
    static IEnumerable<string> Primaries() =>
        from red in Enumerable.Range(0, 6)
        from green in Enumerable.Range(0, 6)
        from blue in Enumerable.Range(0, 6)
        select $"#{red * 51:x2}{green * 51:x2}{blue * 51:x2}";

    [Test]
    public void Should_be_readable_whatever_the_municipalitys_colour()
    {
        var day = Read("#ffffff");
        var dayHover = Read("#f0f2f4");
        var night = Read("#1c2127");
        var nightHover = Read("#262c33");
        Assert.Multiple(() =>
        {
            foreach (var primary in Primaries())
            {
                var theme = Theme.From(primary);
                foreach (var scheme in new[] { theme.Day, theme.Night })
                {
                    Assert.That(Written(scheme.Brand).Contrast(Written(scheme.OnBrand)), Is.GreaterThanOrEqualTo(4.5), $"header of {primary}");
                    Assert.That(Written(scheme.Accent).Contrast(Written(scheme.OnAccent)), Is.GreaterThanOrEqualTo(4.5), $"chosen row of {primary}");
                }
                foreach (var ground in new[] { day, dayHover })
                    Assert.That(Written(theme.Day.Accent).Contrast(ground), Is.GreaterThanOrEqualTo(4.5), $"link of {primary} by day");
                foreach (var ground in new[] { night, nightHover })
                    Assert.That(Written(theme.Night.Accent).Contrast(ground), Is.GreaterThanOrEqualTo(4.5), $"link of {primary} by night");
            }
        });
    }

    [Test]
    public void Should_keep_a_colour_that_reads_as_it_is() => Assert.That(Theme.From("#0b5c8a").Day.Accent.ToString(), Is.EqualTo("#0b5c8a"));

    [TestCase(null)]
    [TestCase("")]
    [TestCase("red")]
    [TestCase("#12345")]
    [TestCase("#zzzzzz")]
    [TestCase("#fff; } body { display: none")]
    public void Should_fall_back_where_no_colour_is_told(string? primary) => Assert.That(Theme.From(primary), Is.EqualTo(Theme.From("#0b5c8a")));

    [Test]
    public void Should_know_the_contrast_of_black_and_white() => Assert.That(Colour.Black.Contrast(Colour.White), Is.EqualTo(21).Within(1e-9));

    /// <summary>As the style sheet says it, eight bits a channel.</summary>
    static Colour Written(Colour colour) => Read(colour.ToString());

    static Colour Read(string text) => Colour.TryParse(text, out var colour) ? colour : throw new ArgumentException(text);
}
