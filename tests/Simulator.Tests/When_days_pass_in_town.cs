using Allmende.Simulator.Sensors;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_days_pass_in_town
{
    static readonly DateTime Monday = new(2026, 11, 16, 0, 0, 0, DateTimeKind.Utc);

    readonly Surroundings world = new(1, 8.38, 51.90);

    [Test]
    public void Should_raise_the_river_hours_after_the_rain_and_not_before()
    {
        var hour = Enumerable.Range(0, 24 * 365).Select(h => (long)Calendar.Hours(Monday) - h).MaxBy(world.Weather.RainInHour);
        var rain = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(hour);
        double Level(double hours) => world.Hydrology.RiverLevel(rain.AddHours(hours), 6, 0.035, 0.7);
        Assert.Multiple(() =>
        {
            Assert.That(world.Weather.RainInHour(hour), Is.GreaterThan(3));
            Assert.That(Level(6) - Level(-1), Is.GreaterThan(0.1));
            Assert.That(Level(6), Is.GreaterThan(Level(1)));
            Assert.That(Level(60), Is.LessThan(Level(6)));
        });
    }

    [Test]
    public void Should_wet_the_soil_and_dry_it_again()
    {
        var hours = Enumerable.Range(0, 24 * 365).Select(h => Monday.AddHours(-h)).ToList();
        var rainiest = hours.MaxBy(hour => world.Weather.RainInHour((long)Calendar.Hours(hour)));
        var ground = new Ground(world.Noise.Of("tree"), world);
        Assert.Multiple(() =>
        {
            Assert.That(ground.Moisture(rainiest.AddHours(2)), Is.GreaterThan(ground.Moisture(rainiest.AddHours(-1)) + 0.01));
            Assert.That(hours.Select(ground.Moisture), Is.All.InRange(0.05, 0.42));
        });
    }

    [Test]
    public void Should_have_the_weather_of_the_country()
    {
        var hours = Enumerable.Range(0, 24 * 365).Select(h => Monday.AddHours(-h)).ToList();
        var july = hours.Where(hour => hour.Month == 7).Average(world.Weather.Temperature);
        var january = hours.Where(hour => hour.Month == 1).Average(world.Weather.Temperature);
        var year = hours.Sum(hour => world.Weather.RainInHour((long)Calendar.Hours(hour)));
        Assert.Multiple(() =>
        {
            Assert.That(july, Is.InRange(15, 23));
            Assert.That(january, Is.InRange(-4, 6));
            Assert.That(year, Is.InRange(450, 1300), "mm of rain in the year");
            Assert.That(hours.Select(world.Weather.Temperature), Is.All.InRange(-22, 40));
            Assert.That(hours.Select(world.Weather.Humidity), Is.All.InRange(20, 100));
        });
    }

    [Test]
    public void Should_have_stale_air_in_class_and_fresh_air_on_Sundays()
    {
        var room = new ClassRoom(world.Noise.Of("room"), world);
        var lesson = Enumerable.Range(0, 5).Max(day => room.CarbonDioxide(Monday.AddDays(day).AddHours(8.2)));
        var sunday = room.CarbonDioxide(Monday.AddDays(6).AddHours(10));
        Assert.Multiple(() =>
        {
            Assert.That(lesson, Is.InRange(900, 3500));
            Assert.That(sunday, Is.InRange(400, 520));
        });
    }

    [Test]
    public void Should_crowd_the_market_on_Saturday_and_the_roads_on_working_mornings()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Bustle.Shoppers(Monday.AddDays(5).AddHours(9.5), true), Is.GreaterThan(2 * Bustle.Shoppers(Monday.AddHours(9.5), true)));
            Assert.That(Bustle.Traffic(Monday.AddHours(6.5)), Is.GreaterThan(4 * Bustle.Traffic(Monday.AddDays(6).AddHours(6.5))));
        });
    }

    [Test]
    public void Should_fill_shoppers_bays_by_day_and_empty_them_by_night()
    {
        var bays = Enumerable.Range(0, 40).Select(i => new ParkingBay(new Mount($"Bucht {i}", default, world.Noise.Of(i), world), Parkers.Shoppers)).ToList();
        double Occupied(double hour) => bays.Average(bay => bay.Measure(Monday.AddHours(hour).AddSeconds(7), new Condition(1, false, default)).Bytes[0] & 1);
        Assert.Multiple(() =>
        {
            Assert.That(Occupied(11.5), Is.GreaterThan(0.35));
            Assert.That(Occupied(2), Is.LessThan(0.15));
        });
    }

    [Test]
    public void Should_burn_street_lights_at_night_alone()
    {
        Assert.Multiple(() =>
        {
            Assert.That(world.Lighting.Power(Monday.AddHours(11)), Is.Zero);
            Assert.That(world.Lighting.Power(Monday.AddHours(19)), Is.EqualTo(1));
            Assert.That(world.Lighting.FullPowerHours(Monday.AddDays(1)) - world.Lighting.FullPowerHours(Monday), Is.InRange(9, 14));
        });
    }

    [Test]
    public void Should_know_holidays_and_the_two_clocks()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Calendar.IsRestDay(new DateTime(2026, 4, 6)), "Easter Monday");
            Assert.That(Calendar.IsRestDay(new DateTime(2026, 5, 14)), "Ascension");
            Assert.That(Calendar.IsSchoolDay(new DateTime(2026, 7, 20)), Is.False);
            Assert.That(Calendar.Local(new DateTime(2026, 10, 25, 0, 59, 0, DateTimeKind.Utc)).Hour, Is.EqualTo(2));
            Assert.That(Calendar.Local(new DateTime(2026, 10, 25, 1, 1, 0, DateTimeKind.Utc)).Hour, Is.EqualTo(2));
        });
    }
}
