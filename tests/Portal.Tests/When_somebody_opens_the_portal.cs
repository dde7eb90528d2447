using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace Allmende.Portal.Tests;

[TestFixture]
public sealed class When_somebody_opens_the_portal
{
    static readonly Regex Digits = new(@"\d+");
    static readonly Regex Figures = new(@"[−\d.,]+");

    [Test]
    public async Task Should_show_the_towns_stations_on_the_map()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await Expect(visit.Page).ToHaveTitleAsync(new Regex("^Musterstadt · "));
        await Expect(visit.Page.Locator(".explore .count")).ToContainTextAsync(string.Create(CultureInfo.InvariantCulture, $"{PlatformUnderTest.Town.Stations.Count} Messstellen"));

        var accent = await visit.ThemeAsync("--accent");
        await Eventually(async () => (await visit.PixelsAsync(accent))[0] > 400, "groups in the town's colour on the map");
        await visit.PictureAsync("map");
    }

    [Test]
    public async Task Should_recolour_the_points_by_the_chosen_quantity_and_explain_the_colours()
    {
        var quantity = PlatformUnderTest.Town.MostMeasured;
        var station = PlatformUnderTest.Town.UnmistakableWith(quantity.Quantity);
        await using var visit = await Visit.StartAsync();
        // Opened once, so that the map has come near. The search leaves this one point, in the town's colour for its dataset.
        await visit.OpenAsync($"#search={Uri.EscapeDataString(station.Name)}&thing={Uri.EscapeDataString(station.Id)}");
        await visit.Page.Locator(".panel .close").ClickAsync();
        await visit.Page.Locator(".quantity", new PageLocatorOptions { HasText = quantity.QuantityName }).First.ClickAsync();

        var legend = visit.Page.Locator(".legend");
        await Expect(legend.Locator("summary")).ToContainTextAsync($"{quantity.QuantityName} in °C");
        await Expect(visit.Page).ToHaveURLAsync(new Regex("quantity=" + Regex.Escape(quantity.Quantity)));
        var colours = await legend.Locator("li .mark").EvaluateAllAsync<string[]>("marks => marks.map(mark => getComputedStyle(mark).backgroundColor)");
        var classes = (await legend.Locator("li").AllTextContentsAsync()).Select(ClassOf).ToList();
        Assert.That(colours.Distinct().ToList(), Has.Count.EqualTo(classes.Count).And.Count.GreaterThanOrEqualTo(2));
        await Eventually(async () =>
        {
            var value = (await PlatformUnderTest.Town.NowAsync()).Single(now => now.Id == station.Id).Streams.Single(stream => stream.Quantity == quantity.Quantity).Figure;
            var pixels = await visit.PixelsAsync(colours);
            return pixels.Max() > 30 && classes.FindIndex(known => value >= known.From && value < known.To) == pixels.ToList().IndexOf(pixels.Max());
        }, "the point in the colour that the legend gives its value");
        await visit.PictureAsync("quantity");
    }

    [Test]
    public async Task Should_open_a_station_with_value_unit_age_quality_and_history()
    {
        var quantity = PlatformUnderTest.Town.MostMeasured;
        var station = PlatformUnderTest.Town.StationWith(quantity.Quantity);
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync($"#thing={Uri.EscapeDataString(station.Id)}&quantity={Uri.EscapeDataString(quantity.Quantity)}");

        var panel = visit.Page.Locator(".panel");
        await Expect(panel.Locator("h2")).ToHaveTextAsync(station.Name);
        await Expect(panel.Locator(".figure")).ToHaveTextAsync(new Regex(@"^[−\d.,]+\s°C$"));
        await Expect(panel.Locator(".hero > .meta .age")).ToHaveTextAsync(new Regex("gerade eben|vor \\d+|\\d\\d:\\d\\d"));
        await Expect(panel.Locator(".hero > .meta .quality")).ToHaveTextAsync(new Regex("geprüft|auffällig|fehlerhaft"));
        await Expect(panel.Locator(".chart canvas")).ToBeVisibleAsync();
        await Expect(panel.Locator(".chart")).ToHaveAttributeAsync("aria-label", new Regex("von .+ bis .+, zuletzt"));

        await panel.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "7 Tage" }).ClickAsync();
        await Expect(visit.Page).ToHaveURLAsync(new Regex("period=7d"));
        await Expect(panel.Locator(".chart canvas")).ToBeVisibleAsync();
        await panel.GetByText("Verlauf als Tabelle").ClickAsync();
        Assert.That(await panel.Locator(".chart-table tbody tr").CountAsync(), Is.GreaterThan(0));
        await visit.PictureAsync("panel");
    }

    [Test]
    public async Task Should_open_the_station_that_is_clicked_on_the_map()
    {
        var station = PlatformUnderTest.Town.Unmistakable;
        await using var visit = await Visit.StartAsync();
        // Opened once, so that the map has come near; closed, so that the click has something to do. The search leaves this one point.
        await visit.OpenAsync($"#search={Uri.EscapeDataString(station.Name)}&thing={Uri.EscapeDataString(station.Id)}");
        await visit.Page.Locator(".panel .close").ClickAsync();
        await Expect(visit.Page.Locator(".panel")).ToHaveCountAsync(0);

        var colours = await visit.Page.Locator(".legend li .mark").EvaluateAllAsync<string[]>("marks => marks.map(mark => getComputedStyle(mark).backgroundColor)");
        await Expect(visit.Page.Locator(".explore .count")).ToContainTextAsync(new Regex("^1 von "));
        var point = await Testing.Eventually.GetAsync(() => visit.LocateAsync(colours), "point on the map");
        await visit.Page.Mouse.ClickAsync(point.X, point.Y);
        await Expect(visit.Page.Locator(".panel h2")).ToHaveTextAsync(station.Name);
    }

    [Test]
    public async Task Should_show_the_stations_on_the_towns_own_map()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await Expect(visit.Page.Locator(".grid-labels")).ToHaveCountAsync(0);
        // The demo towns' bounds are 20 km wide, their stations lie within 5.
        await Expect(visit.Page.Locator(".maplibregl-ctrl-scale")).ToHaveTextAsync(new Regex(@"^\d+\sm$"));
        var configuration = await visit.Page.APIRequest.GetAsync(PlatformUnderTest.Town.Portal + "portal.json");
        var map = await visit.Page.APIRequest.GetAsync(new Uri(PlatformUnderTest.Gateway, (await configuration.JsonAsync())!.Value.GetProperty("map").GetProperty("basemap").GetString()!).ToString());
        Assert.That((await map.TextAsync()).Contains("\"Bahnhofstraße\"", StringComparison.Ordinal), Is.True);
    }

    [Test]
    public async Task Should_put_first_what_people_ask_for_and_fold_the_technical_away()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await Expect(visit.Page.Locator(".quantity .name").Nth(1)).ToHaveTextAsync("Lufttemperatur");
        var voltage = visit.Page.Locator(".quantities details .quantity", new PageLocatorOptions { HasText = "Batteriespannung" }).First;
        await Expect(voltage).ToBeHiddenAsync();
        await visit.Page.GetByText("Technische Größen").ClickAsync();
        await Expect(voltage).ToBeVisibleAsync();
        Assert.That(await visit.Page.Locator(".quantity .current").AllTextContentsAsync(), Has.Exactly(1).Empty, "only “all stations” has no value");
    }

    [Test]
    public async Task Should_change_the_language_and_remember_it()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await Expect(visit.Page.Locator("html")).ToHaveAttributeAsync("lang", "de");
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "English" }).ClickAsync();
        await Expect(visit.Page.Locator("html")).ToHaveAttributeAsync("lang", "en");
        await Expect(visit.Page.Locator(".quantities legend")).ToHaveTextAsync("Measured right now");
        await Expect(visit.Page).ToHaveTitleAsync(new Regex("Open environmental"));

        await visit.Page.ReloadAsync();
        await visit.MapIsReadyAsync();
        await Expect(visit.Page.Locator("html")).ToHaveAttributeAsync("lang", "en");
        await Expect(visit.Page.Locator(".explore .count")).ToContainTextAsync("stations");
    }

    [Test]
    public async Task Should_show_the_same_stations_as_a_list_that_sorts()
    {
        var quantity = PlatformUnderTest.Town.MostMeasured;
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync($"#view=list&quantity={Uri.EscapeDataString(quantity.Quantity)}");
        // The page is live: a station's first reading adds a row while we look.
        await Eventually(async () =>
        {
            var measuring = (await PlatformUnderTest.Town.NowAsync()).Count(station => station.Streams.Any(stream => stream.Quantity == quantity.Quantity && stream.Latest is not null));
            return await visit.Page.Locator(".list-view tbody tr").CountAsync() == Math.Min(100, measuring);
        }, "a row for each station that measures it");

        var header = visit.Page.Locator(".list-view th", new PageLocatorOptions { HasText = quantity.QuantityName });
        await header.Locator("button").ClickAsync();
        await Expect(header).ToHaveAttributeAsync("aria-sort", "ascending");
        var values = await visit.Page.Locator(".list-view .values strong").AllTextContentsAsync();
        var numbers = values.Where(value => Digits.IsMatch(value)).Select(Number).ToList();
        Assert.That(numbers, Is.Ordered.And.Count.GreaterThan(1));
        await visit.PictureAsync("list");
    }

    [Test]
    public async Task Should_find_a_number_in_names_and_not_in_ids()
    {
        var found = PlatformUnderTest.Town.Stations.Count(station => station.Name.Contains("Bucht", StringComparison.Ordinal) && station.Name.Contains("10", StringComparison.Ordinal));
        Assert.That(found, Is.GreaterThan(0));
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync("#view=list&search=Bucht%2010");
        await Expect(visit.Page.Locator(".list-view tbody tr")).ToHaveCountAsync(found);
    }

    [Test]
    public async Task Should_list_the_datasets_with_downloads_that_work()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync("#view=datasets");
        var hrefs = await visit.Page.Locator(".card a[download]").EvaluateAllAsync<string[]>("links => links.map(link => link.href)");
        Assert.That(hrefs.Where(href => href.EndsWith(".csv", StringComparison.Ordinal)), Is.Not.Empty);
        foreach (var href in hrefs.Where(href => href.EndsWith(".csv", StringComparison.Ordinal) || href.EndsWith(".geojson", StringComparison.Ordinal)).Take(4))
        {
            var answer = await visit.Page.APIRequest.GetAsync(href);
            Assert.That(answer.Status, Is.EqualTo(200), href);
        }
        await Expect(visit.Page.Locator(".interfaces a[href$='/sta/v1.1']")).ToBeVisibleAsync();
        await visit.PictureAsync("datasets");
    }

    [Test]
    public async Task Should_fit_a_phone_with_the_station_on_a_sheet()
    {
        var station = PlatformUnderTest.Town.StationWith(PlatformUnderTest.Town.MostMeasured.Quantity);
        await using var visit = await Visit.StartAsync(Visitor.OnThePhone);
        await visit.OpenAsync($"#thing={Uri.EscapeDataString(station.Id)}");
        var sheet = visit.Page.Locator(".panel");
        await Expect(sheet.Locator("h2")).ToHaveTextAsync(station.Name);
        var half = await sheet.BoundingBoxAsync();
        Assert.That((half!.X, half.Width, half.Y + half.Height), Is.EqualTo((0f, 390f, 844f)));
        Assert.That(half.Y, Is.GreaterThan(300), "the map stays in sight");

        await sheet.Locator(".handle").ClickAsync();
        await Expect(sheet).ToHaveAttributeAsync("data-size", "full");
        await Eventually(async () => (await sheet.BoundingBoxAsync())!.Y < 100, "a sheet of full height");
        Assert.That(await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.EqualTo(390), "nothing is wider than the screen");
        await visit.PictureAsync("phone");
    }

    /// <summary>A row of the legend, "unter 10", "10 bis 15" or "ab 15", as bounds: the first is in, the second is out.</summary>
    static (double From, double To) ClassOf(string row)
    {
        var bounds = Figures.Matches(row).Select(match => Number(match.Value)).ToList();
        return row.StartsWith("unter ", StringComparison.Ordinal) ? (double.NegativeInfinity, bounds[0])
            : row.StartsWith("ab ", StringComparison.Ordinal) ? (bounds[0], double.PositiveInfinity)
            : (bounds[0], bounds[1]);
    }

    static double Number(string text) =>
        double.Parse(Figures.Match(text).Value.Replace("−", "-", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal).Replace(',', '.'), CultureInfo.InvariantCulture);

    static Task Eventually(Func<Task<bool>> ask, string what) => Testing.Eventually.TrueAsync(ask, what, TimeSpan.FromSeconds(60));
}
