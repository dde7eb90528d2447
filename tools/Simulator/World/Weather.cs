namespace Allmende.Simulator.World;

/// <summary>The sky over the town. Every quantity is a function of time alone.</summary>
sealed class Weather
{
    const double RainBlockHours = 8;

    readonly Noise front, sky, breeze, direction, barometer, air, rain;
    readonly double longitude, latitude;
    readonly ByHour rainByHour;

    public Weather(Noise noise, double longitude, double latitude)
    {
        (this.longitude, this.latitude) = (longitude, latitude);
        (front, sky, breeze, direction) = (noise.Of("front"), noise.Of("sky"), noise.Of("breeze"), noise.Of("direction"));
        (barometer, air, rain) = (noise.Of("barometer"), noise.Of("air"), noise.Of("rain"));
        rainByHour = new ByHour(4096, hour => Enumerable.Range(0, 6).Average(part => RainAt(hour + (part + 0.5) / 6)));
    }

    /// <summary>0 in the depth of winter, 1 at midsummer.</summary>
    public static double Summer(DateTime time) => 0.5 - 0.5 * Math.Cos(2 * Math.PI * (time.DayOfYear - 20) / 365.25);

    /// <summary>Height of the sun, degrees.</summary>
    public double SunElevation(DateTime time) => Sun.Elevation(time, longitude, latitude);

    /// <summary>Share of the sky that clouds cover, 0 to 1.</summary>
    public double Clouds(DateTime time) =>
        Math.Clamp(0.62 - 0.2 * Summer(time) + 0.33 * sky.Smooth(Calendar.Hours(time) / 13) + 0.3 * Math.Min(1, Rain(time)), 0, 1);

    /// <summary>Solar radiation, W/m².</summary>
    public double Radiation(DateTime time)
    {
        var height = Math.Sin(SunElevation(time) * Math.PI / 180);
        return height <= 0 ? 0 : 1050 * Math.Pow(height, 1.15) * (1 - 0.78 * Math.Pow(Clouds(time), 1.6));
    }

    /// <summary>Air temperature, °C.</summary>
    public double Temperature(DateTime time)
    {
        var hours = Calendar.Hours(time);
        var season = 1.2 + 17.6 * Summer(time.AddDays(-8));
        var swing = (1.8 + 3.6 * Summer(time)) * (1.15 - 0.8 * Clouds(time));
        var day = swing * Math.Cos(2 * Math.PI * (time.TimeOfDay.TotalHours + longitude / 15 - 15) / 24);
        return season + 3.4 * front.Smooth(hours / 58) + day - 1.4 * Math.Min(1, Rain(time) / 3) + 0.2 * air.Smooth(hours * 2);
    }

    /// <summary>Relative humidity, %.</summary>
    public double Humidity(DateTime time)
    {
        var day = Math.Cos(2 * Math.PI * (time.TimeOfDay.TotalHours + longitude / 15 - 15) / 24);
        var dry = 8 + 14 * Summer(time);
        return Math.Clamp(80 - dry * day + 14 * (Clouds(time) - 0.5) + 9 * Math.Min(1, Rain(time)) + 3 * air.Smooth(Calendar.Hours(time) / 3 + 0.5), 22, 99.5);
    }

    /// <summary>Air pressure at the station, hPa.</summary>
    public double Pressure(DateTime time) => 1005 + 9.5 * barometer.Smooth(Calendar.Hours(time) / 70);

    /// <summary>Mean wind, m/s.</summary>
    public double Wind(DateTime time)
    {
        var hours = Calendar.Hours(time);
        return Math.Max(0.1, 2.9 + 1.5 * breeze.Smooth(hours / 11) + 0.5 * breeze.Smooth(hours * 1.7) + 0.6 * Math.Min(1, Rain(time) / 2));
    }

    /// <summary>Where the wind comes from, degrees; mostly from the south-west.</summary>
    public double WindDirection(DateTime time) => ((235 + 55 * direction.Smooth(Calendar.Hours(time) / 26)) % 360 + 360) % 360;

    /// <summary>Rain, mm/h.</summary>
    public double Rain(DateTime time) => RainAt(Calendar.Hours(time));

    /// <summary>Rain of an hour since 2020, mm.</summary>
    public double RainInHour(long hour) => rainByHour[hour];

    /// <summary>Rain between two times, mm.</summary>
    public double RainBetween(DateTime from, DateTime to)
    {
        const int steps = 6;
        var step = (to - from) / steps;
        return Enumerable.Range(0, steps).Sum(part => Rain(from + step * (part + 0.5))) * step.TotalHours;
    }

    double RainAt(double hours)
    {
        var block = (long)Math.Floor(hours / RainBlockHours);
        var sum = 0.0;
        // A long rain reaches into the next blocks.
        for (var of = block - 2; of <= block; of++)
            sum += RainOfBlock(of, hours);
        return sum;
    }

    double RainOfBlock(long block, double hours)
    {
        // Wet and dry spells last for days.
        if (rain.Uniform(block * 4) > 0.24 + 0.17 * front.Smooth(block / 9.0 + 0.37))
            return 0;
        var summer = Summer(new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(block * RainBlockHours));
        var start = (block + rain.Uniform(block * 4 + 1)) * RainBlockHours;
        var duration = rain.Between(block * 4 + 2, 0.6, 9 - 6 * summer);
        var part = (hours - start) / duration;
        if (part is <= 0 or >= 1)
            return 0;
        var peak = Math.Min(38, 0.3 + rain.Exponential(block * 4 + 3, 1.3 + 3.2 * summer));
        return peak * Math.Pow(Math.Sin(Math.PI * part), 2) * Math.Max(0.1, 1 + 0.35 * rain.Smooth(hours * 3));
    }
}
