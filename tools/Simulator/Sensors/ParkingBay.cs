using Allmende.Simulator.Payloads;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>Who parks somewhere.</summary>
enum Parkers
{
    Shoppers,
    Commuters,
    Residents,
}

/// <summary>A parking bay: says so when a car comes or goes, and every four hours that it lives.</summary>
sealed class ParkingBay(Mount mount, Parkers parkers) : Sensor(mount, "bosch-tps110-0292", TimeSpan.FromHours(4))
{
    (DateOnly Day, List<(DateTime From, DateTime To)> Stays) known;

    public override IEnumerable<DateTime> SendTimes(DateOnly day) =>
        base.SendTimes(day).Concat(Stays(day).SelectMany(stay => new[] { stay.From, stay.To })).Order();

    public override Payload Measure(DateTime time, Condition condition)
    {
        var stays = Stays(DateOnly.FromDateTime(time));
        var occupied = condition.Broken || stays.Exists(stay => stay.From <= time && time < stay.To);
        return stays.Exists(stay => stay.From == time || stay.To == time)
            ? BoschTps110.Status(occupied)
            : BoschTps110.Heartbeat(occupied, Ground(time));
    }

    double Ground(DateTime time) => World.Weather.Temperature(time) + World.Weather.Radiation(time) / 90 + 0.5 * Jitter(time, 1);

    /// <summary>The cars of a day, none over midnight UTC. Cars leave at a rate of their kind, and come as fast as it takes to meet the demand.</summary>
    List<(DateTime From, DateTime To)> Stays(DateOnly day)
    {
        if (known.Day == day && known.Stays is not null)
            return known.Stays;
        var draws = Noise.Of(day.DayNumber);
        var start = day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        var end = start.AddDays(1).AddSeconds(-30);
        var stays = new List<(DateTime, DateTime)>();
        var (time, draw) = (start.AddSeconds(30), 0);
        while (time < end)
        {
            // Look again every quarter of an hour: demand changes while a bay is empty.
            var wait = draws.Exponential(draw++, Stay() * (1 - Demand(time)) / Demand(time));
            if (wait > 15)
            {
                time = time.AddMinutes(15);
                continue;
            }
            var from = Whole(time.AddMinutes(wait));
            var to = Whole(from.AddMinutes(3 + draws.Exponential(draw++, Stay() - 3)));
            if (to > end)
                to = end;
            if (from < to)
                stays.Add((from, to));
            time = to.AddMinutes(1);
        }
        known = (day, stays);
        return stays;
    }

    double Stay() => parkers switch { Parkers.Shoppers => 48, Parkers.Commuters => 380, _ => 150 };

    double Demand(DateTime time) => Math.Clamp(parkers switch
    {
        Parkers.Shoppers => Bustle.Shoppers(time, onMarket: true) * 0.85,
        Parkers.Commuters => 0.04 + 0.85 * Bustle.AtWork(time),
        _ => 0.75 - 0.45 * Bustle.AtWork(time),
    }, 0.01, 0.95);

    static DateTime Whole(DateTime time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond));
}
