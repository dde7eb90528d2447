using System.Globalization;
using Allmende.Simulator.Sensors;
using Allmende.Simulator.World;

namespace Allmende.Simulator.Town;

/// <summary>All sensors of a town: what a municipality of this size has, where it would hang them, and what it would call them.</summary>
sealed class Inventory
{
    readonly TownPlan plan;
    readonly Surroundings world;
    readonly List<Sensor> sensors = [];
    readonly HashSet<string> names = [];

    Inventory(TownPlan plan, Surroundings world) => (this.plan, this.world) = (plan, world);

    /// <summary>The sensors of a town.</summary>
    /// <param name="plan">Its map.</param>
    /// <param name="world">Its sky, river and people.</param>
    /// <param name="count">How many sensors.</param>
    public static IReadOnlyList<Sensor> Of(TownPlan plan, Surroundings world, int count)
    {
        var inventory = new Inventory(plan, world);
        // What a town of 100,000 with 300 sensors has of each.
        (int Share, Action<int> Place)[] kinds =
        [
            (112, inventory.Parking), (8, inventory.Gauges), (36, inventory.Trees), (60, inventory.Rooms), (14, inventory.Pedestrians),
            (20, inventory.Lighting), (12, inventory.Fridges), (10, inventory.Particles), (10, inventory.Roads), (4, inventory.Rain),
            (3, inventory.Stations), (5, inventory.Underpasses), (6, inventory.Valves),
        ];
        foreach (var ((_, place), many) in kinds.Zip(Apportion([.. kinds.Select(kind => kind.Share)], count)))
            place(many);
        return inventory.sensors;
    }

    /// <summary>Shares of a whole by largest remainder; each gets at least one as long as there is enough.</summary>
    public static int[] Apportion(int[] shares, int total)
    {
        var least = total >= 2 * shares.Length ? 1 : 0;
        var rest = total - least * shares.Length;
        var exact = shares.Select(share => (double)share * rest / shares.Sum()).ToArray();
        var parts = exact.Select(part => (int)part).ToArray();
        var byRemainder = Enumerable.Range(0, shares.Length).OrderByDescending(i => exact[i] - parts[i]).ThenBy(i => i);
        foreach (var i in byRemainder.Take(rest - parts.Sum()))
            parts[i]++;
        return [.. parts.Select(part => part + least)];
    }

    void Parking(int count)
    {
        var station = plan.Streets[0];
        (string Name, Spot Corner, Parkers Parkers)[] places =
        [
            ("Parkplatz Rathaus", new Spot(-70, 45), Parkers.Shoppers),
            ("Parkplatz Bahnhof", station.At(0.62, 35), Parkers.Commuters),
            ("Parkplatz Markt", new Spot(55, -60), Parkers.Shoppers),
            ("Parkplatz Stadthalle", plan.Ring.At(0.3, 25), Parkers.Shoppers),
            ("Anwohner Gartenstraße", plan.Streets[Math.Min(5, plan.Streets.Count - 1)].At(0.25, 8), Parkers.Residents),
            ("Parkplatz Klinikum", plan.Ring.At(0.8, -40), Parkers.Commuters),
        ];
        var used = Math.Clamp(count / 6, 1, places.Length);
        foreach (var (place, index) in places.Take(used).Select((place, index) => (place, index)))
        {
            var bays = count / used + (index < count % used ? 1 : 0);
            for (var bay = 0; bay < bays; bay++)
                Add(Name(place.Name, $"Bucht {bay + 1}"), Bay(place.Corner, bay), mount => new ParkingBay(mount, place.Parkers));
        }
    }

    // Two rows of bays, 2.5 m wide, with a lane between them.
    static Spot Bay(Spot corner, int bay) => new(corner.East + bay / 2 * 2.5, corner.North + bay % 2 * 11);

    void Gauges(int count)
    {
        var names = new[] { "Altstadt", "Mühlenwehr", "Stadtpark", "Klärwerk", "Hafen", "Oberdorf", "Wiesengrund", "Auenbrücke" };
        for (var i = 0; i < count; i++)
        {
            var along = (i + 1.0) / (count + 1);
            var reach = new Reach(5 + 7 * along, 0.028 + 0.012 * world.Noise.Of("gauge").Uniform(i), 0.55 + 0.4 * along);
            var bridge = plan.Bridges.Count > 0 ? plan.Bridges[i % plan.Bridges.Count] : ("", 0.5);
            if (i % 2 == 0)
                Add($"Pegel {names[i % names.Length]}", plan.River.At(bridge.Item2, 1 + i), mount => new BridgeGauge(mount, reach, 5.2 + along));
            else
                Add($"Pegel {names[i % names.Length]}", plan.River.At(along, 6), mount => new PressureGauge(mount, reach));
        }
    }

    void Trees(int count)
    {
        var species = new[] { "Winterlinde", "Feldahorn", "Stieleiche", "Hainbuche", "Amberbaum", "Zerreiche" };
        var draws = world.Noise.Of("trees");
        for (var i = 0; i < count; i++)
        {
            var inPark = i % 3 == 0;
            var street = plan.Streets[i % plan.Streets.Count];
            var park = plan.Parks[i % plan.Parks.Count];
            var spot = inPark ? park.Centre.Go(draws.Between(i, 0, 6.28), draws.Between(-i - 1, 10, 80)) : street.At(0.12 + 0.8 * draws.Uniform(i), i % 2 == 0 ? 7 : -7);
            var name = Name($"{species[draws.Choice(i + 5000, species.Length)]} {(inPark ? park.Name : street.Name)}", Number(i + 1));
            if (i % 2 == 0)
                Add(name, spot, mount => new TreeProbe(mount, new Ground(mount.Noise, world)));
            else
                Add(name, spot, mount => new TreeSpike(mount, new Ground(mount.Noise, world)));
        }
    }

    void Rooms(int count)
    {
        var schools = plan.Schools.ToList();
        var used = Math.Clamp(count / 8, 1, schools.Count);
        for (var i = 0; i < count; i++)
        {
            var (school, room) = (i % used, i / used);
            // Rooms of one school lie beside and above each other.
            var corner = schools[school].Site;
            var name = Name(schools[school].Name, $"Raum {room / 6}.{room % 6 + 1:00}");
            Add(name, new Spot(corner.East + room % 6 * 9, corner.North + room / 6 * 3), mount => RoomDevice(mount, school));
        }
    }

    // A school buys all of its sensors from one maker.
    Sensor RoomDevice(Mount mount, int school)
    {
        var room = new ClassRoom(mount.Noise, world);
        return (school % 3) switch
        {
            0 => new RoomStation(mount, room),
            1 => new RoomSensor(mount, room),
            _ => new RoomLamp(mount, room),
        };
    }

    void Pedestrians(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var street = plan.Streets[i % plan.Streets.Count];
            (string Name, Spot Spot, Errand Errand, double Crowd) place = i switch
            {
                0 => ("Zählstelle Marktplatz", new Spot(8, 4), Errand.Market, 150),
                1 => ("Zählstelle Bahnhof", plan.Streets[0].At(0.6, -12), Errand.Commuting, 130),
                2 => ($"Zählstelle {plan.Parks[0].Name}", plan.Parks[0].Centre, Errand.Leisure, 45),
                3 => ("Zählstelle Rathaus", new Spot(-45, 22), Errand.Shopping, 90),
                _ => ($"Zählstelle {street.Name} {Number(2 + 6 * i)}", street.At(0.05 + 0.02 * i, 5), i % 4 == 0 ? Errand.Commuting : Errand.Shopping, 70 - 2 * i),
            };
            Add(place.Name, place.Spot, mount => new PedestrianCounter(mount, place.Errand, place.Crowd));
        }
    }

    void Lighting(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var street = i % 4 == 3 ? plan.Ring : plan.Streets[i % plan.Streets.Count];
            var spot = street.At((0.3 + 0.61 * i) % 1, 6);
            Add($"Beleuchtung {street.Name} {Number(i + 1)}", spot, mount =>
                new LightingCabinet(mount, 18 + mount.Noise.Choice(21, 40), mount.Noise.Uniform(22) < 0.7 ? 38 : 105));
        }
    }

    void Fridges(int count)
    {
        var stations = new[] { ("Wache Mitte", plan.Ring.At(0.15, 30)), ("Wache Nord", plan.Quarter(0).Middle.Go(1, 180)) };
        for (var i = 0; i < count; i++)
        {
            var (station, spot) = stations[i % Math.Min(stations.Length, Math.Max(1, count / 3))];
            Add(Name($"RTW {i + 1}", $"Kühlschrank {station}"), new Spot(spot.East + i * 4, spot.North), mount => new Fridge(mount));
        }
    }

    void Particles(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var street = plan.Streets[i % plan.Streets.Count];
            var quarter = plan.Quarter(i);
            if (i % 3 == 2)
                Add($"Luft Wohngebiet {quarter.Name}", quarter.Middle.Go(2, 120), mount => new ParticleCounter(mount, 0.15, 1));
            else
                Add($"Luft {street.Name} {Number(10 + 4 * i)}", street.At(0.3 + 0.03 * i, -6), mount => new ParticleCounter(mount, 1 - 0.06 * i, 0.4));
        }
    }

    void Roads(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var onBridge = i < plan.Bridges.Count;
            var street = plan.Streets[i % plan.Streets.Count];
            if (onBridge)
                Add($"Fahrbahn Brücke {plan.Bridges[i].Street} {Number(i + 1)}", plan.River.At(plan.Bridges[i].At), mount => new RoadSensor(mount, onBridge: true));
            else
                Add($"Fahrbahn {street.Name} {Number(i + 1)}", street.At(0.88, 2), mount => new RoadSensor(mount, onBridge: false));
        }
    }

    void Rain(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var quarter = plan.Quarter(i);
            Add($"Niederschlag {quarter.Name}", quarter.Middle.Go(-1, 210), mount => new RainGauge(mount));
        }
    }

    void Stations(int count)
    {
        (string Name, Spot Spot)[] places =
        [
            ("Wetterstation Rathaus", new Spot(-60, 30)), ("Wetterstation Bauhof", plan.Quarter(1).Middle.Go(-0.5, 260)), ("Wetterstation Freibad", plan.Quarter(3).Middle.Go(2, 240)),
        ];
        for (var i = 0; i < count; i++)
        {
            var (name, spot) = places[i % places.Length];
            Add(i < places.Length ? name : Name(name, Number(i + 1)), spot.Go(i, i / places.Length * 40), mount => new WeatherStation(mount));
        }
    }

    void Underpasses(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var street = plan.Streets[i % plan.Streets.Count];
            Add($"Unterführung {street.Name}{(i < plan.Streets.Count ? "" : $" {Number(i + 1)}")}", street.At(0.56, 0), mount => new UnderpassSensor(mount));
        }
    }

    void Valves(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var park = plan.Parks[i % plan.Parks.Count];
            Add($"Bewässerung {park.Name} {Number(i / plan.Parks.Count + 1)}", park.Centre.Go(i, 25 + 8 * i),
                mount => new TreeValve(mount, new Ground(mount.Noise, world)));
        }
    }

    void Add(string name, Spot spot, Func<Mount, Sensor> make)
    {
        // The second one in the same place gets a number.
        var unique = name;
        for (var number = 2; !names.Add(unique); number++)
            unique = $"{name} {Number(number)}";
        sensors.Add(make(new Mount(unique, spot, world.Noise.Of(unique), world)));
    }

    static string Name(string place, string part) => $"{place}, {part}";

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
