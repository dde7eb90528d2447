using Allmende.Simulator.Town;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Mapping;

/// <summary>Outlines of areas: closed lines, counter-clockwise as GeoJSON has them (RFC 7946 section 3.1.6).</summary>
static class Outline
{
    /// <summary>An irregular round area.</summary>
    public static IReadOnlyList<Spot> Blob(Noise noise, Spot centre, double radius)
    {
        const int points = 28;
        return Closed([.. Enumerable.Range(0, points).Select(i =>
        {
            var angle = 2 * Math.PI * i / points;
            var bulge = 0.16 * Math.Sin(2 * angle + noise.Between(1, 0, 6)) + 0.09 * Math.Sin(3 * angle + noise.Between(2, 0, 6)) + 0.05 * Math.Sin(5 * angle + noise.Between(3, 0, 6));
            return centre.Go(angle, radius * (1 + bulge));
        })]);
    }

    /// <summary>A line with a width, which may change along it.</summary>
    public static IReadOnlyList<Spot> Band(IReadOnlyList<Spot> line, Func<int, double> halfWidth)
    {
        var right = new List<Spot>();
        var left = new List<Spot>();
        for (var i = 0; i < line.Count; i++)
        {
            var (before, after) = (line[Math.Max(0, i - 1)], line[Math.Min(line.Count - 1, i + 1)]);
            var across = Math.Atan2(after.North - before.North, after.East - before.East) + Math.PI / 2;
            left.Add(line[i].Go(across, halfWidth(i)));
            right.Add(line[i].Go(across, -halfWidth(i)));
        }
        return Closed([.. right, .. Enumerable.Reverse(left)]);
    }

    /// <summary>A house: <paramref name="length"/> by <paramref name="width"/> metres around its centre.</summary>
    public static IReadOnlyList<Spot> House(Spot centre, double direction, double length, double width) =>
        Band([centre.Go(direction, -length / 2), centre.Go(direction, length / 2)], _ => width / 2);

    public static IReadOnlyList<Spot> Closed(IReadOnlyList<Spot> spots) => [.. spots, spots[0]];

    /// <summary>A softer line through the same ends: each corner is cut twice (Chaikin).</summary>
    public static IReadOnlyList<Spot> Soften(IReadOnlyList<Spot> line)
    {
        for (var round = 0; round < 2; round++)
            line = [line[0], .. line.Zip(line.Skip(1)).SelectMany(leg => new[] { Between(leg.First, leg.Second, 0.25), Between(leg.First, leg.Second, 0.75) }), line[^1]];
        return line;
    }

    /// <summary>The line with <paramref name="distance"/> metres more in its last direction.</summary>
    public static IReadOnlyList<Spot> Lengthen(IReadOnlyList<Spot> line, double distance)
    {
        var (before, last) = (line[^2], line[^1]);
        return [.. line, last.Go(Math.Atan2(last.North - before.North, last.East - before.East), distance)];
    }

    public static Spot Between(Spot from, Spot to, double share) => new(from.East + share * (to.East - from.East), from.North + share * (to.North - from.North));

    /// <summary>Metres from a spot to the nearest point of a line.</summary>
    public static double Distance(Spot spot, IReadOnlyList<Spot> line)
    {
        var least = double.MaxValue;
        foreach (var (from, to) in line.Zip(line.Skip(1)))
        {
            var (x, y) = (to.East - from.East, to.North - from.North);
            var length = x * x + y * y;
            var share = length == 0 ? 0 : Math.Clamp(((spot.East - from.East) * x + (spot.North - from.North) * y) / length, 0, 1);
            least = Math.Min(least, spot.DistanceTo(Between(from, to, share)));
        }
        return least;
    }
}
