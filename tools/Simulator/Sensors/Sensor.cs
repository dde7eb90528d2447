using System.Text;
using Allmende.Simulator.Payloads;
using Allmende.Simulator.Town;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Sensors;

/// <summary>Where a sensor hangs and what shakes its numbers.</summary>
/// <param name="Name">Name as people write it.</param>
/// <param name="Spot">Its place.</param>
/// <param name="Noise">Its own randomness.</param>
/// <param name="World">What surrounds it.</param>
sealed record Mount(string Name, Spot Spot, Noise Noise, Surroundings World);

/// <summary>State of the device when it measures.</summary>
/// <param name="Charge">Of the battery, 1 to 0.</param>
/// <param name="Broken">The sensing element is broken: it reads what its electronics read with nothing attached.</param>
/// <param name="ClockError">How far the device's own clock is off, where it has one.</param>
readonly record struct Condition(double Charge, bool Broken, TimeSpan ClockError);

/// <summary>A device of the town: when it sends, and what it would measure at a time.</summary>
abstract class Sensor
{
    readonly long phase;

    protected Sensor(Mount mount, string profile, TimeSpan interval)
    {
        (Mount, Profile, Interval) = (mount, profile, interval);
        Id = Slug(mount.Name);
        DevEui = $"70B3D57E{(uint)mount.Noise.Bits(-1):X8}";
        Serial = 1000 + mount.Noise.Choice(-2, 60_000);
        phase = (long)(mount.Noise.Uniform(-3) * interval.Ticks);
    }

    /// <summary>Id on the platform and in the network server; at most 36 characters.</summary>
    public string Id { get; }

    public string Name => Mount.Name;

    /// <summary>The platform's device profile, <c>{vendor}-{codec}</c>.</summary>
    public string Profile { get; }

    /// <summary>Time between two messages.</summary>
    public TimeSpan Interval { get; }

    public Spot Spot => Mount.Spot;

    /// <summary>Whether it posts by itself, with the time of its own clock, instead of through a LoRaWAN network.</summary>
    public virtual bool PostsItself => false;

    /// <summary>16 hexadecimal digits.</summary>
    public string DevEui { get; }

    protected Mount Mount { get; }

    /// <summary>The maker's number, 16 bits.</summary>
    protected int Serial { get; }

    protected Surroundings World => Mount.World;

    protected Noise Noise => Mount.Noise;

    /// <summary>When it sends on a day (UTC), in order.</summary>
    public virtual IEnumerable<DateTime> SendTimes(DateOnly day)
    {
        var start = day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);
        // The clocks of cheap devices jitter by a second or so.
        for (var slot = phase; slot < TimeSpan.TicksPerDay; slot += Interval.Ticks)
            yield return start.AddTicks(slot - slot % TimeSpan.TicksPerMillisecond);
    }

    /// <summary>What it sends at <paramref name="time"/>.</summary>
    public abstract Payload Measure(DateTime time, Condition condition);

    /// <summary>Number of the message in the life of the device; index of its noise.</summary>
    protected long Index(DateTime time) => time.Ticks / TimeSpan.TicksPerSecond;

    /// <summary>Normal noise of one measurement of quantity <paramref name="quantity"/>.</summary>
    protected double Jitter(DateTime time, int quantity) => Noise.Of(quantity).Normal(Index(time));

    /// <summary>A battery's voltage between <paramref name="empty"/> and <paramref name="full"/>; lower in the cold.</summary>
    protected double Battery(DateTime time, Condition condition, double full, double empty) =>
        empty + (full - empty) * condition.Charge - 0.002 * Math.Max(0, 8 - World.Weather.Temperature(time));

    static string Slug(string name)
    {
        var slug = new StringBuilder();
        foreach (var letter in name.ToLowerInvariant())
        {
            var plain = letter switch { 'ä' => "ae", 'ö' => "oe", 'ü' => "ue", 'ß' => "ss", _ => char.IsAsciiLetterOrDigit(letter) ? letter.ToString() : "-" };
            if (plain != "-" || (slug.Length > 0 && slug[^1] != '-'))
                slug.Append(plain);
        }
        return slug.ToString().Trim('-');
    }
}
