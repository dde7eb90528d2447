using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_devices_are_searched
{
    Service service = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await AddAsync("a", "Zoo", """ "tags":["kita","co2"],"group":"Schulen","location":{"type":"Point","coordinates":[8.38,51.9]} """);
        await AddAsync("b", "Ärztehaus", """ "tags":["co2"],"group":"Schulen","department":"Bauamt","location":{"type":"Point","coordinates":[8.5,51.9]} """);
        await AddAsync("c", "Apotheke", """ "department":"Bauamt","location":{"type":"Point","coordinates":[179.5,-10]} """);
        await AddAsync("d", "apotheke", """ "notes":"geheim" """);
        await town.UplinkAsync("json", Messages.Plain("c", """ "bytes":"01" """, DateTime.UtcNow.ToString("O")));
        await SeenAsync("c");
        await town.UplinkAsync("json", Messages.Plain("a", """ "bytes":"01" """, DateTime.UtcNow.ToString("O")));
        await SeenAsync("a");
        await town.PostAsync("devices/d/state", """{"state":"installed"}""", town.Admin);
    }

    async Task AddAsync(string id, string name, string rest)
    {
        var answer = await town.PostAsync("devices", $$"""{"id":"{{id}}","name":"{{name}}","profile":"gauge",{{rest}}}""", town.Admin);
        Assert.That(answer.Status, Is.EqualTo(201), answer.Body);
    }

    Task SeenAsync(string id) => Eventually.TrueAsync(async () => (await town.GetAsync("devices/" + id, town.Admin)).Json.TryGetProperty("lastSeen", out _), "last seen of " + id);

    Task<string> IdsAsync(string query) => IdsAsync(query, town);

    async Task<string> IdsAsync(string query, Town town)
    {
        var ids = "";
        for (var link = $"/{town.Id}/devices?{query}"; link is not null;)
        {
            var page = await service.SendAsync(HttpMethod.Get, link, town.Analyst);
            Assert.That(page.Status, Is.EqualTo(200), page.Body);
            ids += string.Concat(page.Json.GetProperty("items").EnumerateArray().Select(device => device.GetProperty("id").GetString()));
            link = page.Json.TryGetProperty("next", out var next) ? new Uri(next.GetString()!).PathAndQuery : null;
        }
        return ids;
    }

    [TestCase("tag=co2", "ab")]
    [TestCase("tag=co2&tag=kita&limit=1", "a")]
    [TestCase("group=Schulen&limit=1", "ab")]
    [TestCase("department=Bauamt&tag=co2", "b")]
    [TestCase("search=bauamt", "bc")]
    [TestCase("search=kita", "a")]
    [TestCase("search=geheim", "")]
    [TestCase("state=planned", "b")]
    [TestCase("state=installed", "d")]
    [TestCase("state=active&limit=1", "ac")]
    [TestCase("bbox=8.3,51.8,8.4,52", "a")]
    [TestCase("bbox=179,-11,-179,10", "c")]
    [TestCase("bbox=-180,-90,180,90&limit=1", "abc")]
    [TestCase("silentSince=2020-01-01T00:00:00Z", "bd")]
    [TestCase("silentSince=2100-01-01T00:00:00Z&limit=1", "abcd")]
    [TestCase("sort=-id&limit=1", "dcba")]
    [TestCase("sort=name&limit=1", "dcba")]
    [TestCase("sort=-name&limit=3", "abcd")]
    [TestCase("sort=lastSeen&limit=1", "bdca")]
    [TestCase("sort=-lastSeen&limit=1", "acdb")]
    public async Task Should_find(string query, string ids) => Assert.That(await IdsAsync(query), Is.EqualTo(ids));

    [TestCase("sort=name", "m k l")]
    [TestCase("sort=name&limit=1", "m k l")]
    [TestCase("sort=-name&limit=1", "l k m")]
    public async Task Should_count_numbers_in_names_as_such(string query, string ids)
    {
        var other = await service.TownAsync();
        foreach (var (id, name) in new[] { ("k", "Pegel 9"), ("l", "Pegel 10"), ("m", "Pegel 2 (alt)") })
            Assert.That((await other.PostAsync("devices", $$"""{"id":"{{id}}","name":"{{name}}","profile":"gauge"}""", other.Admin)).Status, Is.EqualTo(201));
        Assert.That(string.Join(' ', (await IdsAsync(query, other)).ToCharArray()), Is.EqualTo(ids));
    }

    [TestCase("sort=x", "sort")]
    [TestCase("sort=--id", "sort")]
    [TestCase("state=x", "state")]
    [TestCase("condition=x", "condition")]
    [TestCase("bbox=1,2,3", "bbox")]
    [TestCase("bbox=1,3,2,2", "bbox")]
    [TestCase("bbox=0,0,0,NaN", "bbox")]
    [TestCase("sort=name&after=a", "afterKey")]
    [TestCase("sort=lastSeen&after=a&afterKey=x", "afterKey")]
    public async Task Should_refuse_what_cannot_be(string query, string field)
    {
        var answer = await town.GetAsync("devices?" + query, town.Analyst);
        Assert.That((answer.Error, answer.Field), Is.EqualTo(("invalid_page", field)));
        foreach (var other in new[] { "device-counts", "devices.geojson", "devices.csv" }.Where(_ => !query.Contains("after", StringComparison.Ordinal)))
            Assert.That((await town.GetAsync($"{other}?{query}", town.Analyst)).Field, Is.EqualTo(field), other);
    }

    [Test]
    public async Task Should_be_counted_whatever_state_is_asked_for()
    {
        var counts = (await town.GetAsync("device-counts?department=Bauamt&state=active", town.Analyst)).Json;
        Assert.That((counts.GetProperty("total").GetInt32(), counts.GetProperty("states").GetRawText()), Is.EqualTo((1, """{"planned":1,"installed":0,"active":1,"silent":0,"faulty":0,"retired":0}""")));
        Assert.That((counts.GetProperty("departments").GetRawText(), counts.GetProperty("tags").GetRawText(), counts.GetProperty("groups").GetRawText()), Is.EqualTo(
            ("""[{"value":"Bauamt","devices":2}]""", """[{"value":"co2","devices":2},{"value":"kita","devices":1}]""", """[{"value":"Schulen","devices":2}]""")));
    }

    [Test]
    public async Task Should_say_what_who_asks_may_do()
    {
        Assert.That((await MayAsync(town.Analyst), await MayAsync(town.Admin)), Is.EqualTo(("[] none", "[\"manage\",\"send\"] 0")));
        Assert.That(await MayAsync(service.Neighbours.AddKey(town.Id, Roles.ManageDevices)), Is.EqualTo("[\"manage\"] 0"));
        Assert.That((await town.GetAsync("device-counts", town.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("device-counts", (await service.TownAsync()).Admin)).Status, Is.EqualTo((await town.GetAsync("devices", (await service.TownAsync()).Admin)).Status).And.GreaterThanOrEqualTo(401));

        async Task<string> MayAsync(string credential)
        {
            var counts = (await town.GetAsync("device-counts", credential)).Json;
            return $"{counts.GetProperty("may").GetRawText()} {(counts.TryGetProperty("unknown", out var unknown) ? unknown.GetRawText() : "none")}";
        }
    }

    [TestCase("", "a b c")]
    [TestCase("?group=Schulen", "a b")]
    [TestCase("?search=kita", "a")]
    [TestCase("?state=installed", "")]
    public async Task Should_be_on_the_map_where_they_have_a_place(string query, string ids)
    {
        using var answer = await service.GetAsync($"/{town.Id}/devices.geojson{query}", town.Analyst);
        var features = JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("features").EnumerateArray().ToList();
        Assert.That((answer.Content.Headers.ContentType!.MediaType, string.Join(' ', features.Select(one => one.GetProperty("id").GetString()))), Is.EqualTo(("application/geo+json", ids)));
        if (features.Count > 0)
            Assert.That(features[0].GetRawText(), Is.EqualTo("""{"type":"Feature","id":"a","properties":{"name":"Zoo","state":"active"},"geometry":{"type": "Point", "coordinates": [8.38, 51.9]}}"""));
    }

    [TestCase("", 4)]
    [TestCase("department=Bauamt", 2)]
    [TestCase("sort=-name&limit=1", 4)]
    [TestCase("template=true", 0)]
    public async Task Should_be_exported(string query, int rows) =>
        Assert.That((await town.GetAsync("devices.csv?" + query, town.Analyst)).Body.Trim().Split("\r\n"), Has.Length.EqualTo(1 + rows));
}
