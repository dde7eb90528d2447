using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace Allmende.Portal.Tests;

/// <summary>The registry of devices as those use it who look after them: in German, at a desk and at the lamp post, in a town that nobody else uses.</summary>
[TestFixture]
public sealed class When_a_foreman_looks_after_devices
{
    /// <summary>A message of a Dragino LHT65, as its maker documents it.</summary>
    const string Payload = "y/YLDQN2AQrdf/8=";

    FreshMunicipality town = null!;
    FreshMunicipality neighbour = null!;
    HttpClient admin = null!;
    string profile = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        if (PlatformUnderTest.Installation is not { } installation)
        {
            Assert.Ignore("onboards towns, and does so in an installation of its own alone");
            return;
        }
        town = await FreshMunicipality.OnboardAsync(installation, access: "internal");
        neighbour = await FreshMunicipality.OnboardAsync(installation, access: "internal");
        admin = await town.AsAsync("admin");
        profile = JsonNode.Parse(await admin.GetStringAsync("device-profiles"))!.AsArray().Select(one => one!["id"]!.GetValue<string>()).First(id => id.Contains("lht65", StringComparison.Ordinal));
        await RegisterAsync("still", "Pegel Mühlbach", "70B3D57ED0000011", interval: 1);
        await RegisterAsync("wach", "Pegel Altstadt", "70B3D57ED0000012", interval: 86_400);
        await RegisterAsync("geplant", "Klima Marktplatz", "70B3D57ED0000013", interval: 86_400);
        await RegisterAsync("kaputt", "Klima Friedhof", "70B3D57ED0000014", interval: 86_400);
        foreach (var devEui in new[] { "70B3D57ED0000011", "70B3D57ED0000012", "70B3D57ED0000014" }) Assert.That(await UplinkAsync("x", devEui), Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(await UplinkAsync("klima-aula", "70B3D57ED0000099"), Is.EqualTo(HttpStatusCode.NotFound));
        // The watch looks every minute.
        await Eventually.TrueAsync(async () => (string?)(await DeviceAsync("still"))["state"] == "silent", "silent device", TimeSpan.FromMinutes(3));
    }

    [OneTimeTearDown]
    public void Leave()
    {
        admin?.Dispose();
        town?.Dispose();
        neighbour?.Dispose();
    }

    [Test]
    public async Task Should_find_a_silent_device_by_a_filter_that_can_be_sent_on([Values] bool phone)
    {
        await using var visit = await SignedInAsync(phone);
        var page = visit.Page;
        await Expect(page.Locator(".device-list tbody tr")).Not.ToHaveCountAsync(0);
        await StepAsync(visit, "list", phone);
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^still 1") }).ClickAsync();
        await Expect(page.Locator(".device-list tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Locator(".device-list tbody tr")).ToContainTextAsync("Pegel Mühlbach");
        Assert.That(new Uri(page.Url).Fragment, Is.EqualTo("#view=devices&state=silent"));
        if (!phone) await Expect(page.Locator(".device-map[data-state=ready]")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Pegel Mühlbach" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Pegel Mühlbach", Level = 1 })).ToBeFocusedAsync();
        await Expect(page.Locator(".part-problems")).ToContainTextAsync("erwartet wird eine Meldung alle 1 Sekunde");
        await Expect(page.Locator(".values-list")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        await StepAsync(visit, "device", phone);

        // Back to the same selection; and so does the link, in another tab.
        await page.GetByRole(AriaRole.Link, new() { Name = "Zurück zur Liste" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^still 1") })).ToHaveAttributeAsync("aria-pressed", "true");
        await page.ReloadAsync();
        await Expect(page.Locator(".device-list tbody tr")).ToHaveCountAsync(1);
        await page.GetByPlaceholder("Name, Kennung, DevEUI, Schlagwort …").FillAsync("gibt es nicht");
        await page.GetByRole(AriaRole.Button, new() { Name = "Auswahl zurücksetzen" }).Last.ClickAsync();
        await Expect(page.Locator(".device-list tbody tr")).Not.ToHaveCountAsync(0);
        Assert.That(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(page.ViewportSize!.Width), "nothing is wider than the page");
    }

    [Test]
    public async Task Should_note_maintenance_take_a_photo_and_move_it_on_the_map([Values] bool phone)
    {
        await using var visit = await SignedInAsync(phone, "&device=wach");
        visit.Expected.Add("status of 422");
        var page = visit.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Wartung eintragen" }).ClickAsync();
        await page.GetByLabel("Was wurde getan?").SelectOptionAsync("other");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.Locator("#maintenance-text-fault")).ToContainTextAsync("bitte schreiben, was getan wurde");
        var text = $"Laub entfernt {(phone ? "unterwegs" : "am Tisch")}";
        await page.GetByLabel("Bemerkung").FillAsync(text);
        await StepAsync(visit, "maintenance", phone);
        await page.GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.Locator(".part-maintenance .log")).ToContainTextAsync(text);
        Assert.That(await admin.GetStringAsync("devices/wach/maintenance"), Does.Contain(text));

        // What a phone takes is larger than the platform keeps.
        await page.Locator("#choose-photo").SetInputFilesAsync(new FilePayload { Name = "mast.png", MimeType = "image/png", Buffer = await page.ScreenshotAsync() });
        await Expect(page.GetByAltText("Foto: Pegel Altstadt")).ToBeVisibleAsync();
        await Expect(page.GetByAltText("Foto: Pegel Altstadt")).ToHaveJSPropertyAsync("complete", true);
        using (var photo = await admin.GetAsync("devices/wach/photo"))
            Assert.That((photo.StatusCode, photo.Content.Headers.ContentType?.MediaType), Is.EqualTo((HttpStatusCode.OK, "image/jpeg")));
        await page.Locator("#choose-photo").SetInputFilesAsync(new FilePayload { Name = "brief.png", MimeType = "image/png", Buffer = "kein Bild"u8.ToArray() });
        await Expect(page.Locator(".part-photo").GetByRole(AriaRole.Alert)).ToContainTextAsync("kein Bild, das sich zeigen lässt");
        await page.GetByRole(AriaRole.Button, new() { Name = "Foto entfernen" }).ClickAsync();
        await Expect(page.GetByText("Das Foto wird gelöscht.")).ToBeVisibleAsync();
        await StepAsync(visit, "photo", phone);
        await page.GetByRole(AriaRole.Button, new() { Name = "Foto entfernen" }).ClickAsync();
        await Expect(page.GetByText("Noch kein Foto.")).ToBeVisibleAsync();
        using (var photo = await admin.GetAsync("devices/wach/photo")) Assert.That(photo.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        var before = (await DeviceAsync("wach"))["location"]!.ToJsonString();
        await page.GetByRole(AriaRole.Button, new() { Name = "Ort ändern" }).ClickAsync();
        var canvas = page.Locator(".part-place .pick-map canvas");
        var latitude = await page.GetByLabel("Breite (Grad Nord)").InputValueAsync();
        await canvas.ScrollIntoViewIfNeededAsync();
        await canvas.ClickAsync(new() { Position = new() { X = 40, Y = 60 } });
        await Expect(page.GetByLabel("Breite (Grad Nord)")).Not.ToHaveValueAsync(latitude);
        await StepAsync(visit, "place", phone);
        await page.Locator(".part-place").GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.Locator(".place-line")).ToBeVisibleAsync();
        Assert.That((await DeviceAsync("wach"))["location"]!.ToJsonString(), Is.Not.EqualTo(before));
    }

    [Test]
    public async Task Should_say_which_field_is_at_fault()
    {
        await using var visit = await SignedInAsync(false, "&device=geplant");
        visit.Expected.Add("status of 422");
        visit.Expected.Add("status of 409");
        var page = visit.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Bearbeiten" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("");
        await page.GetByLabel("DevEUI", new() { Exact = true }).FillAsync("12");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.Locator("#about-name-fault")).ToHaveTextAsync("fehlt");
        await Expect(page.Locator("#about-deveui-fault")).ToContainTextAsync("16 Zeichen");
        await Expect(page.GetByLabel("Name", new() { Exact = true })).ToBeFocusedAsync();
        await StepAsync(visit, "faults", false);
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("Klima Markt");
        await page.GetByLabel("DevEUI", new() { Exact = true }).FillAsync("70B3D57ED0000012");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.Locator("#about-deveui-fault")).ToHaveTextAsync("Diese DevEUI gehört schon einem anderen Gerät.");
        await page.GetByLabel("DevEUI", new() { Exact = true }).FillAsync("70B3D57ED0000013");
        await page.GetByLabel("Schlagwörter").FillAsync("hochwasser markt");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speichern" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Klima Markt", Level = 1 })).ToBeVisibleAsync();
        Assert.That((await DeviceAsync("geplant"))["tags"]!.ToJsonString(), Is.EqualTo("""["hochwasser","markt"]"""));
    }

    [Test]
    public async Task Should_read_a_table_with_a_faulty_row([Values] bool phone)
    {
        await using var visit = await SignedInAsync(phone, "&page=import");
        var page = visit.Page;
        var id = phone ? "neu-phone" : "neu-desk";
        var table = $"Kennung;Name;Profil;Breite;Länge\n{id};Neu;{profile};51,9;8,38\nfalsch;Falsch;gibtsnicht;191;8\nkaputt;Klima Friedhof {(phone ? "Süd" : "Nord")};{profile};51,9;8,38\n";
        await page.Locator("#table").SetInputFilesAsync(new FilePayload { Name = "geraete.csv", MimeType = "text/csv", Buffer = System.Text.Encoding.UTF8.GetBytes(table) });
        await Expect(page.Locator(".import-counts")).ToContainTextAsync("1 fehlerhaft");
        await Expect(page.Locator(".import-rows[data-action=error]")).ToContainTextAsync("Einen Gerätetyp „gibtsnicht“ gibt es nicht");
        await Expect(page.Locator(".import-rows[data-action=error]")).ToContainTextAsync("muss eine Zahl in Grad sein");
        await Expect(page.Locator(".import-rows[data-action=change]")).ToContainTextAsync("Klima Friedhof");
        await StepAsync(visit, "import", phone);
        using (var none = await admin.GetAsync($"devices/{id}")) Assert.That(none.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "it is a preview");

        await page.GetByRole(AriaRole.Button, new() { Name = "Nur die 2 fehlerfreien Zeilen übernehmen" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Eingelesen" })).ToBeVisibleAsync();
        await Expect(page.Locator(".import-counts")).ToContainTextAsync("1 nicht übernommen");
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Schlüssel speichern" }).ClickAsync());
        Assert.That(await File.ReadAllTextAsync(await download.PathAsync()), Does.Contain($"{id};dk_"));
        Assert.That((string?)(await DeviceAsync(id))["name"], Is.EqualTo("Neu"));

        // The whole selection as a table, which can be read again.
        await page.GetByRole(AriaRole.Link, new() { Name = "Alle Geräte" }).First.ClickAsync();
        await page.GetByPlaceholder("Name, Kennung, DevEUI, Schlagwort …").FillAsync(id);
        await Expect(page.Locator(".device-list tbody tr")).ToHaveCountAsync(1);
        var export = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Als Tabelle speichern" }).ClickAsync());
        var lines = (await File.ReadAllTextAsync(await export.PathAsync())).Trim().Split("\r\n");
        Assert.That((lines.Length, lines[0].Contains("Kennung;Name", StringComparison.Ordinal), lines[1].StartsWith(id + ";Neu", StringComparison.Ordinal)), Is.EqualTo((2, true, true)));
    }

    [Test]
    public async Task Should_adopt_who_sends_in_one_click_and_ignore_others()
    {
        await UplinkAsync("fremd", "70B3D57ED0000098");
        await using var visit = await SignedInAsync(false, "&page=inbox");
        var page = visit.Page;
        var sender = page.Locator(".sender", new() { HasText = "klima-aula" });
        await Expect(sender.Locator(".would-measure")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        await StepAsync(visit, "inbox", false);
        await page.GetByRole(AriaRole.Button, new() { Name = "fremd ignorieren" }).ClickAsync();
        await Expect(page.Locator(".sender", new() { HasText = "fremd" })).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "klima-aula anschließen" }).ClickAsync();
        await Expect(page.GetByText("„klima-aula“ ist angeschlossen.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Öffnen" }).ClickAsync();
        // What it had sent is there.
        await Expect(page.Locator(".values-list")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        Assert.That((string?)(await DeviceAsync("klima-aula"))["devEui"], Is.EqualTo("70B3D57ED0000099"));
    }

    [Test]
    public async Task Should_replace_hardware_and_keep_the_series()
    {
        await using var visit = await SignedInAsync(false, "&device=kaputt");
        visit.Expected.Add("status of 422");
        visit.Expected.Add("status of 409");
        var page = visit.Page;
        await Expect(page.Locator(".values-list")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Als defekt melden" }).ClickAsync();
        await page.GetByLabel("Grund (freiwillig)").FillAsync("Gehäuse gebrochen");
        await page.GetByRole(AriaRole.Button, new() { Name = "Als defekt melden" }).ClickAsync();
        await Expect(page.Locator(".device-line")).ToContainTextAsync("defekt");

        await page.GetByRole(AriaRole.Button, new() { Name = "Gerät austauschen" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Austauschen", Exact = true }).ClickAsync();
        await Expect(page.Locator("#replace-deveui-fault")).ToHaveTextAsync("fehlt");
        await page.GetByLabel("DevEUI des neuen Geräts").FillAsync("70B3D57ED0000024");
        await page.GetByLabel("Warum? (steht im Wartungsbuch)").FillAsync("Ersatz aus dem Lager");
        await page.GetByRole(AriaRole.Button, new() { Name = "Austauschen", Exact = true }).ClickAsync();
        await Expect(page.Locator(".new-key")).ToContainTextAsync("Die Messreihen gehen mit dem neuen Gerät weiter.");
        Assert.That(await page.Locator(".new-key .copyable").TextContentAsync(), Does.StartWith("dk_"));
        await StepAsync(visit, "replaced", false);
        await Expect(page.Locator(".part-maintenance .log")).ToContainTextAsync("Ersatz aus dem Lager");
        await Expect(page.Locator(".values-list")).ToContainTextAsync(new Regex(@"28,3\s°C"));
        Assert.That((await UplinkAsync("neu", "70B3D57ED0000024"), await UplinkAsync("alt", "70B3D57ED0000014")), Is.EqualTo((HttpStatusCode.Accepted, HttpStatusCode.NotFound)));
    }

    [Test]
    public async Task Should_renew_a_key_that_has_become_known()
    {
        var known = await RegisterAsync("funkt", "Zähler Rathaus", "70B3D57ED0000041", interval: 600);
        Assert.That(await OwnUplinkAsync(known, 1), Is.EqualTo(HttpStatusCode.Accepted));
        await using var visit = await SignedInAsync(false, "&device=funkt");
        var page = visit.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Schlüssel erneuern" }).ClickAsync();
        await Expect(page.GetByText("Der alte gilt sofort nicht mehr.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Neuen Schlüssel erzeugen" }).ClickAsync();
        await Expect(page.Locator(".new-key")).ToContainTextAsync("Der Schlüssel wird nur jetzt angezeigt.");
        var renewed = (await page.Locator(".new-key .copyable").TextContentAsync())!;
        await StepAsync(visit, "renewed", false);

        Assert.That((await OwnUplinkAsync(known, 2), await OwnUplinkAsync(renewed, 3)), Is.EqualTo((HttpStatusCode.Unauthorized, HttpStatusCode.Accepted)));
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Schlüssel erneuern" })).ToBeVisibleAsync();
        await Expect(page.GetByText(renewed)).ToHaveCountAsync(0);
    }

    [Test]
    public async Task Should_send_after_a_look_at_what_would_be_sent()
    {
        await using var visit = await SignedInAsync(false, "&device=wach", await town.TokenAsync("admin"));
        var page = visit.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Etwas senden …" }).ClickAsync();
        await page.GetByLabel("Bytes (hexadezimal)").CheckAsync();
        await page.GetByLabel("Bytes", new() { Exact = true }).FillAsync("01 ff");
        await page.GetByLabel("Port (FPort)").FillAsync("5");
        await page.GetByRole(AriaRole.Button, new() { Name = "Vorschau" }).ClickAsync();
        await Expect(page.Locator(".preview")).ToContainTextAsync($"{town.Id}/devices/wach/down");
        Assert.That(await admin.GetStringAsync("devices/wach/downlinks"), Does.Not.Contain("01ff"), "nothing has happened yet");
        await StepAsync(visit, "downlink", false);
        await page.GetByRole(AriaRole.Button, new() { Name = "Jetzt senden" }).ClickAsync();
        await Expect(page.Locator(".part-downlinks .log")).ToContainTextAsync("wartet");
        Assert.That(await admin.GetStringAsync("devices/wach/downlinks"), Does.Contain("01ff"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Zurücknehmen" }).ClickAsync();
        await Expect(page.Locator(".part-downlinks .log")).ToContainTextAsync("zurückgenommen");
    }

    [Test]
    public async Task Should_refuse_understandably_what_somebody_may_not()
    {
        await using (var reader = await SignedInAsync(false, "&device=wach", await town.TokenAsync("analyst")))
        {
            await Expect(reader.Page.GetByText("Sie können alles ansehen, aber nichts ändern.")).ToBeVisibleAsync();
            foreach (var name in new[] { "Bearbeiten", "Ort ändern", "Gerät löschen", "Wartung eintragen", "Als defekt melden" })
                await Expect(reader.Page.GetByRole(AriaRole.Button, new() { Name = name })).ToHaveCountAsync(0);
            await When_accessibility_is_checked.CheckAsync(reader);
        }
        await using (var clerk = await SignedInAsync(false, "&device=wach"))
        {
            await clerk.Page.GetByRole(AriaRole.Button, new() { Name = "Etwas senden …" }).ClickAsync();
            await Expect(clerk.Page.Locator(".part-downlinks").GetByRole(AriaRole.Alert)).ToContainTextAsync("dürfen Sie nichts an Geräte senden");
        }
        await using var visit = await Visit.StartAsync();
        visit.Expected.Add("status of 403");
        await visit.Page.GotoAsync(Address(town, ""));
        await visit.Page.GetByLabel("Zugangsschlüssel").FillAsync(town.DeviceKey);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("darf die Geräte nicht sehen");
        await When_accessibility_is_checked.CheckAsync(visit);
    }

    [Test]
    public async Task Should_keep_towns_apart()
    {
        await using var visit = await SignedInAsync(false);
        foreach (var status in new[] { 401, 403, 404 }) visit.Expected.Add($"status of {status}");
        var page = visit.Page;
        await Expect(page.Locator(".device-list")).ToContainTextAsync("Pegel Altstadt");
        // The key of one town is not even shown to the other.
        var shown = new List<string>();
        page.Request += (_, request) => { if (request.Url.Contains(neighbour.Id, StringComparison.Ordinal) && request.Headers.ContainsKey("x-api-key")) shown.Add(request.Url); };
        await page.GotoAsync(Address(neighbour, "&device=wach"));
        await Expect(page.GetByLabel("Zugangsschlüssel")).ToBeVisibleAsync();
        Assert.That(shown, Is.Empty);
        await page.GetByLabel("Zugangsschlüssel").FillAsync(town.ConnectKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await page.GetByLabel("Zugangsschlüssel").FillAsync(neighbour.ConnectKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        await Expect(page.GetByText("Dieses Gerät gibt es nicht")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Zurück zur Liste" }).ClickAsync();
        await Expect(page.GetByText("Hier gibt es noch keine Geräte.")).ToBeVisibleAsync();
        await page.GotoAsync(Address(town, ""));
        await Expect(page.Locator(".device-list")).ToContainTextAsync("Pegel Altstadt");
    }

    [Test]
    public async Task Should_delete_only_after_its_id_was_typed()
    {
        await RegisterAsync("weg", "Pegel Irrtum", "70B3D57ED0000031", interval: 600);
        await using var visit = await SignedInAsync(false, "&device=weg");
        var page = visit.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Gerät löschen" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Endgültig löschen" })).ToBeDisabledAsync();
        await page.GetByLabel("Zum Bestätigen die Kennung eingeben: weg").FillAsync("weg");
        await page.GetByRole(AriaRole.Button, new() { Name = "Endgültig löschen" }).ClickAsync();
        await Expect(page.GetByText("„Pegel Irrtum“ ist gelöscht.")).ToBeVisibleAsync();
        using var gone = await admin.GetAsync("devices/weg");
        Assert.That(gone.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    async Task<Visit> SignedInAsync(bool phone, string hash = "", string? key = null)
    {
        var visit = await Visit.StartAsync(phone ? Visitor.OnThePhone with { Width = 360, Height = 740 } : Visitor.AtADesk);
        await visit.Page.GotoAsync(Address(town, hash));
        await visit.Page.GetByLabel("Zugangsschlüssel").FillAsync(key ?? town.ConnectKey);
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Anmelden" }).ClickAsync();
        await Expect(visit.Page.GetByLabel("Zugangsschlüssel")).ToHaveCountAsync(0);
        return visit;
    }

    static string Address(FreshMunicipality town, string hash) => new Uri(PlatformUnderTest.Gateway, $"/{town.Id}/#view=devices{hash}").ToString();

    static async Task StepAsync(Visit visit, string step, bool phone)
    {
        await When_accessibility_is_checked.CheckAsync(visit);
        await visit.PictureAsync($"devices-{step}-{(phone ? "phone" : "desk")}");
    }

    /// <returns>The device's key.</returns>
    async Task<string> RegisterAsync(string id, string name, string devEui, int interval)
    {
        using var answer = await admin.PostAsJsonAsync("devices", new
        {
            id,
            name,
            devEui,
            profile,
            expectedInterval = interval,
            group = "Mühlbach",
            department = "Tiefbauamt",
            location = new { type = "Point", coordinates = new[] { 8.38, 51.90 } },
        });
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), text);
        return JsonNode.Parse(text)!["key"]!.GetValue<string>();
    }

    /// <summary>An uplink that the device "funkt" sends by itself.</summary>
    async Task<HttpStatusCode> OwnUplinkAsync(string key, int count)
    {
        using var http = town.Anonymous();
        http.DefaultRequestHeaders.Add("X-Api-Key", key);
        using var answer = await http.PostAsJsonAsync("uplinks/json", new { device = "funkt", fPort = 2, fCnt = count, bytes = Convert.ToHexString(Convert.FromBase64String(Payload)) });
        return answer.StatusCode;
    }

    async Task<JsonNode> DeviceAsync(string id) => JsonNode.Parse(await admin.GetStringAsync($"devices/{id}"))!;

    async Task<HttpStatusCode> UplinkAsync(string name, string devEui)
    {
        using var http = town.AsDevice();
        using var answer = await http.PostAsJsonAsync("uplinks/tts", new
        {
            end_device_ids = new { device_id = name, dev_eui = devEui },
            received_at = DateTimeOffset.UtcNow,
            uplink_message = new { f_port = 2, f_cnt = 1, frm_payload = Payload, rx_metadata = new[] { new { rssi = -97, snr = 7 } } },
        });
        return answer.StatusCode;
    }
}
