using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>The fridge for medicine in an ambulance: a compressor that comes and goes, and doors that open on calls.</summary>
sealed class Fridge(Mount mount) : Sensor(mount, "dragino-lht65", TimeSpan.FromMinutes(10))
{
    readonly double set = mount.Noise.Between(11, 4.2, 5.6);
    readonly double cycle = mount.Noise.Between(12, 0.55, 0.85);

    public override Payload Measure(DateTime time, Condition condition)
    {
        var hours = Calendar.Hours(time);
        var compressor = 0.7 * (2 * Math.Abs(2 * (hours / cycle % 1) - 1) - 1);
        var doors = 0.0;
        // A door lets warm air in for a minute; it takes the fridge a quarter of an hour to get rid of it.
        for (var slot = (long)(hours * 6) - 12; slot <= (long)(hours * 6); slot++)
        {
            var opened = (slot + Noise.Of(1).Uniform(slot)) / 6;
            if (opened <= hours && Noise.Of(2).Uniform(slot) < CallsAt(time))
                doors += Noise.Of(3).Between(slot, 1, 4.5) * Math.Exp(-(hours - opened) * 60 / 14);
        }
        var inside = set + compressor + doors + 0.05 * Jitter(time, 1);
        var cabin = 19 + 0.25 * (World.Weather.Temperature(time) - 10) + 0.2 * Jitter(time, 2);
        return Dragino.Lht65(cabin, 45 + 5 * Noise.Of(4).Smooth(hours / 9), condition.Broken ? null : inside, Battery(time, condition, 3.08, 2.4));
    }

    static double CallsAt(DateTime time) => 0.04 + 0.09 * Bustle.Bell(Calendar.LocalHour(time), 14, 5);
}
