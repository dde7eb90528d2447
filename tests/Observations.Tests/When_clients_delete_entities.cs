using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>OGC 18-088 section 10.4.</summary>
[TestFixture]
public sealed class When_clients_delete_entities
{
    Town town = null!;

    [OneTimeSetUp] public async Task PrepareAsync() => town = await (await Service.SharedAsync()).TownAsync();

    const string TwoObservations = """
        ,"Observations":[{"phenomenonTime":"2026-11-20T10:00:00Z","result":1},{"phenomenonTime":"2026-11-20T10:10:00Z","result":2}]
        """;

    /// <summary>A station with all around it, by the names of the sets.</summary>
    async Task<Dictionary<string, string>> StationAsync()
    {
        var thing = await town.MakeAsync("Things", Station(datastream: TwoObservations));
        var read = await town.GetAsync(PathOf(thing) + "?$expand=Locations,HistoricalLocations,Datastreams($expand=Sensor,ObservedProperty,Observations($expand=FeatureOfInterest))");
        var datastream = read["Datastreams"]![0]!;
        var observation = datastream["Observations"]![0]!;
        return new()
        {
            ["Thing"] = PathOf(read),
            ["Location"] = PathOf(read["Locations"]![0]!),
            ["HistoricalLocation"] = PathOf(read["HistoricalLocations"]![0]!),
            ["Datastream"] = PathOf(datastream),
            ["Sensor"] = PathOf(datastream["Sensor"]!),
            ["ObservedProperty"] = PathOf(datastream["ObservedProperty"]!),
            ["Observation"] = PathOf(observation),
            ["FeatureOfInterest"] = PathOf(observation["FeatureOfInterest"]!),
        };
    }

    [TestCase("Thing", "Thing HistoricalLocation Datastream Observation")]
    [TestCase("Location", "Location HistoricalLocation")]
    [TestCase("HistoricalLocation", "HistoricalLocation")]
    [TestCase("Datastream", "Datastream Observation")]
    [TestCase("Sensor", "Sensor Datastream Observation")]
    [TestCase("ObservedProperty", "ObservedProperty Datastream Observation")]
    [TestCase("FeatureOfInterest", "FeatureOfInterest Observation")]
    [TestCase("Observation", "Observation")]
    public async Task Should_take_with_it_what_cannot_be_without(string deleted, string gone)
    {
        var station = await StationAsync();
        Assert.That((await town.WriteAsync(HttpMethod.Delete, station[deleted])).Status, Is.EqualTo(200));
        var missing = new List<string>();
        foreach (var (name, path) in station)
            if (await town.StatusAsync(path) == 404) missing.Add(name);
        Assert.That(missing, Is.EquivalentTo(gone.Split(' ')));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, station[deleted])).Status, Is.EqualTo(404), "twice");
    }

    [Test]
    public async Task Should_know_the_newest_and_the_number_of_those_that_are_left()
    {
        var station = await StationAsync();
        async Task<(int Count, double? Newest, string? Times)> KnownAsync()
        {
            var read = await town.GetAsync(station["Datastream"] + "?$expand=Observations($count=true;$top=1;$orderby=phenomenonTime desc)");
            return ((int)(await town.GetAsync(station["Datastream"] + "/Observations?$count=true&$top=0"))["@iot.count"]!, (double?)read["Observations"]!.AsArray().FirstOrDefault()?["result"], (string?)read["phenomenonTime"]);
        }
        await town.MakeAsync(station["Datastream"] + "/Observations", """{"phenomenonTime":"2026-11-20T10:20:00Z","result":3}""");
        async Task DeleteAsync(double result) => Assert.That((await town.WriteAsync(HttpMethod.Delete,
            PathOf((await town.GetAsync($"{station["Datastream"]}/Observations?$filter=result%20eq%20{result}"))["value"]![0]!))).Status, Is.EqualTo(200));
        Assert.That(await KnownAsync(), Is.EqualTo((3, 3d, "2026-11-20T10:00:00Z/2026-11-20T10:20:00Z")));
        await DeleteAsync(3);
        Assert.That(await KnownAsync(), Is.EqualTo((2, 2d, "2026-11-20T10:00:00Z/2026-11-20T10:10:00Z")));
        await DeleteAsync(1);
        Assert.That(await KnownAsync(), Is.EqualTo((1, 2d, "2026-11-20T10:10:00Z/2026-11-20T10:10:00Z")));
        await DeleteAsync(2);
        Assert.That(await KnownAsync(), Is.EqualTo((0, (double?)null, (string?)null)));
        await town.MakeAsync(station["Datastream"] + "/Observations", """{"phenomenonTime":"2026-11-20T10:00:00Z","result":4}""");
        Assert.That((await KnownAsync()).Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Should_not_lose_count_while_others_store()
    {
        var station = await StationAsync();
        var made = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => town.MakeAsync(station["Datastream"] + "/Observations", $$"""{"phenomenonTime":"2026-11-21T10:00:{{i:00}}Z","result":{{i}}}""")));
        var writes = made.Where((_, i) => i % 2 == 0).Select(observation => town.WriteAsync(HttpMethod.Delete, PathOf(observation)))
            .Concat(Enumerable.Range(0, 30).Select(i => town.WriteAsync(HttpMethod.Post, station["Datastream"] + "/Observations", $$"""{"phenomenonTime":"2026-11-21T11:00:{{i:00}}Z","result":{{i}}}""")));
        Assert.That((await Task.WhenAll(writes)).Select(answer => answer.Status), Is.All.EqualTo(200).Or.EqualTo(201));
        var all = (await town.GetAsync(station["Datastream"] + "/Observations?$count=true&$top=1000"))!;
        Assert.That((int)all["@iot.count"]!, Is.EqualTo(62));
        Assert.That(all["value"]!.AsArray(), Has.Count.EqualTo(62));
    }
}
