using Allmende.Simulator.World;

namespace Allmende.Simulator.Town;

/// <summary>
/// The town's map, drawn from the seed: a river that winds past the centre, main streets from the market square outwards, a ring road,
/// parks by the water, schools in the quarters.
/// </summary>
sealed class TownPlan
{
    static readonly string[] StreetNames =
    [
        "Bahnhofstraße", "Lindenstraße", "Mühlenstraße", "Kirchstraße", "Münsterstraße", "Gartenstraße", "Goethestraße", "Hansastraße",
    ];

    static readonly string[] Quarters = ["Nord", "Ost", "Süd", "West", "Altstadt", "Neustadt"];

    /// <param name="noise">Randomness of this town.</param>
    /// <param name="radius">Metres from the market square to the edge.</param>
    public TownPlan(Noise noise, double radius)
    {
        Radius = radius;
        var turn = noise.Between(1, -0.5, 0.5);
        River = DrawRiver(noise.Of("river"), radius, turn);
        var count = radius > 1200 ? StreetNames.Length : 4;
        Streets = [.. Enumerable.Range(0, count).Select(i => DrawStreet(noise.Of(i), StreetNames[i], radius, turn + 2 * Math.PI * i / count))];
        Ring = DrawRing(noise.Of("ring"), radius * 0.55);
        Bridges = [.. Streets.Append(Ring).Select(street => (Street: street, At: River.Crossing(street)))
            .Where(bridge => bridge.At is not null).Select(bridge => (bridge.Street.Name, bridge.At!.Value)).OrderBy(bridge => bridge.Value)];
        Parks = [.. Enumerable.Range(0, radius > 1200 ? 4 : 2).Select(i =>
            (ParkNames[i], River.At((i + 0.7) / (radius > 1200 ? 4.4 : 2.4), (i % 2 == 0 ? 1 : -1) * radius * 0.09)))];
    }

    /// <summary>Metres from the market square to the edge.</summary>
    public double Radius { get; }

    public Route River { get; }

    /// <summary>Main streets, each from the centre to the edge. The first one leads to the station.</summary>
    public IReadOnlyList<Route> Streets { get; }

    /// <summary>The road around the old town.</summary>
    public Route Ring { get; }

    /// <summary>Name of the street and place along the river, upstream first.</summary>
    public IReadOnlyList<(string Street, double At)> Bridges { get; }

    public IReadOnlyList<(string Name, Spot Centre)> Parks { get; }

    /// <summary>A quarter's name and where its middle lies.</summary>
    public (string Name, Spot Middle) Quarter(int index)
    {
        var name = Quarters[index % Quarters.Length];
        var angle = name switch { "Ost" => 0, "Nord" => Math.PI / 2, "West" => Math.PI, "Süd" => -Math.PI / 2, "Altstadt" => 2.4, _ => 0.8 };
        return (name, new Spot(0, 0).Go(angle, Radius * (name == "Altstadt" ? 0.22 : 0.62)));
    }

    /// <summary>The schools and the corner of each.</summary>
    public IEnumerable<(string Name, Spot Site)> Schools => SchoolQuarters.Select(school => (school.Name, Quarter(school.Quarter).Middle));

    static readonly (string Name, int Quarter)[] SchoolQuarters =
        [("Grundschule Nord", 0), ("Gesamtschule Ost", 1), ("Grundschule Süd", 2), ("Realschule West", 3), ("Gymnasium Altstadt", 4)];

    static readonly string[] ParkNames = ["Stadtpark", "Mühlenwiesen", "Bürgerpark", "Uferpark"];

    static Route DrawRiver(Noise noise, double radius, double turn)
    {
        const int points = 25;
        // It comes from the south-west, passes the old town at a third of the radius and leaves to the north-east.
        return new Route("Fluss", [.. Enumerable.Range(0, points).Select(i =>
        {
            var along = (2.0 * i / (points - 1) - 1) * radius * 1.15;
            var bend = radius * (0.3 + 0.09 * noise.Smooth(i / 2.5) + 0.07 * Math.Sin(along / radius * 4));
            return new Spot(0, 0).Go(turn + 0.5, along).Go(turn + 0.5 - Math.PI / 2, bend);
        })]);
    }

    static Route DrawStreet(Noise noise, string name, double radius, double direction) =>
        new(name, [.. Enumerable.Range(0, 9).Select(i =>
            new Spot(0, 0).Go(direction + noise.Between(0, -0.12, 0.12) + 0.1 * noise.Smooth(i / 3.0), 60 + (radius - 60) * i / 8))]);

    static Route DrawRing(Noise noise, double radius) =>
        new("Stadtring", [.. Enumerable.Range(0, 37).Select(i =>
            new Spot(0, 0).Go(2 * Math.PI * i / 36, radius * (1 + 0.06 * noise.Smooth(i % 36 / 4.0) * Math.Sin(Math.PI * i / 36))))]);
}
