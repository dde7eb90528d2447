using System.Text.Json;
using System.Text.RegularExpressions;
using Allmende.Testing;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace Allmende.Portal.Tests;

[TestFixture]
public sealed class When_the_platform_falters
{
    [Test]
    public async Task Should_say_quietly_that_live_is_interrupted_and_come_back_by_itself()
    {
        await using var visit = await Visit.StartAsync();
        visit.Expected.Add("Failed to load resource");
        await visit.Page.RouteAsync("**/live", route => route.FulfillAsync(new RouteFulfillOptions { Status = 503 }));
        await visit.OpenAsync();
        var state = visit.Page.Locator(".live");
        await Expect(state).ToHaveTextAsync(new Regex(@"^Unterbrochen · Stand \d\d:\d\d$"));
        await visit.Page.UnrouteAsync("**/live");
        await Expect(state).ToHaveTextAsync("Live", new LocatorAssertionsToHaveTextOptions { Timeout = 45_000 });
    }

    [Test]
    public async Task Should_show_what_comes_live_and_resume_after_the_last_event()
    {
        var stream = PlatformUnderTest.Town.MostMeasured;
        var station = PlatformUnderTest.Town.Stations.First(candidate => candidate.Streams.Any(own => own.Id == stream.Id));
        await using var visit = await Visit.StartAsync();
        var resumed = new TaskCompletionSource<string?>();
        var asked = 0;
        await visit.Page.RouteAsync("**/live", async route =>
        {
            if (Interlocked.Increment(ref asked) > 1)
            {
                resumed.TrySetResult(await route.Request.HeaderValueAsync("last-event-id"));
                await route.ContinueAsync();
                return;
            }
            // The page must know the station before its observation comes.
            await visit.Page.Locator(".panel .figure").WaitForAsync();
            var observation = JsonSerializer.Serialize(new
            {
                datastream = stream.Id,
                thing = station.Id,
                phenomenonTime = DateTimeOffset.UtcNow.AddSeconds(1).ToString("O"),
                result = 37.5,
                resultQuality = new { flag = "suspect", reasons = new[] { "out_of_range" } },
            });
            await route.FulfillAsync(new RouteFulfillOptions { ContentType = "text/event-stream", Body = $"id: 4711-0\nevent: observation\ndata: {observation}\n\n" });
        });
        await visit.OpenAsync($"#thing={Uri.EscapeDataString(station.Id)}&stream={Uri.EscapeDataString(stream.Id)}");
        var hero = visit.Page.Locator(".hero");
        await Expect(hero.Locator(".figure")).ToHaveTextAsync(new Regex(@"^37,5\s°C$"));
        await Expect(hero.Locator("> .meta .quality")).ToHaveTextAsync("auffällig: außerhalb des Messbereichs");
        await Expect(hero.Locator("> .meta .age")).ToHaveTextAsync("gerade eben");
        Assert.That(await resumed.Task.WaitAsync(TimeSpan.FromSeconds(20)), Is.EqualTo("4711-0"));
    }

    [Test]
    public async Task Should_say_in_plain_words_that_the_data_cannot_be_loaded_and_try_again()
    {
        await using var visit = await Visit.StartAsync();
        visit.Expected.Add("Failed to load resource");
        var asked = 0;
        await visit.Page.RouteAsync("**/sta/v1.1/Things*", route =>
        {
            Interlocked.Increment(ref asked);
            return route.FulfillAsync(new RouteFulfillOptions { Status = 503 });
        });
        await visit.Page.GotoAsync(PlatformUnderTest.Town.Portal.ToString());
        await Expect(visit.Page.Locator(".notice")).ToContainTextAsync("Die Messwerte lassen sich gerade nicht laden.");
        // The page tries again by itself, too: the button is pressed while it is sure to be there, and let succeed afterwards.
        var before = asked;
        await visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Jetzt versuchen" }).DispatchEventAsync("click");
        await Eventually.TrueAsync(() => Task.FromResult(asked > before), "new attempt");
        await visit.Page.UnrouteAsync("**/sta/v1.1/Things*");
        await visit.MapIsReadyAsync();
    }

    [Test]
    public async Task Should_say_that_a_station_is_not_there()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync("#thing=nowhere-17");
        await Expect(visit.Page.Locator(".panel h2")).ToHaveTextAsync("Diese Messstelle gibt es nicht oder sie ist nicht öffentlich.");
    }

    [Test]
    public async Task Should_offer_the_way_back_from_a_search_that_finds_nothing()
    {
        await using var visit = await Visit.StartAsync();
        await visit.OpenAsync("#search=xyzzy");
        await Expect(visit.Page.Locator(".notice")).ToContainTextAsync("Nichts passt zu dieser Auswahl.");
        await visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Auswahl zurücksetzen" }).ClickAsync();
        await Expect(visit.Page.Locator(".notice")).ToHaveCountAsync(0);
    }
}
