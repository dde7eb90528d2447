using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>What goes wrong with one device, four weeks at a time: most of them live undisturbed.</summary>
sealed class Failures(Noise noise)
{
    const int PeriodDays = 28;

    enum Kind
    {
        None,
        Silent,
        Stuck,
        Broken,
        ClockOff,
        LowBattery,
    }

    /// <summary>Whether it sends nothing at <paramref name="time"/>.</summary>
    public bool IsSilent(DateTime time) => Current(time).Kind == Kind.Silent;

    /// <summary>The moment at which its reading froze, or <paramref name="time"/> itself.</summary>
    public DateTime MeasuredAt(DateTime time) => Current(time) is { Kind: Kind.Stuck, From: var since } ? since : time;

    /// <summary>Its state at <paramref name="time"/>.</summary>
    public Condition At(DateTime time)
    {
        var (kind, _) = Current(time);
        // New batteries last four years and were put in at different times.
        var age = (noise.Uniform(1) + Calendar.Hours(time) / (24 * 365.25 * 4)) % 1;
        var charge = kind == Kind.LowBattery ? 0.06 : 1 - 0.55 * age * age;
        // A loose contact: now and then one reading is rubbish; a broken element gives nothing else.
        var glitch = noise.Of(2).Uniform(time.Ticks / TimeSpan.TicksPerSecond) < 0.00015;
        return new Condition(charge, kind == Kind.Broken || glitch, kind == Kind.ClockOff ? TimeSpan.FromHours(1) : TimeSpan.Zero);
    }

    (Kind Kind, DateTime From) Current(DateTime time)
    {
        var period = Calendar.Day(time) / PeriodDays;
        var draws = noise.Of(100 + period);
        var kind = draws.Uniform(0) switch
        {
            < 0.020 => Kind.Silent,
            < 0.033 => Kind.Stuck,
            < 0.041 => Kind.Broken,
            < 0.049 => Kind.ClockOff,
            < 0.075 => Kind.LowBattery,
            _ => Kind.None,
        };
        if (kind == Kind.None)
            return default;
        var from = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays((period + draws.Uniform(1) * 0.7) * PeriodDays);
        var lasting = TimeSpan.FromDays(draws.Between(2, 0.5, 0.3 * PeriodDays));
        return time >= from && time < from + lasting ? (kind, from) : default;
    }
}
