namespace Allmende.Simulator.World;

/// <summary>German local time, public holidays and school days. Computed, since a small machine may have no time zone data.</summary>
static class Calendar
{
    /// <summary>Local time of <paramref name="utc"/>: UTC+1, between the last Sundays of March and October UTC+2.</summary>
    public static DateTime Local(DateTime utc)
    {
        var summer = utc >= LastSunday(utc.Year, 3).AddHours(1) && utc < LastSunday(utc.Year, 10).AddHours(1);
        return DateTime.SpecifyKind(utc.AddHours(summer ? 2 : 1), DateTimeKind.Unspecified);
    }

    /// <summary>Hours since local midnight.</summary>
    public static double LocalHour(DateTime utc) => Local(utc).TimeOfDay.TotalHours;

    /// <summary>Hours since 2020, for curves over time.</summary>
    public static double Hours(DateTime utc) => (utc - Origin).TotalHours;

    /// <summary>Days since 2020.</summary>
    public static long Day(DateTime utc) => (long)Math.Floor((utc - Origin).TotalDays);

    /// <summary>Whether shops are closed: Sundays and public holidays.</summary>
    public static bool IsRestDay(DateTime local) => local.DayOfWeek == DayOfWeek.Sunday || IsHoliday(DateOnly.FromDateTime(local));

    /// <summary>Whether people go to work.</summary>
    public static bool IsWorkday(DateTime local) => local.DayOfWeek != DayOfWeek.Saturday && !IsRestDay(local);

    /// <summary>Whether there is school: workdays outside the holidays (those of North Rhine-Westphalia, roughly).</summary>
    public static bool IsSchoolDay(DateTime local)
    {
        if (!IsWorkday(local))
            return false;
        var day = DateOnly.FromDateTime(local);
        var easter = Easter(day.Year);
        var (month, date) = (day.Month, day.Day);
        var christmas = (month == 12 && date >= 23) || (month == 1 && date <= 6);
        var summer = (month == 7 && date >= 14) || (month == 8 && date <= 26);
        var autumn = month == 10 && date is >= 12 and <= 24;
        var spring = day >= easter.AddDays(-13) && day <= easter.AddDays(6);
        return !(christmas || summer || autumn || spring);
    }

    static readonly DateTime Origin = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static bool IsHoliday(DateOnly day)
    {
        var easter = Easter(day.Year);
        return (day.Month, day.Day) is (1, 1) or (5, 1) or (10, 3) or (11, 1) or (12, 25) or (12, 26)
            || (day.DayNumber - easter.DayNumber) is -2 or 0 or 1 or 39 or 49 or 50 or 60;
    }

    static DateTime LastSunday(int year, int month)
    {
        var last = new DateTime(year, month, DateTime.DaysInMonth(year, month), 0, 0, 0, DateTimeKind.Utc);
        return last.AddDays(-(int)last.DayOfWeek);
    }

    static DateOnly Easter(int year)
    {
        // Gauss, valid from 1900 to 2099.
        int a = year % 19, b = year % 4, c = year % 7;
        var d = (19 * a + 24) % 30;
        var e = (2 * b + 4 * c + 6 * d + 5) % 7;
        var day = 22 + d + e;
        if (day == 57 || (day == 56 && d == 28 && e == 6 && a > 10))
            day -= 7;
        return new DateOnly(year, 3, 1).AddDays(day - 1);
    }
}
