using System.Text.RegularExpressions;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace Allmende.Portal.Tests;

[TestFixture]
public sealed class When_somebody_has_no_mouse
{
    [Test]
    public async Task Should_lead_from_the_search_to_a_station_and_back()
    {
        var station = PlatformUnderTest.Town.Unmistakable;
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        var keyboard = visit.Page.Keyboard;

        await keyboard.PressAsync("Tab");
        await Expect(visit.Page.Locator(".skip")).ToBeFocusedAsync();
        await keyboard.PressAsync("Enter");
        await Expect(visit.Page.Locator("main")).ToBeFocusedAsync();
        await keyboard.PressAsync("Tab");
        await Expect(visit.Page.GetByLabel("Messstelle suchen")).ToBeFocusedAsync();
        await keyboard.TypeAsync(station.Name);
        await Expect(visit.Page.Locator(".found a")).ToHaveCountAsync(1);
        await keyboard.PressAsync("Tab");
        await keyboard.PressAsync("Enter");
        await Expect(visit.Page.Locator(".panel h2")).ToBeFocusedAsync();
        await Expect(visit.Page.Locator(".panel h2")).ToHaveTextAsync(station.Name);

        await keyboard.PressAsync("Escape");
        await Expect(visit.Page.Locator(".panel")).ToHaveCountAsync(0);
        await Expect(visit.Page.Locator(".found a")).ToBeFocusedAsync();
    }

    [Test]
    public async Task Should_choose_quantities_by_arrow_keys()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync();
        await visit.Page.GetByRole(AriaRole.Radio, new PageGetByRoleOptions { Name = "Alle Messstellen" }).FocusAsync();
        await visit.Page.Keyboard.PressAsync("ArrowDown");
        await Expect(visit.Page).ToHaveURLAsync(new Regex("#quantity="));
        await Expect(visit.Page.Locator(".quantity input:checked")).ToBeFocusedAsync();
    }

    [Test]
    public async Task Should_go_back_through_what_was_opened()
    {
        var station = PlatformUnderTest.Town.Unmistakable;
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync("#view=list");
        await visit.Page.GetByLabel("Messstelle suchen").FillAsync(station.Name);
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = station.Name, Exact = true }).ClickAsync();
        await Expect(visit.Page.Locator(".panel h2")).ToHaveTextAsync(station.Name);
        await visit.Page.GoBackAsync();
        await Expect(visit.Page.Locator(".panel")).ToHaveCountAsync(0);
        await visit.Page.GoForwardAsync();
        await Expect(visit.Page.Locator(".panel h2")).ToHaveTextAsync(station.Name);
    }
}
