namespace Allmende.Simulator.World;

/// <summary>The street lights: on in the dark, at half power in the small hours. Meters count for years, so days are summed once.</summary>
sealed class Lighting(Weather weather)
{
    static readonly DateTime Commissioned = new(2025, 6, 1, 0, 0, 0, DateTimeKind.Utc);
    const int StepsPerDay = 144;

    readonly List<double> until = [0];

    /// <summary>Share of full power, 0 to 1.</summary>
    public double Power(DateTime time)
    {
        var dark = Bustle.Ramp(-weather.SunElevation(time), 0.5, 2.5);
        var hour = Calendar.LocalHour(time);
        return dark * (hour is < 4.75 or >= 22.5 ? 0.5 : 1);
    }

    /// <summary>Hours at full power since the meters were put in.</summary>
    public double FullPowerHours(DateTime time)
    {
        var days = Math.Max(0, (int)(time - Commissioned).TotalDays);
        while (until.Count <= days)
            until.Add(until[^1] + HoursFrom(Commissioned.AddDays(until.Count - 1), StepsPerDay));
        var today = Commissioned.AddDays(days);
        return until[days] + HoursFrom(today, (time - today).TotalDays * StepsPerDay);
    }

    double HoursFrom(DateTime start, double steps)
    {
        const double step = 24.0 / StepsPerDay;
        var sum = 0.0;
        for (var done = 0.0; done < steps; done++)
            sum += Power(start.AddHours((done + 0.5) * step)) * Math.Min(1, steps - done) * step;
        return sum;
    }
}
