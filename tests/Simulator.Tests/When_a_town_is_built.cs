using Allmende.Simulator.Town;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_a_town_is_built
{
    [Test]
    public void Should_have_as_many_devices_as_asked([Values(1, 13, 30, 100, 300, 700)] int devices) =>
        Assert.That(Simulation.Build(Towns.Options(devices)).Sensors, Has.Count.EqualTo(devices));

    [Test]
    public void Should_give_each_device_an_id_that_a_network_server_takes([Values(30, 300, 700)] int devices)
    {
        var sensors = Simulation.Build(Towns.Options(devices)).Sensors;
        Assert.Multiple(() =>
        {
            Assert.That(sensors.Select(sensor => sensor.Id), Is.Unique);
            Assert.That(sensors.Select(sensor => sensor.DevEui), Is.Unique);
            Assert.That(sensors.Select(sensor => sensor.Id), Is.All.Match("^[a-z0-9](-?[a-z0-9]){2,35}$"));
            Assert.That(sensors.Select(sensor => sensor.DevEui), Is.All.Match("^[0-9A-F]{16}$"));
        });
    }

    [Test]
    public void Should_be_the_same_town_again_from_the_same_seed()
    {
        static IEnumerable<string> Describe(ulong seed) => Simulation.Build(Towns.Options(seed: seed)).Sensors.Select(sensor => $"{sensor.DevEui} {sensor.Name} {sensor.Spot}");
        var (first, again, other) = (Describe(1).ToList(), Describe(1).ToList(), Describe(2).ToList());
        Assert.Multiple(() =>
        {
            Assert.That(again, Is.EqualTo(first));
            Assert.That(other, Is.Not.EqualTo(first));
        });
    }

    [Test]
    public void Should_keep_all_devices_in_town()
    {
        var (plan, _, sensors) = Simulation.Build(Towns.Options());
        Assert.That(sensors.Select(sensor => sensor.Spot.DistanceTo(new Spot(0, 0))), Is.All.LessThan(plan.Radius * 1.3));
    }

    [Test]
    public void Should_give_a_village_one_of_each_kind() =>
        Assert.That(Simulation.Build(Towns.Options(30)).Sensors.Select(sensor => sensor.Profile).Distinct().Count(), Is.GreaterThanOrEqualTo(11));

    [Test]
    public void Should_only_have_devices_whose_codecs_the_platform_ships()
    {
        var profiles = Simulation.Build(Towns.Options()).Sensors.Select(sensor => sensor.Profile).Distinct();
        Assert.That(profiles.Where(profile => !Codecs.Ships(profile)), Is.Empty);
    }
}
