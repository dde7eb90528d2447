using System.Text.Json;
using Microsoft.Playwright;
using NUnit.Framework;

namespace Allmende.Portal.Tests;

/// <summary>axe-core's rules for WCAG 2.2 AA on every view, by day and by night, at a desk and on a phone.</summary>
[TestFixture]
public sealed class When_accessibility_is_checked
{
    static readonly string Axe = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "axe.min.js"));

    static readonly string[] Hashes = ["", "#quantity={quantity}", "#thing={thing}", "#view=list", "#view=datasets", "#view=devices", "#view=connect"];

    static IEnumerable<TestCaseData> Views() =>
        from hash in Hashes
        from night in new[] { false, true }
        from phone in new[] { false, true }
        select new TestCaseData(hash, night, phone).SetArgDisplayNames(hash.Length == 0 ? "#" : hash, night ? "night" : "day", phone ? "phone" : "desk");

    [TestCaseSource(nameof(Views))]
    public async Task Should_find_nothing_against(string hash, bool night, bool phone)
    {
        var quantity = PlatformUnderTest.Town.MostMeasured.Quantity;
        var station = PlatformUnderTest.Town.StationWith(quantity);
        await using var visit = await Visit.StartAsync((phone ? Visitor.OnThePhone : Visitor.AtADesk) with { ColorScheme = night ? ColorScheme.Dark : ColorScheme.Light });
        await visit.OpenAsync(hash.Replace("{quantity}", quantity, StringComparison.Ordinal).Replace("{thing}", Uri.EscapeDataString(station.Id), StringComparison.Ordinal));
        if (hash.Contains("thing", StringComparison.Ordinal)) await visit.Page.Locator(".chart canvas").WaitForAsync();
        await CheckAsync(visit);
        await visit.PictureAsync($"{(hash.Length == 0 ? "map" : new string([.. hash.TakeWhile(c => c != '{').Where(char.IsLetter)]))}-{(night ? "night" : "day")}-{(phone ? "phone" : "desk")}");
    }

    [TestCase("/")]
    [TestCase("/atlantis/")]
    public async Task Should_find_nothing_against_the_installations_own_pages(string path)
    {
        await using var visit = await Visit.StartAsync();
        // The browser itself reports the 404 that is the point of the page.
        visit.Expected.Add("status of 404");
        await visit.Page.GotoAsync(new Uri(PlatformUnderTest.Gateway, path).ToString());
        await CheckAsync(visit);
    }

    /// <summary>Fails with what the rules have against the page as it is.</summary>
    internal static async Task CheckAsync(Visit visit)
    {
        await visit.Page.EvaluateAsync(Axe);
        var result = await visit.Page.EvaluateAsync<JsonElement>(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
        var violations = result.GetProperty("violations").EnumerateArray().SelectMany(violation => violation.GetProperty("nodes").EnumerateArray().Select(node =>
            $"{violation.GetProperty("id").GetString()}: {node.GetProperty("html").GetString()} {node.GetProperty("failureSummary").GetString()}")).ToList();
        Assert.That(violations, Is.Empty);
        Assert.That(result.GetProperty("passes").GetArrayLength(), Is.GreaterThan(10), "the rules ran");
    }
}
