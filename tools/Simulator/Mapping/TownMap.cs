using Allmende.Simulator.Town;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Mapping;

/// <summary>
/// The town as a map draws it: what the plan has (river, streets, parks, schools), and what a town has between them (side streets, houses,
/// districts, woods around it). It comes from the same seed, so that each sensor hangs where the map shows its street.
/// </summary>
sealed class TownMap
{
    const double RiverHalfWidth = 15;
    const double ParkRadius = 105;

    // Where side streets cross a sector between two main streets, as shares of the way from the market to the edge.
    static readonly double[] TownCrossings = [0.1, 0.18, 0.27, 0.37, 0.48, 0.6, 0.72, 0.84, 0.95];
    static readonly double[] VillageCrossings = [0.2, 0.4, 0.62, 0.86];

    readonly TownPlan plan;
    readonly Noise noise;
    readonly double[] crossings;
    readonly IReadOnlyList<Spot> river;
    readonly List<Shape> shapes = [];
    // What houses keep away from, with the distance.
    readonly List<(IReadOnlyList<Spot> Line, double Distance)> obstacles = [];

    TownMap(TownPlan plan, Noise noise)
    {
        (this.plan, this.noise) = (plan, noise);
        crossings = plan.Streets.Count > 4 ? TownCrossings : VillageCrossings;
        river = Outline.Soften(BothWays(plan.River.Spots, plan.Radius));
    }

    /// <summary>All features, in the order in which they are drawn.</summary>
    public static IReadOnlyList<Shape> Of(TownPlan plan, Noise noise)
    {
        var map = new TownMap(plan, noise);
        map.Districts();
        map.Greens();
        map.Water();
        map.MainRoads();
        map.SideStreets();
        map.Landmarks();
        map.Houses();
        return [.. map.shapes.OrderBy(shape => shape.Kind)];
    }

    void Districts()
    {
        (string Name, double From, double To)[] sectors =
        [
            ("Ost", -0.785, 0.4), ("Neustadt", 0.4, 1.185), ("Nord", 1.185, 2.356), ("West", 2.356, 3.927), ("Süd", 3.927, 5.498),
        ];
        var ring = plan.Ring.Spots;
        shapes.Add(new Shape(Kind.District, ring, "Altstadt"));
        foreach (var (name, from, to) in sectors)
        {
            double[] angles = [.. Enumerable.Range(0, 13).Select(i => from + (to - from) * i / 12)];
            shapes.Add(new Shape(Kind.District, Outline.Closed([.. angles.Select(Edge), .. angles.Reverse().Select(angle => OnRing(ring, angle))]), name));
        }
    }

    Spot Edge(double angle) =>
        new Spot(0, 0).Go(angle, plan.Radius * (1.1 + 0.05 * Math.Sin(3 * angle + noise.Between(1, 0, 6)) + 0.03 * Math.Sin(7 * angle)));

    // The ring has a point every ten degrees.
    static Spot OnRing(IReadOnlyList<Spot> ring, double angle)
    {
        var place = (angle / (2 * Math.PI) + 1) % 1 * (ring.Count - 1);
        return Outline.Between(ring[(int)place], ring[Math.Min((int)place + 1, ring.Count - 1)], place - (int)place);
    }

    void Greens()
    {
        foreach (var (park, i) in plan.Parks.Select((park, i) => (park, i)))
            Green(Outline.Blob(noise.Of("park").Of(i), park.Centre, ParkRadius), park.Name);
        (string Name, double Angle, double Size)[] woods = [("Stadtwald", 2.2, 0.34), ("Eichenbusch", -1.2, 0.24), ("Heidewald", 4.1, 0.3), ("", 0.2, 0.22)];
        foreach (var (name, angle, size) in woods)
            Green(Outline.Blob(noise.Of(name), new Spot(0, 0).Go(angle, plan.Radius * 1.55), plan.Radius * size), name.Length > 0 ? name : null);
    }

    void Green(IReadOnlyList<Spot> outline, string? name)
    {
        shapes.Add(new Shape(Kind.Park, outline, name));
        obstacles.Add((outline, 12));
    }

    void Water()
    {
        shapes.Add(new Shape(Kind.Water, Outline.Band(river, i => RiverHalfWidth + 3 * noise.Of("banks").Smooth(i / 9.0)), "Stadtbach"));
        obstacles.Add((river, RiverHalfWidth + 20));
    }

    void MainRoads()
    {
        foreach (var street in plan.Streets)
            Road(Outline.Soften(Outline.Lengthen([new Spot(0, 0), .. street.Spots], plan.Radius)), street.Name, main: true);
        Road(Outline.Soften(plan.Ring.Spots), plan.Ring.Name, main: true);
    }

    void Road(IReadOnlyList<Spot> line, string? name, bool main)
    {
        shapes.Add(new Shape(Kind.Road, line, name, main));
        obstacles.Add((line, main ? 15 : 11));
    }

    void SideStreets()
    {
        var names = new StreetNames(noise.Of("street names"));
        for (var sector = 0; sector < plan.Streets.Count; sector++)
        {
            // Towns were not drawn with compasses: no two quarters have their streets in the same places.
            var draws = noise.Of("side streets").Of(sector);
            double[] cross = [.. crossings.Select((crossing, i) => crossing + 0.04 * (draws.Uniform(i) - 0.5))];
            foreach (var (crossing, k) in cross.Select((crossing, k) => (crossing, k)))
                Side([.. Enumerable.Range(0, 13).Select(i => At(sector, crossing + 0.07 * crossing * draws.Of(k).Smooth(i / 4.0) * Math.Sin(Math.PI * i / 12), i / 12.0))], names);
            foreach (var (from, to, lanes) in Lanes(cross))
                for (var lane = 1; lane < lanes; lane++)
                {
                    var shift = 0.35 * (draws.Uniform(100 + lane) - 0.5);
                    Side([.. Enumerable.Range(0, 9).Select(i => At(sector, from + (to - from) * i / 8, (lane + shift) / lanes))], names);
                }
        }
    }

    /// <summary>How many blocks lie side by side between two main streets: the more, the farther from the market.</summary>
    (double From, double To, int Lanes)[] Lanes(double[] cross) => plan.Streets.Count > 4
        ? [(cross[1], cross[3], 2), (cross[3], cross[5], 3), (cross[5], cross[6], 4), (cross[6], cross[7], 5), (cross[7], cross[^1], 4)]
        : [(cross[0], cross[2], 2), (cross[2], cross[^1], 3)];

    // Only main streets have bridges, and no side street leads through a park.
    void Side(IReadOnlyList<Spot> line, StreetNames names)
    {
        var piece = new List<Spot>();
        foreach (var spot in Fine(line).Append(new Spot(double.NaN, 0)))
        {
            if (!double.IsNaN(spot.East) && Outline.Distance(spot, river) > RiverHalfWidth + 12 && plan.Parks.All(park => park.Centre.DistanceTo(spot) > ParkRadius * 1.2))
            {
                piece.Add(spot);
                continue;
            }
            if (piece.Count > 5) Road([.. piece], names.Next(), main: false);
            piece.Clear();
        }
    }

    static IEnumerable<Spot> Fine(IReadOnlyList<Spot> line) =>
        line.Zip(line.Skip(1)).SelectMany(leg => new[] { leg.First, Outline.Between(leg.First, leg.Second, 0.5) }).Append(line[^1]);

    /// <summary>A point between two neighbouring main streets: <paramref name="out"/> of the way to the edge, <paramref name="across"/> of the way over.</summary>
    Spot At(int sector, double @out, double across)
    {
        var (right, left) = (plan.Streets[sector].At(@out), plan.Streets[(sector + 1) % plan.Streets.Count].At(@out));
        var (from, to) = (Math.Atan2(right.North, right.East), Math.Atan2(left.North, left.East));
        if (to < from) to += 2 * Math.PI;
        var centre = new Spot(0, 0);
        return centre.Go(from + (to - from) * across, centre.DistanceTo(right) * (1 - across) + centre.DistanceTo(left) * across);
    }

    void Landmarks()
    {
        foreach (var (name, site) in plan.Schools)
        {
            // Two wings around the rooms, which lie beside and above each other.
            Landmark(name, new Spot(site.East + 23, site.North + 4), 0, 64, 22);
            Landmark(null, new Spot(site.East - 14, site.North + 28), Math.PI / 2, 58, 18);
        }
        Landmark("Rathaus", new Spot(-66, 22), 0.2, 44, 22);
        Landmark("Bahnhof", plan.Streets[0].At(0.66, -34), Math.Atan2(plan.Streets[0].Spots[^1].North, plan.Streets[0].Spots[^1].East), 90, 22);
        if (plan.Streets.Count <= 4) return;
        Landmark("Klinikum", plan.Ring.At(0.8, -105), 0.4, 110, 50);
        Landmark("Stadthalle", plan.Ring.At(0.3, 75), 1, 60, 44);
    }

    void Landmark(string? name, Spot centre, double direction, double length, double width)
    {
        var outline = Outline.House(centre, direction, length, width);
        shapes.Add(new Shape(Kind.Building, outline, name));
        obstacles.Add((outline, 14));
    }

    void Houses()
    {
        var draws = noise.Of("houses");
        long number = 0;
        for (var sector = 0; sector < plan.Streets.Count; sector++)
            for (var distance = 75.0; distance < plan.Radius * 0.97; distance += 36)
            {
                var share = (distance - 60) / (plan.Radius - 60);
                var width = At(sector, share, 0).DistanceTo(At(sector, share, 1));
                var lots = Math.Max(1, (int)(width / 34));
                for (var lot = 0; lot < lots; lot++, number++)
                    House(sector, share, (lot + 0.5) / lots, draws.Of(number));
            }
    }

    // Dense by the market, with gardens at the edge; each house stands along its street.
    void House(int sector, double share, double across, Noise draws)
    {
        if (draws.Uniform(1) > 0.97 - 0.4 * share) return;
        var (here, beside) = (At(sector, share, across), At(sector, share, across + 0.01));
        var direction = Math.Atan2(beside.North - here.North, beside.East - here.East) + draws.Between(2, -0.06, 0.06);
        var (length, depth) = (draws.Between(3, 12, 27 - 8 * share), draws.Between(4, 9, 16));
        if (obstacles.All(obstacle => Outline.Distance(here, obstacle.Line) > obstacle.Distance + depth / 3) && !plan.Parks.Any(park => park.Centre.DistanceTo(here) < ParkRadius))
            shapes.Add(new Shape(Kind.Building, Outline.House(here, direction, length, depth)));
    }

    static IReadOnlyList<Spot> BothWays(IReadOnlyList<Spot> line, double distance) =>
        [.. Enumerable.Reverse(Outline.Lengthen([.. Enumerable.Reverse(Outline.Lengthen(line, distance))], distance))];
}
