using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>A class room over a day, in steps of five minutes: who is in it, and how the air fares between two breaks.</summary>
sealed class ClassRoom(Noise noise, Surroundings world)
{
    const int StepMinutes = 5;
    const int Steps = 24 * 60 / StepMinutes;
    const double Outside = 425;

    readonly double children = noise.Between(1, 17, 29);
    readonly double habit = noise.Between(2, 0.5, 1.4);
    readonly double warmth = noise.Between(3, 19.8, 21.6);
    readonly double[] carbonDioxide = new double[Steps + 1];
    readonly double[] people = new double[Steps + 1];
    DateOnly known;

    /// <summary>ppm.</summary>
    public double CarbonDioxide(DateTime time) => At(carbonDioxide, time);

    /// <summary>How many are in the room.</summary>
    public double People(DateTime time) => At(people, time);

    /// <summary>°C: heated on school days, warmed by who sits in it and by the summer.</summary>
    public double Temperature(DateTime time)
    {
        var local = Calendar.Local(time);
        var heated = Calendar.IsSchoolDay(local) ? Bustle.Ramp(local.TimeOfDay.TotalHours, 5, 8) * (1 - Bustle.Ramp(local.TimeOfDay.TotalHours, 15, 22)) : 0;
        var walls = 0.55 * Enumerable.Range(0, 4).Average(part => world.Weather.Temperature(time.AddHours(-6 * part))) + 9.5;
        return Math.Max(walls, 16.2 + (warmth - 16.2) * heated) + 1.4 * People(time) / 25 + world.Weather.Radiation(time) / 500;
    }

    /// <summary>%: less in heated winter air, more from breath.</summary>
    public double Humidity(DateTime time)
    {
        var outside = world.Weather.Temperature(time);
        var vapour = world.Weather.Humidity(time) / 100 * 6.1078 * Math.Exp(17.27 * outside / (outside + 237.3));
        var inside = Temperature(time);
        return Math.Clamp(100 * (vapour + 2.2 + 2.5 * People(time) / 25) / (6.1078 * Math.Exp(17.27 * inside / (inside + 237.3))), 15, 85);
    }

    /// <summary>lx.</summary>
    public double Light(DateTime time) => world.Weather.Radiation(time) * 1.1 + (People(time) > 1 ? 380 : 0);

    double At(double[] curve, DateTime time)
    {
        var day = DateOnly.FromDateTime(time);
        if (known != day)
            Live(day);
        var at = time.TimeOfDay.TotalMinutes / StepMinutes;
        var step = (int)at;
        return curve[step] + (curve[step + 1] - curve[step]) * (at - step);
    }

    void Live(DateOnly day)
    {
        var start = day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        var draws = noise.Of(day.DayNumber);
        var air = Outside + 15;
        for (var step = 0; step <= Steps; step++)
        {
            var local = Calendar.Local(start.AddMinutes(step * StepMinutes));
            people[step] = Present(local, draws);
            carbonDioxide[step] = air;
            // Windows stand open in breaks; now and then somebody tilts one during a lesson.
            var airing = IsBreak(local) ? 4.5 * habit : people[step] > 1 && draws.Uniform(1000 + step) < 0.12 * habit ? 2.2 : 0.35;
            const double hours = StepMinutes / 60.0;
            air += people[step] * 95 * hours - (air - Outside) * (1 - Math.Exp(-airing * hours));
        }
        known = day;
    }

    double Present(DateTime local, Noise draws)
    {
        var hour = local.TimeOfDay.TotalHours;
        if (!Calendar.IsSchoolDay(local) || hour < 7.8 || IsBreak(local))
            return 0;
        var until = draws.Uniform(1) < 0.4 && local.DayOfWeek != DayOfWeek.Friday ? 15.5 : 13.1;
        // Some lessons are in the gym or the lab.
        return hour < until && draws.Uniform(10 + (long)hour) < 0.85 ? Math.Round(children * (0.88 + 0.12 * draws.Uniform(2))) : 0;
    }

    static bool IsBreak(DateTime local)
    {
        if (!Calendar.IsSchoolDay(local))
            return false;
        return local.TimeOfDay.TotalHours is >= 9.33 and < 9.67 or >= 11.25 and < 11.5 or >= 13.1 and < 13.75;
    }
}

/// <summary>Room climate, Milesight AM107.</summary>
sealed class RoomStation(Mount mount, ClassRoom room) : Sensor(mount, "milesight-iot-am107", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition) => MilesightAm107.Climate(
        new MilesightAm107.Room(
            condition.Broken ? 3276.7 : room.Temperature(time) + 0.1 * Jitter(time, 1),
            room.Humidity(time) + 0.4 * Jitter(time, 2),
            Noise.Poisson(Index(time), room.People(time) * 2.5),
            room.Light(time),
            room.CarbonDioxide(time) + 12 * Jitter(time, 3),
            40 + room.People(time) * 5 + Math.Abs(12 * Jitter(time, 4)),
            World.Weather.Pressure(time)),
        100 * condition.Charge);
}

/// <summary>Room climate, Elsys ERS CO2.</summary>
sealed class RoomSensor(Mount mount, ClassRoom room) : Sensor(mount, "elsys-ers-co2", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition) => ElsysErsCo2.Climate(
        room.Temperature(time) + 0.1 * Jitter(time, 1),
        room.Humidity(time) + 0.5 * Jitter(time, 2),
        room.Light(time),
        Noise.Poisson(Index(time), room.People(time)),
        condition.Broken ? 65_535 : room.CarbonDioxide(time) + 15 * Jitter(time, 3),
        Battery(time, condition, 3.65, 2.8));
}

/// <summary>Room climate, MClimate CO2 sensor.</summary>
sealed class RoomLamp(Mount mount, ClassRoom room) : Sensor(mount, "mclimate-co2-sensor", TimeSpan.FromMinutes(10))
{
    public override Payload Measure(DateTime time, Condition condition) => MClimate.Co2(
        condition.Broken ? 65_535 : room.CarbonDioxide(time) + 15 * Jitter(time, 3),
        room.Temperature(time) + 0.1 * Jitter(time, 1),
        room.Humidity(time) + 0.5 * Jitter(time, 2),
        Battery(time, condition, 3.6, 2.8));
}
