using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>Following <c>@iot.nextLink</c> gives everything once, also while observations come in, and the hundredth page costs what the first does.</summary>
[TestFixture]
public sealed class When_clients_page
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync() => town = await FilledAsync();

    static async Task<Town> FilledAsync()
    {
        var town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("grün 1", "gruen", "a", "b", "c");
        await town.AppendAsync("grün 1", [.. Enumerable.Range(0, 240).Select(i => At($"grün 1.{"abc"[i % 3]}", $"2026-10-{1 + i / 24:00}T{i / 2 % 12 + (i % 2 == 0 ? 0 : 12):00}:00:00Z", i))]);
        foreach (var name in "abc") await town.HasAsync($"grün 1.{name}", 80);
        return town;
    }

    static string Escaped(string path) => path.Replace(" ", "%20", StringComparison.Ordinal);

    static async Task<List<(string Id, string Time)>> AllAsync(Town town, string path, Func<int, Task>? between = null, Action<string>? look = null)
    {
        var seen = new List<(string, string)>();
        for (var (next, pages) = ((string?)Escaped(path), 0); next is not null; pages++)
        {
            var page = await town.GetAsync(next);
            seen.AddRange(page["value"]!.AsArray().Select(one => ((string)one!["@iot.id"]!, (string)one["phenomenonTime"]!)));
            var link = (string?)page["@iot.nextLink"];
            if (link is not null) look?.Invoke(link);
            next = link?.Split("/v1.1/")[1];
            if (between is not null) await between(pages);
            Assert.That(pages, Is.LessThan(100), "pages without end");
        }
        return seen;
    }

    [Test]
    public async Task Should_see_each_observation_once_and_in_order(
        [Values("Observations", "Datastreams('grün 1.a')/Observations", "Things('grün 1')/Datastreams('grün 1.b')/Observations", "FeaturesOfInterest('grün 1')/Observations")] string path,
        [Values("", "phenomenonTime", "phenomenonTime desc", "phenomenonTime asc,id", "result desc")] string order, [Values("", "$top=7", "$filter=result gt -1")] string option)
    {
        var query = string.Join('&', new[] { order.Length > 0 ? "$orderby=" + order : "", option }.Where(part => part.Length > 0));
        var seen = await AllAsync(town, $"{path}?{query}", look: link =>
        {
            Assert.That(link.Contains("%24top", StringComparison.Ordinal) || link.Contains("$top", StringComparison.Ordinal), Is.EqualTo(option == "$top=7"), link);
            Assert.That(link.All(c => c is > ' ' and <= '~'), Is.True, link);
        });
        Assert.That(seen.Select(one => one.Id).ToList(), Is.Unique.And.Count.EqualTo(path.Contains("Datastreams", StringComparison.Ordinal) ? 80 : 240));
        if (order.StartsWith("phenomenonTime", StringComparison.Ordinal))
            Assert.That(seen.Select(one => one.Time), order.Contains("desc", StringComparison.Ordinal) ? Is.Ordered.Descending : Is.Ordered.Ascending);
    }

    [TestCase("phenomenonTime", "2026-09-0{0}T00:00:00Z")]
    [TestCase("phenomenonTime desc", "2026-11-0{0}T00:00:00Z")]
    [TestCase("", "2026-09-0{0}T00:00:00Z")]
    public async Task Should_miss_nothing_and_repeat_nothing_while_others_come_in_before(string order, string times)
    {
        var own = await FilledAsync();
        var added = 0;
        var seen = await AllAsync(own, $"Datastreams('grün 1.a')/Observations?$top=20{(order.Length > 0 ? "&$orderby=" + order : "")}", async page =>
        {
            if (page >= 3) return;
            // They come before the page that was read last: counting from the front, the next page would begin too early.
            await own.AppendAsync("grün 1", [.. Enumerable.Range(0, 5).Select(i => At("grün 1.a", string.Format(null, times, page * 3 + 1).Replace(":00Z", $":0{i}Z", StringComparison.Ordinal), 1000))]);
            await own.HasAsync("grün 1.a", 80 + (added += 5));
        });
        Assert.That(added, Is.EqualTo(15));
        Assert.That(seen.Select(one => one.Id).ToList(), Is.Unique.And.Count.EqualTo(80));
    }

    [Test]
    public async Task Should_go_on_inside_an_expansion()
    {
        var thing = await town.GetAsync(Escaped("Things('grün 1')?$expand=Datastreams($orderby=id;$expand=Observations($orderby=phenomenonTime desc;$select=id,phenomenonTime;$top=30))"));
        var datastream = thing["Datastreams"]![0]!;
        var first = datastream["Observations"]!.AsArray().Select(one => (string)one!["@iot.id"]!).ToList();
        var rest = await AllAsync(town, ((string)datastream["Observations@iot.nextLink"]!).Split("/v1.1/")[1]);
        Assert.That(first.Concat(rest.Select(one => one.Id)).ToList(), Is.Unique.And.Count.EqualTo(80));
    }

    [Test]
    public async Task Should_let_clients_see_by_skip_how_far_they_are()
    {
        // The Masterportal stops where $top is not more than $skip: it wanted the newest alone.
        var thing = await town.GetAsync("Datastreams?$top=1&$expand=Observations($top=1;$orderby=phenomenonTime%20desc)");
        Assert.That(Uri.UnescapeDataString((string)thing["value"]![0]!["Observations@iot.nextLink"]!), Does.Contain("$top=1").And.Contain("$skip=1"));
    }

    [Test]
    public async Task Should_end_where_an_empty_page_was_asked()
    {
        var page = await town.GetAsync("Observations?$top=0&$count=true&$orderby=phenomenonTime");
        Assert.That((int)page["@iot.count"]!, Is.EqualTo(240));
        Assert.That(page.AsObject().ContainsKey("@iot.nextLink"), Is.False);
        Assert.That((await town.GetAsync("Observations?$skip=240&$top=5")).AsObject().Select(pair => pair.Key), Is.EqualTo(new[] { "value" }));
    }
}
