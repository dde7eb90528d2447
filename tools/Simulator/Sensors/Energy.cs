using Allmende.Simulator.Payloads;

namespace Allmende.Simulator.Sensors;

/// <summary>The meter of a street lighting cabinet.</summary>
/// <param name="mount">Where it stands.</param>
/// <param name="lamps">How many lamps it feeds.</param>
/// <param name="wattsPerLamp">LED or sodium.</param>
sealed class LightingCabinet(Mount mount, int lamps, double wattsPerLamp) : Sensor(mount, "emu-emu-prof-ii", TimeSpan.FromMinutes(15))
{
    const double StandbyWatts = 35;
    static readonly DateTime Commissioned = new(2025, 6, 1, 0, 0, 0, DateTimeKind.Utc);

    public override Payload Measure(DateTime time, Condition condition)
    {
        var full = lamps * wattsPerLamp;
        var energy = World.Lighting.FullPowerHours(time) * full + (time - Commissioned).TotalHours * StandbyWatts;
        var power = full * World.Lighting.Power(time) * (1 + 0.004 * Jitter(time, 1)) + StandbyWatts;
        // A meter whose voltage taps came loose counts backwards at full scale.
        return EmuProfessional.Reading(time + condition.ClockError, energy, 0, condition.Broken ? -2_000_000 : power);
    }
}
