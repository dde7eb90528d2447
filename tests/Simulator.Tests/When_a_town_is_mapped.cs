using System.Text.Json;
using Allmende.Simulator.Mapping;
using Allmende.Simulator.Town;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_a_town_is_mapped
{
    static IReadOnlyList<Shape> Map(int devices = 300, ulong seed = 1)
    {
        var (plan, world, _) = Simulation.Build(Towns.Options(devices, seed));
        return TownMap.Of(plan, world.Noise.Of("map"));
    }

    [Test]
    public void Should_be_the_same_map_again_from_the_same_seed()
    {
        var first = BasemapFile.Write(Map(), (8.38, 51.9));
        Assert.Multiple(() =>
        {
            Assert.That(BasemapFile.Write(Map(), (8.38, 51.9)), Is.EqualTo(first));
            Assert.That(BasemapFile.Write(Map(seed: 2), (8.38, 51.9)), Is.Not.EqualTo(first));
        });
    }

    [Test]
    public void Should_show_every_street_park_and_school_that_sensors_are_named_after([Values(40, 300)] int devices)
    {
        var plan = Simulation.Build(Towns.Options(devices)).Plan;
        var names = Map(devices).Select(shape => shape.Name).ToHashSet();
        var wanted = plan.Streets.Append(plan.Ring).Select(street => street.Name).Concat(plan.Parks.Select(park => park.Name)).Concat(plan.Schools.Select(school => school.Name));
        Assert.That(wanted.Where(name => !names.Contains(name)), Is.Empty);
    }

    [Test]
    public void Should_build_no_house_in_the_river_or_on_a_main_street([Values(40, 300)] int devices)
    {
        var plan = Simulation.Build(Towns.Options(devices)).Plan;
        var middles = Map(devices).Where(shape => shape is { Kind: Kind.Building, Name: null })
            .Select(house => new Spot(house.Spots.Take(4).Average(spot => spot.East), house.Spots.Take(4).Average(spot => spot.North))).ToList();
        Assert.That(middles, Has.Count.GreaterThan(100));
        Assert.That(middles.Where(middle => Outline.Distance(middle, plan.River.Spots) < 20 || plan.Streets.Any(street => Outline.Distance(middle, street.Spots) < 8)), Is.Empty);
    }

    [Test]
    public void Should_be_geojson_with_closed_areas()
    {
        using var json = JsonDocument.Parse(BasemapFile.Write(Map(), (8.38, 51.9)));
        Assert.That(json.RootElement.GetProperty("type").GetString(), Is.EqualTo("FeatureCollection"));
        foreach (var feature in json.RootElement.GetProperty("features").EnumerateArray())
        {
            var geometry = feature.GetProperty("geometry");
            var road = feature.GetProperty("properties").GetProperty("kind").GetString() == "road";
            Assert.That(geometry.GetProperty("type").GetString(), Is.EqualTo(road ? "LineString" : "Polygon"));
            if (road) continue;
            var outline = geometry.GetProperty("coordinates")[0].EnumerateArray().Select(position => (position[0].GetDouble(), position[1].GetDouble())).ToList();
            Assert.That(outline[^1], Is.EqualTo(outline[0]));
        }
    }
}
