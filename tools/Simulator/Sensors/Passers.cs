using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>What people seek at a place.</summary>
enum Errand
{
    Shopping,
    Market,
    Commuting,
    Leisure,
}

/// <summary>Counts phones that pass.</summary>
/// <param name="mount">Where it hangs.</param>
/// <param name="errand">What brings people here.</param>
/// <param name="crowd">Phones around it on a full day.</param>
sealed class PedestrianCounter(Mount mount, Errand errand, double crowd) : Sensor(mount, "opensource-esp32-paxcounter", TimeSpan.FromMinutes(10))
{
    /// <summary>These boards hang in the town's Wi-Fi.</summary>
    public override bool PostsItself => true;

    public override Payload Measure(DateTime time, Condition condition)
    {
        var weather = World.Weather;
        // Rain and frost keep people at home, but not from work.
        var mood = errand == Errand.Commuting ? 1 : 1 / (1 + 0.6 * Math.Min(4, weather.Rain(time))) * Bustle.Ramp(weather.Temperature(time), -14, 14);
        var many = crowd * mood * (errand switch
        {
            Errand.Shopping => Bustle.Shoppers(time, onMarket: false),
            Errand.Market => Bustle.Shoppers(time, onMarket: true),
            Errand.Commuting => Bustle.Commuters(time),
            _ => Stroll(time),
        });
        if (condition.Broken)
            return Paxcounter.Count(65_535, 65_535);
        return Paxcounter.Count(Noise.Of(1).Poisson(Index(time), many * 0.62), Noise.Of(2).Poisson(Index(time), many * 0.38));
    }

    static double Stroll(DateTime time)
    {
        var local = Calendar.Local(time);
        var free = Calendar.IsWorkday(local) ? 0.45 : 1;
        return 0.01 + free * Bustle.Bell(local.TimeOfDay.TotalHours, Calendar.IsWorkday(local) ? 17 : 15, 2.3);
    }
}
