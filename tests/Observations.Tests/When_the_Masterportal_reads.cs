using System.Text.Json.Nodes;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>A client that is not ours, over a real connection: node with OpenLayers, in the way of the Masterportal (masterportal.mjs).</summary>
[TestFixture]
public sealed class When_the_Masterportal_reads
{
    static readonly NodePackages Node = new(Path.Combine(Repository.Root, "tests", "Observations.Tests"));

    [Test]
    public async Task Should_get_all_things_with_their_newest_values_and_no_history_that_it_did_not_ask_for()
    {
        await Node.InstallAsync();
        var service = await Service.SharedAsync();
        var town = await service.TownAsync();
        for (var i = 0; i < 5; i++) await town.RegisterAsync($"station {i}", "luft", "no2", "pm10");
        for (var i = 0; i < 5; i++) await town.AppendAsync($"station {i}", [.. Enumerable.Range(0, 30).Select(n => At($"station {i}.no2", $"2026-11-20T{n % 24:00}:{n:00}:00Z", n))]);
        for (var i = 0; i < 5; i++) await town.HasAsync($"station {i}.no2", 30);

        await service.ListeningAsync(async address =>
        {
            var newest = "$expand=Locations,Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc),ObservedProperty)";
            var asked = new JsonObject
            {
                ["root"] = $"{address}/{town.Id}/sta/v1.1",
                ["queries"] = new JsonObject
                {
                    ["paged"] = $"Things?$top=2&{newest}",
                    ["all"] = $"Things?{newest}",
                    ["here"] = $"Things?$filter=st_within(Locations/location,geography'POLYGON ((8.3 51.8,8.5 51.8,8.5 52,8.3 52,8.3 51.8))')&$expand=Locations",
                    ["elsewhere"] = "Things?$filter=st_within(Locations/location,geography'POLYGON ((1 1,2 1,2 2,1 2,1 1))')&$expand=Locations",
                    ["history"] = "Things?$filter=id eq 'station 3'&$expand=Datastreams($filter=ObservedProperty/name eq 'no2';$expand=Observations($filter=phenomenonTime ge 2026-11-20T00:00:00Z))",
                },
                ["geojson"] = "Things?$resultFormat=GeoJSON&$expand=Locations,Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))",
            };
            var read = JsonNode.Parse(await Node.RunAsync("node", asked.ToJsonString(), "masterportal.mjs"))!;
            Assert.Multiple(() =>
            {
                var things = read["things"]!;
                Assert.That(things["paged"]!.AsArray(), Has.Count.EqualTo(2), "it takes $top as all that was asked for");
                Assert.That(things["all"]!.AsArray(), Has.Count.EqualTo(5));
                foreach (var thing in things["all"]!.AsArray())
                {
                    var no2 = thing!["Datastreams"]!.AsArray().Single(datastream => (string)datastream!["ObservedProperty"]!["@iot.id"]! == "no2")!;
                    Assert.That(no2["Observations"]!.AsArray().Select(one => (string)one!["phenomenonTime"]!), Is.EqualTo(new[] { "2026-11-20T23:23:00Z" }), "the newest alone");
                }
                Assert.That(things["here"]!.AsArray(), Has.Count.EqualTo(5));
                Assert.That(things["elsewhere"]!.AsArray(), Is.Empty);
                Assert.That(things["history"]![0]!["Datastreams"]![0]!["Observations"]!.AsArray(), Has.Count.EqualTo(30));
                Assert.That(read["features"]!.AsArray().Select(feature => feature!["at"]!.ToJsonString()), Is.EqualTo(Enumerable.Repeat("[932857,6782064]", 12)), "Web Mercator");
                Assert.That(read["geojson"]!.AsArray().Select(feature => feature!["geometry"]!.ToJsonString()), Is.EqualTo(Enumerable.Repeat("[8.38,51.9]", 5)));
                Assert.That((double)read["geojson"]![0]!["Datastreams/0/Observations/0/result"]!, Is.EqualTo(23));
                Assert.That((int)read["requests"]!, Is.EqualTo(6), "one for each question");
            });
        });
    }
}
