namespace Allmende.Observations.Store.Packed;

/// <summary>
/// Many observations in one row of <c>observation_pack</c>. Times are deviations from a regular step, in ticks; numbers are whole after a shift of the decimal
/// point, or stay what they are; each in the narrowest array that holds them. <c>observation_unpack</c> in the migration is the other half.
/// </summary>
sealed class Chunk
{
    /// <summary>About so many observations go into a chunk: to read one of them all are unpacked, in less than a millisecond.</summary>
    public const int Size = 1_500;

    /// <summary>Fewer take less room as rows.</summary>
    public const int Smallest = 8;

    /// <summary>How many digits behind the decimal point are looked for.</summary>
    const int MostDecimals = 9;

    static readonly double[] PowersOfTen = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

    Chunk(ReadOnlySpan<PackableRow> rows)
    {
        Count = rows.Length;
        From = rows[0].Time;
        To = rows[^1].Time;
        Feature = rows[0].Feature;
        IsBoolean = rows[0].Value is null;
    }

    public int Count { get; }
    public long From { get; }
    public long To { get; }
    public long? Feature { get; }
    public bool IsBoolean { get; }
    public double? Min { get; private set; }
    public double? Max { get; private set; }
    public long Step { get; private set; }
    public long Tick { get; private set; } = 1;
    public int[]? TimesSmall { get; private set; }
    public int[]? TimesLow { get; private set; }
    public int[]? TimesHigh { get; private set; }
    public int[]? Times { get; private set; }
    public long[]? TimesWide { get; private set; }
    public long? ResultOffset { get; private set; }
    public int[]? ResultDeviations { get; private set; }
    public bool Relative { get; private set; }
    public long Base { get; private set; }
    public double Divisor { get; private set; } = 1;
    public int[]? ValuesSmall { get; private set; }
    public int[]? ValuesLow { get; private set; }
    public int[]? Values { get; private set; }
    public float[]? Reals { get; private set; }
    public double[]? Doubles { get; private set; }
    public short[]? Qualities { get; private set; }

    /// <summary>Packs rows of one Datastream and month.</summary>
    /// <param name="rows">In order of time, each time once.</param>
    /// <param name="occupied">Times of the chunks that there are already, from and to: a new one must not reach over them.</param>
    /// <returns>Chunks in order of time. What fits in none stays a row.</returns>
    public static List<Chunk> Pack(ReadOnlySpan<PackableRow> rows, IReadOnlyList<(long From, long To)> occupied)
    {
        var chunks = new List<Chunk>();
        var start = 0;
        for (var i = 1; i <= rows.Length; i++)
        {
            if (i < rows.Length && rows[i].GoesWith(rows[i - 1]) && !IsBetween(occupied, rows[i - 1].Time, rows[i].Time)) continue;
            PackRun(rows[start..i], chunks);
            start = i;
        }
        return chunks;
    }

    static bool IsBetween(IReadOnlyList<(long From, long To)> occupied, long before, long after)
    {
        foreach (var (from, to) in occupied)
            if (from > before && to < after) return true;
        return false;
    }

    static void PackRun(ReadOnlySpan<PackableRow> run, List<Chunk> into)
    {
        var parts = Math.Max(1, (run.Length + Size / 2) / Size);
        for (var part = 0; part < parts; part++)
            PackPart(run[(int)((long)run.Length * part / parts)..(int)((long)run.Length * (part + 1) / parts)], into);
    }

    static void PackPart(ReadOnlySpan<PackableRow> rows, List<Chunk> into)
    {
        if (rows.Length < Smallest) return;
        var chunk = new Chunk(rows);
        chunk.PackTimes(rows);
        // A resultTime that is too far off: two chunks.
        if (chunk.PackResultTimes(rows) is { } cut)
        {
            PackPart(rows[..cut], into);
            PackPart(rows[cut..], into);
            return;
        }
        chunk.PackValues(rows);
        if (rows.ContainsAnyWith(row => row.Quality != 0)) chunk.Qualities = Column(rows, row => row.Quality);
        into.Add(chunk);
    }

    void PackTimes(ReadOnlySpan<PackableRow> rows)
    {
        var deltas = new long[rows.Length - 1];
        for (var i = 0; i < deltas.Length; i++) deltas[i] = rows[i + 1].Time - rows[i].Time;
        var sorted = deltas.Order().ToArray();
        Step = sorted[sorted.Length / 2];
        var tick = 0L;
        foreach (var delta in deltas) tick = GreatestCommonDivisor(tick, Math.Abs(delta - Step));
        if (tick == 0) return;
        Tick = tick;
        var wide = new long[rows.Length];
        for (var i = 0; i < deltas.Length; i++) wide[i + 1] = (deltas[i] - Step) / tick;
        var width = WidthOf(wide);
        if (width > 4)
        {
            TimesWide = wide;
            return;
        }
        var deviations = Array.ConvertAll(wide, deviation => (int)deviation);
        switch (width)
        {
            case 1: TimesSmall = deviations; break;
            case 2: TimesLow = deviations; break;
            case 3:
                TimesLow = Array.ConvertAll(deviations, deviation => (int)(short)deviation);
                TimesHigh = Array.ConvertAll(deviations, deviation => (deviation - (short)deviation) >> 16);
                break;
            default: Times = deviations; break;
        }
    }

    /// <returns>Where to cut if the result times do not fit; else null.</returns>
    int? PackResultTimes(ReadOnlySpan<PackableRow> rows)
    {
        if (rows[0].ResultTime is not { } first) return null;
        var offset = first - rows[0].Time;
        var deviations = new int[rows.Length];
        var differ = false;
        for (var i = 1; i < rows.Length; i++)
        {
            var deviation = rows[i].ResultTime!.Value - rows[i].Time - offset;
            if (deviation is < int.MinValue or > int.MaxValue) return i;
            deviations[i] = (int)deviation;
            differ |= deviation != 0;
        }
        ResultOffset = offset;
        if (differ) ResultDeviations = deviations;
        return null;
    }

    void PackValues(ReadOnlySpan<PackableRow> rows)
    {
        if (IsBoolean)
        {
            ValuesSmall = Column(rows, row => row.Truth ? 1 : 0);
            return;
        }
        var values = Column(rows, row => row.Value!.Value);
        // As PostgreSQL orders: NaN is above all.
        Max = values.Any(double.IsNaN) ? double.NaN : values.Max();
        Min = values.All(double.IsNaN) ? double.NaN : values.Where(value => !double.IsNaN(value)).Min();
        if (WholeNumbers(values) is { } whole && PackWhole(whole)) return;
        Divisor = 1;
        if (Array.TrueForAll(values, value => BitConverter.DoubleToInt64Bits((float)value) == BitConverter.DoubleToInt64Bits(value))) Reals = Array.ConvertAll(values, value => (float)value);
        else Doubles = values;
    }

    /// <summary>The values without decimal point, if all have one at the same place and come back exactly; sets the divisor.</summary>
    long[]? WholeNumbers(double[] values)
    {
        var decimals = 0;
        foreach (var value in values)
        {
            while (decimals <= MostDecimals && !ComesBack(value, PowersOfTen[decimals])) decimals++;
            if (decimals > MostDecimals) return null;
        }
        Divisor = PowersOfTen[decimals];
        return Array.TrueForAll(values, value => ComesBack(value, Divisor)) ? Array.ConvertAll(values, value => (long)Math.Round(value * Divisor)) : null;
    }

    static bool ComesBack(double value, double divisor)
    {
        var whole = Math.Round(value * divisor);
        return Math.Abs(whole) < 1L << 53 && BitConverter.DoubleToInt64Bits((long)whole / divisor) == BitConverter.DoubleToInt64Bits(value);
    }

    bool PackWhole(long[] whole)
    {
        var steps = new long[whole.Length];
        for (var i = 1; i < whole.Length; i++) steps[i] = whole[i] - whole[i - 1];
        var middle = whole.Min() + (whole.Max() - whole.Min()) / 2;
        var offsets = Array.ConvertAll(whole, number => number - middle);
        Relative = WidthOf(steps) <= WidthOf(offsets);
        Base = Relative ? whole[0] : middle;
        var numbers = Relative ? steps : offsets;
        var width = WidthOf(numbers);
        if (width > 4) return Relative = false;
        var array = Array.ConvertAll(numbers, number => (int)number);
        if (width == 1) ValuesSmall = array;
        else if (width == 2) ValuesLow = array;
        else Values = array;
        return true;
    }

    /// <summary>Bytes that the largest number needs: 1, 2, 3, 4 or 8.</summary>
    static int WidthOf(ReadOnlySpan<long> numbers)
    {
        long low = 0, high = 0;
        foreach (var number in numbers) (low, high) = (Math.Min(low, number), Math.Max(high, number));
        return WidthOf(low, high);
    }

    // Three bytes are a signed byte above a signed pair of bytes: half of the pair's range is the byte's last step.
    static int WidthOf(long low, long high) =>
        low >= sbyte.MinValue && high <= sbyte.MaxValue ? 1
        : low >= short.MinValue && high <= short.MaxValue ? 2
        : low >= (sbyte.MinValue << 16) + short.MinValue && high <= (sbyte.MaxValue << 16) + short.MaxValue ? 3
        : low >= int.MinValue && high <= int.MaxValue ? 4 : 8;

    static T[] Column<T>(ReadOnlySpan<PackableRow> rows, Func<PackableRow, T> column)
    {
        var values = new T[rows.Length];
        for (var i = 0; i < values.Length; i++) values[i] = column(rows[i]);
        return values;
    }

    static long GreatestCommonDivisor(long a, long b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}

static class PackableRowExtensions
{
    public static bool ContainsAnyWith(this ReadOnlySpan<PackableRow> rows, Predicate<PackableRow> condition)
    {
        foreach (var row in rows)
            if (condition(row)) return true;
        return false;
    }
}
