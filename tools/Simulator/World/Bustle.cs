namespace Allmende.Simulator.World;

/// <summary>What people do over the day and the week: traffic, errands, school, work.</summary>
static class Bustle
{
    /// <summary>Road traffic, 0 at night to 1 in the rush hour.</summary>
    public static double Traffic(DateTime time)
    {
        var local = Calendar.Local(time);
        var hour = local.TimeOfDay.TotalHours;
        if (!Calendar.IsWorkday(local))
            return 0.06 + 0.42 * Bell(hour, 14, 4.2) + (local.DayOfWeek == DayOfWeek.Saturday ? 0.22 * Bell(hour, 11, 2) : 0);
        var evening = local.DayOfWeek == DayOfWeek.Friday ? 15.6 : 16.9;
        return 0.05 + 0.85 * Bell(hour, 7.5, 0.9) + 0.35 * Bell(hour, 12.5, 3) + 0.75 * Bell(hour, evening, 1.4) + 0.12 * Bell(hour, 20, 2);
    }

    /// <summary>People in the shopping streets, 0 to about 1; more than twice that on the market square on Saturday mornings.</summary>
    public static double Shoppers(DateTime time, bool onMarket)
    {
        var local = Calendar.Local(time);
        var hour = local.TimeOfDay.TotalHours;
        if (Calendar.IsRestDay(local))
            return 0.02 + 0.3 * Bell(hour, 15, 2.4);
        var market = onMarket && local.DayOfWeek == DayOfWeek.Saturday ? 2.2 * Bell(hour, 10.5, 1.5) : 0;
        return 0.02 + market + 0.75 * Bell(hour, 12.3, 1.8) + 0.6 * Bell(hour, 16.5, 1.7) + 0.12 * Bell(hour, 20, 1.5);
    }

    /// <summary>People on their way to work and home, 0 to 1.</summary>
    public static double Commuters(DateTime time)
    {
        var local = Calendar.Local(time);
        var hour = local.TimeOfDay.TotalHours;
        return Calendar.IsWorkday(local)
            ? 0.02 + 0.95 * Bell(hour, 7.3, 0.7) + 0.8 * Bell(hour, 17, 1.2) + 0.15 * Bell(hour, 13, 2)
            : 0.02 + 0.2 * Bell(hour, 14, 4);
    }

    /// <summary>People at work in offices, 0 to 1.</summary>
    public static double AtWork(DateTime time)
    {
        var local = Calendar.Local(time);
        var hour = local.TimeOfDay.TotalHours;
        return Calendar.IsWorkday(local) ? Ramp(hour, 6.8, 9) * (1 - Ramp(hour, 15.5, 18.2)) : 0;
    }

    /// <summary>0 before <paramref name="from"/>, 1 after <paramref name="to"/>, linear between.</summary>
    public static double Ramp(double at, double from, double to) => Math.Clamp((at - from) / (to - from), 0, 1);

    /// <summary>A bell of height 1 around <paramref name="peak"/>.</summary>
    public static double Bell(double at, double peak, double width) => Math.Exp(-0.5 * Math.Pow((at - peak) / width, 2));
}
