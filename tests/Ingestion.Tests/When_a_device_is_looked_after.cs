using System.Net.Http.Headers;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_is_looked_after
{
    static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3];
    static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];
    static readonly byte[] WebP = [.. "RIFF"u8, 1, 0, 0, 0, .. "WEBPVP8 "u8];

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    Task<Answer> PhotoAsync(byte[] photo, string type = "application/octet-stream", string? credential = null, string id = "pegel-1") =>
        service.SendAsync(HttpMethod.Put, $"/{town.Id}/devices/{id}/photo", credential ?? town.Admin, new ByteArrayContent(photo) { Headers = { ContentType = new MediaTypeHeaderValue(type) } });

    static IEnumerable<TestCaseData> Photos => [new(Png, "image/png"), new(Jpeg, "image/jpeg"), new(WebP, "image/webp")];

    [TestCaseSource(nameof(Photos))]
    public async Task Should_show_its_photo(byte[] photo, string type)
    {
        Assert.That((await PhotoAsync(photo, "image/webp")).Status, Is.EqualTo(204));

        using var answer = await service.GetAsync($"/{town.Id}/devices/pegel-1/photo", town.Analyst);
        Assert.That(((int)answer.StatusCode, answer.Content.Headers.ContentType!.MediaType), Is.EqualTo((200, type)), "what it is, not what it was called");
        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(photo));
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }));
        using var unchanged = await service.GetAsync($"/{town.Id}/devices/pegel-1/photo", town.Analyst, answer.Headers.ETag!.ToString());
        Assert.That((int)unchanged.StatusCode, Is.EqualTo(304));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Analyst)).Text("photo"), Is.EqualTo($"https://daten.example/{town.Id}/devices/pegel-1/photo"));

        Assert.That((await town.DeleteAsync("devices/pegel-1/photo", town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.GetAsync("devices/pegel-1/photo", town.Analyst)).Error, Is.EqualTo("no_photo"));
        Assert.That((await town.DeleteAsync("devices/pegel-1/photo", town.Admin)).Error, Is.EqualTo("no_photo"));
    }

    [Test]
    public async Task Should_take_no_other_file_for_a_photo()
    {
        Assert.That((await PhotoAsync("<svg onload='alert(1)'/>"u8.ToArray(), "image/png")).Error, Is.EqualTo("invalid_photo"));
        Assert.That((await PhotoAsync([], "image/png")).Error, Is.EqualTo("invalid_photo"));
        Assert.That((await PhotoAsync([.. Png, .. new byte[2 * 1024 * 1024]])).Error, Is.EqualTo("too_large"));
        Assert.That((await PhotoAsync(Png, id: "nobody")).Error, Is.EqualTo("unknown_device"));
        Assert.That((await PhotoAsync(Png, credential: town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await PhotoAsync(Png, credential: town.Key)).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_show_its_photo_to_the_towns_own_people_alone()
    {
        await PhotoAsync(Png);
        Assert.That((await town.GetAsync("devices/pegel-1/photo", null)).Status, Is.EqualTo(401));
        Assert.That((await town.GetAsync("devices/pegel-1/photo", service.Neighbours.Token(town.Id, "partner"))).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("devices/pegel-1/photo", service.Neighbours.Token("anderswo", "admin"))).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_remember_what_was_done_and_by_whom()
    {
        await town.PostAsync("devices/pegel-1/maintenance", """{"kind":"installed","at":"2026-03-01T08:00:00Z"}""", town.Admin);
        await town.PostAsync("devices/pegel-1/maintenance", """{"kind":"cleaned","at":"2026-03-03T08:00:00Z","text":"Algen"}""", town.Admin);
        var late = await town.PostAsync("devices/pegel-1/maintenance", """{"kind":"battery-changed","at":"2026-03-02T08:00:00Z"}""", town.Admin);
        Assert.That((late.Status, late.Text("by"), late.Text("kind")), Is.EqualTo((201, "tests", "battery-changed")));

        var kinds = new List<string>();
        for (var link = $"/{town.Id}/devices/pegel-1/maintenance?limit=2"; link is not null;)
        {
            var page = (await service.SendAsync(HttpMethod.Get, link, town.Analyst)).Json;
            kinds.AddRange(page.GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("kind").GetString()!));
            link = page.TryGetProperty("next", out var next) ? new Uri(next.GetString()!).PathAndQuery : null;
        }
        Assert.That(kinds, Is.EqualTo(new[] { "cleaned", "battery-changed", "installed" }));
    }

    [TestCase("""{"kind":"replaced"}""", "kind")]
    [TestCase("""{"text":"x"}""", "kind")]
    [TestCase("""{"kind":"other"}""", "text")]
    [TestCase("""{"kind":"moved","at":"heute"}""", "at")]
    [TestCase("[]", "")]
    public async Task Should_refuse_an_entry_that_says_nothing(string entry, string field)
    {
        var answer = await town.PostAsync("devices/pegel-1/maintenance", entry, town.Admin);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_maintenance")));
        Assert.That(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Body);
    }

    [Test]
    public async Task Should_have_no_log_where_there_is_no_device()
    {
        Assert.That((await town.PostAsync("devices/nobody/maintenance", """{"kind":"moved"}""", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.GetAsync("devices/nobody/maintenance", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.GetAsync("devices/pegel-1/maintenance", town.Analyst)).Json.GetProperty("items").GetArrayLength(), Is.Zero);
        Assert.That((await town.PostAsync("devices/pegel-1/maintenance", """{"kind":"moved"}""", town.Analyst)).Status, Is.EqualTo(403));
    }
}
