using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>A weather station.</summary>
sealed class WeatherStation(Mount mount) : Sensor(mount, "decentlab-dl-atm41", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        var weather = World.Weather;
        var temperature = weather.Temperature(time) + 0.1 * Jitter(time, 1);
        var humidity = Math.Clamp(weather.Humidity(time) + 0.4 * Jitter(time, 2), 5, 100);
        var vapour = humidity / 100 * 0.61078 * Math.Exp(17.27 * temperature / (temperature + 237.3));
        // An afternoon of heavy rain in summer is a thunderstorm.
        var storm = weather.Rain(time) * Weather.Summer(time);
        var strikes = storm > 3 ? Noise.Poisson(Index(time), storm) : 0;
        var wind = Math.Max(0, weather.Wind(time) + 0.25 * Jitter(time, 3));
        return Decentlab.Atm41(Serial, new Decentlab.Station(
            weather.Radiation(time), weather.RainBetween(time - Interval, time), strikes, strikes > 0 ? Math.Max(1, 16 - storm) : 0,
            wind, (weather.WindDirection(time) + 12 * Jitter(time, 4) + 360) % 360, wind * (1.35 + 0.3 * Math.Abs(Jitter(time, 5))),
            condition.Broken ? -85 : temperature, vapour, (weather.Pressure(time) + 0.1 * Jitter(time, 6)) / 10, humidity),
            Battery(time, condition, 3.15, 2.4));
    }
}

/// <summary>The surface of a road: a probe in the asphalt, for the winter service.</summary>
sealed class RoadSensor(Mount mount, bool onBridge) : Sensor(mount, "dragino-lht65", TimeSpan.FromMinutes(15))
{
    public override Payload Measure(DateTime time, Condition condition)
    {
        var weather = World.Weather;
        var air = weather.Temperature(time);
        // Under a clear sky asphalt is hot by day, and colder than the air by night; a bridge is colder still.
        var clear = 1 - weather.Clouds(time);
        var surface = air + weather.Radiation(time) / 42 - (weather.SunElevation(time) < 0 ? 2.6 * clear : 0) - (onBridge ? 0.9 : 0) + 0.1 * Jitter(time, 1);
        return Dragino.Lht65(air + 0.5 + 0.1 * Jitter(time, 2), weather.Humidity(time), condition.Broken ? null : surface, Battery(time, condition, 3.08, 2.4));
    }
}

/// <summary>Particulate matter at a street.</summary>
/// <param name="mount">Where it hangs.</param>
/// <param name="traffic">How much of the town's traffic passes, 0 to 1.</param>
/// <param name="fireplaces">How many houses near by burn wood, 0 to 1.</param>
sealed class ParticleCounter(Mount mount, double traffic, double fireplaces) : Sensor(mount, "decentlab-dl-pm", TimeSpan.FromMinutes(10))
{
    readonly Noise background = mount.World.Noise.Of("particles");

    public override Payload Measure(DateTime time, Condition condition)
    {
        var weather = World.Weather;
        var hours = Calendar.Hours(time);
        // Wind thins out, rain washes out, cold nights hold everything down.
        var still = 2.4 / (0.9 + weather.Wind(time)) * (weather.SunElevation(time) < 0 ? 1.25 : 0.9);
        var wash = 1 / (1 + 0.7 * Math.Min(3, weather.RainBetween(time.AddHours(-2), time)));
        var far = 7 * Math.Exp(0.45 * background.Smooth(hours / 60));
        var wood = fireplaces * 16 * (1 - Weather.Summer(time)) * Bustle.Bell(Calendar.LocalHour(time), 20.5, 2.1);
        var fine = (far + still * (6 * traffic * Bustle.Traffic(time) + wood) + Fireworks(time)) * wash;
        var coarse = (3 + still * 17 * traffic * Bustle.Traffic(time)) * wash * (weather.Humidity(time) > 85 ? 0.7 : 1);
        var shake = 1 + 0.06 * Jitter(time, 1);
        var (pm25, pm10) = condition.Broken ? (999.0, 1999.0) : (fine * shake, (fine + coarse) * shake);
        return Decentlab.Pm(Serial, new Decentlab.Particles(
            pm25 * 0.72, pm25, pm10, weather.Temperature(time) + 0.2 * Jitter(time, 2), Math.Min(100, weather.Humidity(time)), weather.Pressure(time) * 100),
            Battery(time, condition, 3.15, 2.4));
    }

    static double Fireworks(DateTime time)
    {
        var local = Calendar.Local(time);
        return local is { Month: 1, Day: 1, Hour: < 9 } ? 420 * Math.Exp(-local.TimeOfDay.TotalHours / 1.4) : 0;
    }
}
