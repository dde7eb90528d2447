namespace Allmende.Simulator.World;

/// <summary>Remembers what was computed for an hour, for the last <paramref name="size"/> hours that were asked for. Of fixed size.</summary>
sealed class ByHour(int size, Func<long, double> compute)
{
    readonly long[] hours = [.. Enumerable.Repeat(long.MinValue, size)];
    readonly double[] values = new double[size];

    public double this[long hour]
    {
        get
        {
            var slot = (int)((hour % size + size) % size);
            if (hours[slot] != hour)
                (hours[slot], values[slot]) = (hour, compute(hour));
            return values[slot];
        }
    }
}
