namespace Allmende.Simulator.Town;

/// <summary>A point of the town in metres east and north of its centre.</summary>
readonly record struct Spot(double East, double North)
{
    public double DistanceTo(Spot other) => Math.Sqrt(Math.Pow(other.East - East, 2) + Math.Pow(other.North - North, 2));

    /// <summary>The point <paramref name="distance"/> metres away in <paramref name="direction"/> (radians from east, counter-clockwise).</summary>
    public Spot Go(double direction, double distance) => new(East + distance * Math.Cos(direction), North + distance * Math.Sin(direction));

    /// <summary>Longitude and latitude (WGS 84) as seen from the town's centre.</summary>
    public (double Longitude, double Latitude) On(double longitude, double latitude) => (
        Math.Round(longitude + East / (111_320 * Math.Cos(latitude * Math.PI / 180)), 6),
        Math.Round(latitude + North / 111_320, 6));
}

/// <summary>A line of points: a street, the river.</summary>
sealed class Route(string name, IReadOnlyList<Spot> spots)
{
    public string Name => name;

    public IReadOnlyList<Spot> Spots => spots;

    /// <summary>Metres from end to end.</summary>
    public double Length { get; } = spots.Zip(spots.Skip(1)).Sum(leg => leg.First.DistanceTo(leg.Second));

    /// <summary>The point at a <paramref name="share"/> (0 to 1) of the length, <paramref name="aside"/> metres to the left.</summary>
    public Spot At(double share, double aside = 0)
    {
        var (rest, leg) = (share * Length, 0);
        while (leg < spots.Count - 2 && rest > spots[leg].DistanceTo(spots[leg + 1]))
            rest -= spots[leg].DistanceTo(spots[++leg]);
        var direction = Math.Atan2(spots[leg + 1].North - spots[leg].North, spots[leg + 1].East - spots[leg].East);
        return spots[leg].Go(direction, rest).Go(direction + Math.PI / 2, aside);
    }

    /// <summary>Where along this path (0 to 1) the other one crosses it, if it does.</summary>
    public double? Crossing(Route other)
    {
        var gone = 0.0;
        foreach (var (from, to) in spots.Zip(spots.Skip(1)))
        {
            var step = from.DistanceTo(to);
            foreach (var (a, b) in other.Spots.Zip(other.Spots.Skip(1)))
                if (Meet(from, to, a, b) is { } share)
                    return (gone + share * step) / Length;
            gone += step;
        }
        return null;
    }

    static double? Meet(Spot p, Spot q, Spot a, Spot b)
    {
        var (px, py) = (q.East - p.East, q.North - p.North);
        var (ax, ay) = (b.East - a.East, b.North - a.North);
        var cross = px * ay - py * ax;
        if (Math.Abs(cross) < 1e-9)
            return null;
        var t = ((a.East - p.East) * ay - (a.North - p.North) * ax) / cross;
        var u = ((a.East - p.East) * py - (a.North - p.North) * px) / cross;
        return t is >= 0 and <= 1 && u is >= 0 and <= 1 ? t : null;
    }
}
