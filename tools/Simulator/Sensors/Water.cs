using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>The river at one gauge.</summary>
/// <param name="LagHours">From a rain to its crest.</param>
/// <param name="Rise">Metres of crest per millimetre of rain within an hour.</param>
/// <param name="Low">Metres after dry weeks.</param>
sealed record Reach(double LagHours, double Rise, double Low);

/// <summary>A gauge under a bridge: a laser measures the distance down to the water.</summary>
sealed class BridgeGauge(Mount mount, Reach reach, double height) : Sensor(mount, "decentlab-dl-lid", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        var level = World.Hydrology.RiverLevel(time, reach.LagHours, reach.Rise, reach.Low);
        // A laser without an echo reads its longest distance.
        var distance = condition.Broken ? 40_000 : (height - level) * 1000 + 4 * Jitter(time, 1);
        return Decentlab.Lid(Serial, distance, 5 + 2 * World.Weather.Wind(time), 100, Battery(time, condition, 3.15, 2.4));
    }
}

/// <summary>A gauge in a stilling well: pressure of the water above it.</summary>
sealed class PressureGauge(Mount mount, Reach reach) : Sensor(mount, "decentlab-dl-pr26-0-1", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        var level = World.Hydrology.RiverLevel(time, reach.LagHours, reach.Rise, reach.Low) + 0.003 * Jitter(time, 1);
        return Decentlab.Pr26(Serial, condition.Broken ? 1.49 : level * 0.0981, WaterTemperature(time), Battery(time, condition, 3.2, 2.4));
    }

    // A river follows the air slowly and evens out day and night.
    double WaterTemperature(DateTime time) =>
        Math.Max(0.2, Enumerable.Range(0, 8).Average(day => World.Weather.Temperature(time.AddHours(-12 * day)))) + 0.05 * Jitter(time, 2);
}

/// <summary>A rain gauge.</summary>
sealed class RainGauge(Mount mount) : Sensor(mount, "decentlab-dl-tbrg-01", TimeSpan.FromMinutes(10))
{
    // Some rain misses the funnel in the wind; each gauge has its own place.
    readonly double share = mount.Noise.Between(7, 0.9, 1.02);

    public override Payload Measure(DateTime time, Condition condition)
    {
        var rain = condition.Broken ? 900 : Math.Floor(World.Weather.RainBetween(time - Interval, time) * share * 10) / 10;
        return Decentlab.Tbrg(Serial, rain, Interval.TotalSeconds, RainOfYear(time) * share, Battery(time, condition, 3.2, 2.5));
    }

    double RainOfYear(DateTime time)
    {
        // The counter is set back in spring, when the funnel is cleaned.
        var cleaned = new DateTime(time.Month >= 4 ? time.Year : time.Year - 1, 4, 1, 0, 0, 0, DateTimeKind.Utc);
        var (first, last) = ((long)Calendar.Hours(cleaned), (long)Math.Floor(Calendar.Hours(time)));
        if (known.From != first || known.Until > last)
            known = (first, first, 0);
        while (known.Until < last)
            known = (first, known.Until + 1, known.Rain + World.Weather.RainInHour(known.Until));
        return known.Rain;
    }

    (long From, long Until, double Rain) known;
}

/// <summary>A flood sensor on the floor of an underpass.</summary>
sealed class UnderpassSensor(Mount mount) : Sensor(mount, "mclimate-flood-sensor", TimeSpan.FromHours(1))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        // The pump manages a normal rain; a cloudburst stands for an hour.
        var flood = condition.Broken || World.Weather.RainBetween(time.AddHours(-1), time) > 11;
        return MClimate.Flood(flood ? FloodReason.Flood : FloodReason.Keepalive, flood, Battery(time, condition, 3.3, 2.4));
    }
}
