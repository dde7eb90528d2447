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
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await visit.Page.Locator(".quantity", new PageLocatorOptions { HasText = quantity.QuantityName }).First.ClickAsync();

        var legend = visit.Page.Locator(".legend");
        await Expect(legend.Locator("summary")).ToContainTextAsync($"{quantity.QuantityName} in °C");
        await Expect(visit.Page).ToHaveURLAsync(new Regex("quantity=" + Regex.Escape(quantity.Quantity)));
        var colours = await legend.Locator("li .mark").EvaluateAllAsync<string[]>("marks => marks.map(mark => getComputedStyle(mark).backgroundColor)");
        Assert.That(colours.Distinct().ToList(), Has.Count.GreaterThanOrEqualTo(2));
        // How many of them depends on the weather in town.
        await Eventually(async () => (await visit.PixelsAsync(colours)).Any(pixels => pixels > 30), "one of the legend's colours on the map");
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
        var measuring = PlatformUnderTest.Town.Stations.Count(station => station.Streams.Any(stream => stream.Quantity == quantity.Quantity && stream.Latest is not null));
        await Expect(visit.Page.Locator(".list-view tbody tr")).ToHaveCountAsync(Math.Min(100, measuring));

        var header = visit.Page.Locator(".list-view th", new PageLocatorOptions { HasText = quantity.QuantityName });
        await header.Locator("button").ClickAsync();
        await Expect(header).ToHaveAttributeAsync("aria-sort", "ascending");
        var values = await visit.Page.Locator(".list-view .values strong").AllTextContentsAsync();
        var numbers = values.Where(value => Digits.IsMatch(value)).Select(Number).ToList();
        Assert.That(numbers, Is.Ordered.And.Count.GreaterThan(1));
        await visit.PictureAsync("list");
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

    static double Number(string text) =>
        double.Parse(Regex.Match(text, @"[−\d.,]+").Value.Replace("−", "-", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal).Replace(',', '.'), CultureInfo.InvariantCulture);

    static Task Eventually(Func<Task<bool>> ask, string what) => Testing.Eventually.TrueAsync(ask, what, TimeSpan.FromSeconds(60));
}
