using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_devices_are_looked_at
{
    Service service = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        foreach (var id in new[] { "pegel-1", "pegel-2", "pegel-3", "wetter-1", "wetter-2" }) await town.DeviceAsync(id);
        await town.PostAsync("devices", """{"id":"sonder","name":"100%_\\ genau","profile":"decoded"}""", town.Admin);
    }

    async Task<string[]> IdsAsync(string query) =>
        [.. (await town.GetAsync("devices" + query, town.Analyst)).Json.GetProperty("items").EnumerateArray().Select(device => device.GetProperty("id").GetString()!)];

    [Test]
    public async Task Should_be_paged_by_links()
    {
        var seen = new List<string>();
        var link = $"https://daten.example/{town.Id}/devices?limit=4";
        while (link is not null)
        {
            var page = (await service.SendAsync(HttpMethod.Get, new Uri(link).PathAndQuery, town.Analyst)).Json;
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(device => device.GetProperty("id").GetString()!));
            link = page.TryGetProperty("next", out var next) ? next.GetString() : null;
            if (link is not null) Assert.That(link, Does.StartWith($"https://daten.example/{town.Id}/devices?"));
        }
        Assert.That(seen, Is.EqualTo(new[] { "pegel-1", "pegel-2", "pegel-3", "sonder", "wetter-1", "wetter-2" }));
    }

    [TestCase("?search=WETTER", "wetter-1", "wetter-2")]
    [TestCase("?search=altstadt&limit=1", "pegel-1")]
    [TestCase("?profile=decoded", "sonder")]
    [TestCase("?search=0%25_%5C", "sonder")]
    [TestCase("?search=p_gel")]
    [TestCase("?search=%25&after=t")]
    public async Task Should_be_found(string query, params string[] ids) => Assert.That(await IdsAsync(query), Is.EqualTo(ids));

    [TestCase("?limit=0", "limit")]
    [TestCase("?limit=1001", "limit")]
    [TestCase("?search=%00", "search")]
    [TestCase("?after=%00", "after")]
    public async Task Should_refuse_an_impossible_page(string query, string field)
    {
        var answer = await town.GetAsync("devices" + query, town.Analyst);
        Assert.That((answer.Status, answer.Error, answer.Field), Is.EqualTo((422, "invalid_page", field)));
    }

    [TestCase("nobody")]
    [TestCase("%01")]
    [TestCase("Pegel-1")]
    public async Task Should_say_that_there_is_none(string id) =>
        Assert.That((await town.GetAsync("devices/" + id, town.Analyst)).Error, Is.EqualTo("unknown_device"));

    [Test]
    public async Task Should_be_shown_to_the_towns_own_people_alone()
    {
        Assert.That((await town.GetAsync("devices", null)).Status, Is.EqualTo(401));
        Assert.That((await town.GetAsync("devices", service.Neighbours.Token(town.Id, "partner"))).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Key)).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_show_when_each_was_last_heard_of()
    {
        var device = await town.DeviceAsync("gehoert");
        await town.UplinkAsync("tts", Messages.TheThingsStack(device.Id, device.DevEui));

        var seen = await Eventually.GetAsync(async () =>
            (await town.GetAsync("devices/gehoert", town.Analyst)).Json.TryGetProperty("lastSeen", out var last) ? last.GetRawText() : null, "last uplink");

        Assert.That(seen, Does.Contain("\"fCnt\":158").And.Contain("\"rssi\":-97").And.Contain("\"snr\":0"));
        await town.DeleteAsync("devices/gehoert", town.Admin);
    }
}
