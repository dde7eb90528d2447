using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Allmende.Supervisor.Onboarding;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace Allmende.Portal.Tests;

/// <summary>From the box to the map: somebody who is no programmer, in German, in a town that nobody else uses.</summary>
[TestFixture]
public sealed class When_a_clerk_connects_a_device
{
    /// <summary>A message of a Dragino LHT65, as its maker documents it: 28.29 °C inside, 27.81 °C at the probe.</summary>
    const string Payload = "y/YLDQN2AQrdf/8=";

    FreshMunicipality town = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        if (PlatformUnderTest.Installation is not { } installation) Assert.Ignore("onboards a town, and does so in an installation of its own alone");
        else town = await FreshMunicipality.OnboardAsync(installation, access: "internal");
    }

    [OneTimeTearDown]
    public void Leave() => town?.Dispose();

    [TestCase(false, TestName = "Should_have_chart_map_and_catalogue_entry_within_five_minutes(at a desk)")]
    [TestCase(true, TestName = "Should_have_chart_map_and_catalogue_entry_within_five_minutes(on a phone)")]
    public async Task Should_have_chart_map_and_catalogue_entry_within_five_minutes(bool phone)
    {
        var since = Stopwatch.StartNew();
        var (device, devEui, name) = phone ? ("klima-aula", "70B3D57ED0000002", "Klima Aula") : ("klima-rathaus", "70B3D57ED0000001", "Klima Rathaus");
        await using var visit = await Visit.StartAsync(phone ? Visitor.OnThePhone : Visitor.AtADesk);
        var page = visit.Page;
        await SignInAsync(visit);

        await StepAsync(visit, "network", phone);
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("The Things Stack") }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Schlüssel erzeugen" }).ClickAsync();
        await Expect(page.Locator(".copyable")).ToHaveCountAsync(3);
        var webhook = await page.Locator(".copyable").AllTextContentsAsync();
        await StepAsync(visit, "door", phone);
        await page.GetByRole(AriaRole.Button, new() { Name = "Weiter" }).ClickAsync();

        await Expect(page.GetByText("Warte auf Meldungen")).ToBeVisibleAsync();
        Assert.That(await PressButtonAsync(webhook, device, devEui, 1), Is.EqualTo(HttpStatusCode.NotFound), "nobody knows it yet");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = device })).ToBeVisibleAsync();
        await StepAsync(visit, "arrival", phone);
        await page.GetByRole(AriaRole.Button, new() { Name = $"{device}: Das ist es" }).ClickAsync();

        var first = page.Locator(".kinds .option").First;
        await Expect(first).ToContainTextAsync("Dragino LHT65");
        await Expect(first).ToContainTextAsync(new Regex(@"28,3\s°C"));
        await StepAsync(visit, "kind", phone);
        await first.ClickAsync();

        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.Locator(".pick-map canvas").ClickAsync();
        await Expect(page.GetByLabel("Breite (Grad Nord)")).Not.ToHaveValueAsync("");
        await StepAsync(visit, "place", phone);
        await page.GetByRole(AriaRole.Button, new() { Name = "Anschließen", Exact = true }).ClickAsync();

        // What it sent before it was known is there already.
        await Expect(page.GetByText($"„{name}“ ist angeschlossen und misst:")).ToBeVisibleAsync();
        await Expect(page.Locator(".first-values")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        await StepAsync(visit, "done", phone);
        Assert.That(await PressButtonAsync(webhook, device, devEui, 2), Is.EqualTo(HttpStatusCode.Accepted));

        await page.GetByRole(AriaRole.Link, new() { Name = "Auf der Karte und im Verlauf ansehen" }).ClickAsync();
        await Expect(page.Locator(".panel h2")).ToHaveTextAsync(name);
        await page.Locator(".chart canvas").WaitForAsync();
        await visit.MapIsReadyAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Im Verzeichnis der Datensätze ansehen" }).ClickAsync();
        await Expect(page.Locator(".card[data-wanted] .access")).ToHaveTextAsync("intern");
        Assert.That(since.Elapsed, Is.LessThan(TimeSpan.FromMinutes(5)));

        Assert.That(await ThingsAsync(town.ConnectKey), Does.Contain(name));
        Assert.That(await ThingsAsync(null), Is.Empty, "what is internal is not the public's");
    }

    [Test]
    public async Task Should_say_what_is_wrong_with_the_key()
    {
        await using var visit = await Visit.StartAsync();
        visit.Expected.Add("status of 401");
        visit.Expected.Add("status of 403");
        await visit.Page.GotoAsync(new Uri(PlatformUnderTest.Gateway, $"/{town.Id}/#view=connect").ToString());
        await ShowKeyAsync("ak_gibtesnicht");
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Diesen Zugangsschlüssel gibt es nicht, oder er wurde zurückgezogen.");
        await ShowKeyAsync(town.DeviceKey);
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("darf keine Geräte anschließen");
        await When_accessibility_is_checked.CheckAsync(visit);

        async Task ShowKeyAsync(string key)
        {
            await visit.Page.GetByLabel("Zugangsschlüssel").FillAsync(key);
            await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        }
    }

    [Test]
    public async Task Should_be_the_public_again_after_signing_out()
    {
        await using var visit = await Visit.StartAsync();
        await SignInAsync(visit);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Abmelden" }).First.ClickAsync();
        await Expect(visit.Page.GetByLabel("Zugangsschlüssel")).ToBeVisibleAsync();
        Assert.That(await visit.Page.EvaluateAsync<int>("() => sessionStorage.length"), Is.Zero);
    }

    async Task SignInAsync(Visit visit)
    {
        await visit.Page.GotoAsync(new Uri(PlatformUnderTest.Gateway, $"/{town.Id}/#view=connect").ToString());
        await visit.Page.GetByLabel("Zugangsschlüssel").FillAsync(town.ConnectKey);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new() { NameRegex = new Regex("Woher kommen die Daten") })).ToBeVisibleAsync();
    }

    static async Task StepAsync(Visit visit, string step, bool phone)
    {
        await When_accessibility_is_checked.CheckAsync(visit);
        await visit.PictureAsync($"connect-{step}-{(phone ? "phone" : "desk")}");
    }

    /// <summary>What The Things Stack does when the device is pressed: address, header and key are what the page showed.</summary>
    static async Task<HttpStatusCode> PressButtonAsync(IReadOnlyList<string> webhook, string device, string devEui, int counter)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add(webhook[1], webhook[2]);
        using var answer = await http.PostAsJsonAsync(webhook[0], new
        {
            end_device_ids = new { device_id = device, dev_eui = devEui },
            received_at = DateTimeOffset.UtcNow,
            uplink_message = new { f_port = 2, f_cnt = counter, frm_payload = Payload, rx_metadata = new[] { new { rssi = -97, snr = 7 } } },
        });
        return answer.StatusCode;
    }

    async Task<IReadOnlyList<string>> ThingsAsync(string? key)
    {
        using var http = new HttpClient { BaseAddress = PlatformUnderTest.Gateway };
        if (key is not null) http.DefaultRequestHeaders.Add("X-Api-Key", key);
        var things = JsonNode.Parse(await http.GetStringAsync($"/{town.Id}/sta/v1.1/Things"))!["value"]!.AsArray();
        return [.. things.Select(thing => thing!["name"]!.GetValue<string>())];
    }
}
