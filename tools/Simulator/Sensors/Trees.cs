using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>The ground of a young tree: how much water it holds, and how the gardeners help out in summer.</summary>
sealed class Ground(Noise noise, Surroundings world)
{
    readonly double wilting = noise.Between(1, 0.07, 0.12);
    readonly double full = noise.Between(2, 0.31, 0.40);
    readonly double drain = noise.Between(3, 0.028, 0.05);
    readonly int wateringDay = noise.Choice(4, 3);

    /// <summary>Volumetric water content, m³/m³.</summary>
    public double Moisture(DateTime time)
    {
        var water = world.Hydrology.SoilWater(time) + Watered(time);
        return wilting + (full - wilting) * (1 - Math.Exp(-water * drain));
    }

    /// <summary>Soil temperature 30 cm down, °C.</summary>
    public double Temperature(DateTime time) =>
        Math.Max(0.3, 1.5 + Enumerable.Range(0, 6).Average(day => world.Weather.Temperature(time.AddHours(-8 - 20 * day))));

    /// <summary>Electrical conductivity, µS/cm: wet soil conducts.</summary>
    public double Conductivity(DateTime time) => 60 + 1400 * Moisture(time) * Moisture(time) * 2.2;

    /// <summary>Millimetres left of the last two waterings; twice a week from May to September, early in the morning.</summary>
    double Watered(DateTime time)
    {
        var left = 0.0;
        for (var back = 0; back < 10; back++)
        {
            var day = time.Date.AddDays(-back).AddHours(5);
            if (day <= time && day.Month is >= 5 and <= 9 && (Calendar.Day(day) + wateringDay) % 4 == 0)
                left += 16 * Math.Exp(-(time - day).TotalDays / 3.2);
        }
        return left;
    }
}

/// <summary>Soil moisture at a tree, Decentlab DL-TRS12.</summary>
sealed class TreeProbe(Mount mount, Ground ground) : Sensor(mount, "decentlab-dl-trs12", TimeSpan.FromMinutes(30))
{
    public override Payload Measure(DateTime time, Condition condition) => Decentlab.Trs12(
        Serial,
        condition.Broken ? 1.8 : ground.Moisture(time) + 0.002 * Jitter(time, 1),
        ground.Temperature(time) + 0.05 * Jitter(time, 2),
        ground.Conductivity(time) + 3 * Jitter(time, 3),
        Battery(time, condition, 3.2, 2.4));
}

/// <summary>Soil moisture at a tree, Dragino LSE01.</summary>
sealed class TreeSpike(Mount mount, Ground ground) : Sensor(mount, "dragino-lse01", TimeSpan.FromMinutes(30))
{
    public override Payload Measure(DateTime time, Condition condition) => Dragino.Lse01(
        condition.Broken ? 655.35 : 100 * (ground.Moisture(time) + 0.003 * Jitter(time, 1)),
        ground.Temperature(time) + 0.1 * Jitter(time, 2),
        ground.Conductivity(time) + 6 * Jitter(time, 3),
        Battery(time, condition, 3.6, 2.7));
}

/// <summary>A valve that waters trees: open from five to six in the morning where the soil is dry, from May to September.</summary>
sealed class TreeValve(Mount mount, Ground ground) : Sensor(mount, "strega-smart-valve", TimeSpan.FromMinutes(30))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        var open = time.Month is >= 5 and <= 9 && Calendar.LocalHour(time) is >= 5 and < 6 && ground.Moisture(time) < 0.2;
        var temperature = condition.Broken ? 124.9 : World.Weather.Temperature(time) + 1 + 0.2 * Jitter(time, 1);
        return StregaSmartValve.Status(open, temperature, World.Weather.Humidity(time), Battery(time, condition, 3.6, 2.1));
    }
}
