namespace Allmende.Simulator.World;

/// <summary>What the rain leaves behind: the river's level, hours later, and the water in the soil, for weeks.</summary>
sealed class Hydrology
{
    const int RiverMemoryHours = 96;
    const int SoilMemoryHours = 24 * 21;

    readonly Weather weather;
    readonly Noise baseFlow;
    readonly ByHour wetness;

    public Hydrology(Noise noise, Weather weather)
    {
        this.weather = weather;
        baseFlow = noise.Of("base flow");
        wetness = new ByHour(1024, SumOfRain);
    }

    /// <summary>The river's level in metres.</summary>
    /// <param name="time">When.</param>
    /// <param name="lag">Hours from a rain to its crest; grows downstream.</param>
    /// <param name="rise">Metres of crest per millimetre of rain within an hour.</param>
    /// <param name="low">Level after dry weeks.</param>
    public double RiverLevel(DateTime time, double lag, double rise, double low)
    {
        var hours = Calendar.Hours(time);
        var now = (long)Math.Floor(hours);
        var wave = 0.0;
        for (var hour = now - RiverMemoryHours; hour <= now; hour++)
        {
            var fallen = weather.RainInHour(hour);
            if (fallen <= 0)
                continue;
            var age = Math.Max(0, hours - hour - 0.5) / lag;
            wave += fallen * age * Math.Exp(1 - age);
        }
        return low + 0.25 * (1 - Weather.Summer(time)) + 0.06 * baseFlow.Smooth(hours / 200) + rise * wave;
    }

    /// <summary>Millimetres of rain that the soil still holds.</summary>
    public double SoilWater(DateTime time)
    {
        var hours = Calendar.Hours(time);
        var hour = (long)Math.Floor(hours);
        return wetness[hour] + (wetness[hour + 1] - wetness[hour]) * (hours - hour);
    }

    double SumOfRain(long hour)
    {
        // What the sun and the leaves take each day depends on the season.
        var summer = Weather.Summer(new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(hour));
        var keep = Math.Exp(-1 / (24 * (13 - 8 * summer)));
        var water = 0.0;
        for (var past = hour - SoilMemoryHours; past < hour; past++)
            water = water * keep + weather.RainInHour(past);
        return water;
    }
}
