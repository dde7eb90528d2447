namespace Allmende.Simulator.World;

/// <summary>Where the sun stands (low precision, a tenth of a degree).</summary>
static class Sun
{
    /// <summary>Height above the horizon in degrees.</summary>
    public static double Elevation(DateTime utc, double longitude, double latitude)
    {
        var days = (utc - new DateTime(2000, 1, 1, 12, 0, 0, DateTimeKind.Utc)).TotalDays;
        var meanAnomaly = Radians(357.529 + 0.98560028 * days);
        var meanLongitude = 280.459 + 0.98564736 * days;
        var ecliptic = Radians(meanLongitude + 1.915 * Math.Sin(meanAnomaly) + 0.020 * Math.Sin(2 * meanAnomaly));
        var obliquity = Radians(23.439);
        var declination = Math.Asin(Math.Sin(obliquity) * Math.Sin(ecliptic));
        var ascension = Math.Atan2(Math.Cos(obliquity) * Math.Sin(ecliptic), Math.Cos(ecliptic));
        var sidereal = Radians((18.697374558 + 24.06570982441908 * days) * 15 + longitude);
        var hourAngle = sidereal - ascension;
        var height = Math.Sin(Radians(latitude)) * Math.Sin(declination)
            + Math.Cos(Radians(latitude)) * Math.Cos(declination) * Math.Cos(hourAngle);
        return Math.Asin(Math.Clamp(height, -1, 1)) * 180 / Math.PI;
    }

    static double Radians(double degrees) => degrees * Math.PI / 180;
}
