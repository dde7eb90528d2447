namespace Allmende.Simulator.World;

/// <summary>
/// Randomness without state: the same seed, stream and index give the same number, whatever was asked before. So each day of the town can be
/// computed alone: a back-fill, a resumed one and the live run agree to the last bit.
/// </summary>
readonly record struct Noise(ulong Seed)
{
    /// <summary>An independent source of randomness named <paramref name="stream"/>.</summary>
    public Noise Of(string stream)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in stream)
            hash = (hash ^ letter) * 1099511628211UL;
        return new Noise(Mix(Seed ^ hash));
    }

    /// <summary>An independent source of randomness of number <paramref name="index"/>.</summary>
    public Noise Of(long index) => new(Bits(index));

    /// <summary>64 random bits.</summary>
    public ulong Bits(long index) => Mix(Seed + unchecked((ulong)index) * 0x9E3779B97F4A7C15UL);

    /// <summary>Evenly distributed in [0, 1).</summary>
    public double Uniform(long index) => (Bits(index) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Evenly distributed in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Between(long index, double low, double high) => low + (high - low) * Uniform(index);

    /// <summary>One of the numbers from 0 to <paramref name="count"/> - 1.</summary>
    public int Choice(long index, int count) => (int)(Uniform(index) * count);

    /// <summary>Normally distributed, mean 0, deviation 1.</summary>
    public double Normal(long index)
    {
        var first = 1 - Uniform(unchecked(index * 2));
        return Math.Sqrt(-2 * Math.Log(first)) * Math.Cos(2 * Math.PI * Uniform(unchecked(index * 2 + 1)));
    }

    /// <summary>Exponentially distributed.</summary>
    public double Exponential(long index, double mean) => -mean * Math.Log(1 - Uniform(index));

    /// <summary>Poisson distributed; above a mean of 30 by its normal approximation.</summary>
    public int Poisson(long index, double mean)
    {
        if (mean > 30)
            return Math.Max(0, (int)Math.Round(mean + Math.Sqrt(mean) * Normal(index)));
        var limit = Math.Exp(-mean);
        var draws = Of(index);
        var count = 0;
        for (var product = draws.Uniform(0); product > limit; product *= draws.Uniform(count))
            count++;
        return count;
    }

    /// <summary>A curve around 0 with a deviation of about 1 that changes over a distance of 1 (Catmull-Rom through random points).</summary>
    public double Smooth(double x)
    {
        var whole = (long)Math.Floor(x);
        var part = x - whole;
        double a = Normal(whole - 1), b = Normal(whole), c = Normal(whole + 1), d = Normal(whole + 2);
        return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)));
    }

    static ulong Mix(ulong z)
    {
        // SplitMix64.
        z += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
