using System.Text.Json.Nodes;
using Allmende.Testing;

namespace Allmende.Portal.Tests;

/// <summary>A station as the SensorThings API tells it.</summary>
/// <param name="Id">Its <c>@iot.id</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">Its description.</param>
/// <param name="Streams">Its Datastreams.</param>
public sealed record Station(string Id, string Name, string Description, IReadOnlyList<Stream> Streams);

/// <summary>A Datastream with its latest result.</summary>
public sealed record Stream(string Id, string Name, string Quantity, string QuantityName, string Unit, JsonValue? Latest)
{
    /// <summary>Its latest result as a number.</summary>
    public double Figure => Latest!.GetValue<System.Text.Json.JsonElement>().GetDouble();

    /// <summary>Whether its latest result is a number.</summary>
    public bool IsNumber => Latest?.GetValueKind() is System.Text.Json.JsonValueKind.Number;
}

/// <summary>What the public API says of a town: the portal must show the same.</summary>
public sealed class Town
{
    readonly Uri gateway;
    readonly string municipality;

    Town(Uri gateway, string municipality, IReadOnlyList<Station> stations)
    {
        this.gateway = gateway;
        this.municipality = municipality;
        Stations = stations;
    }

    /// <summary>The portal's address.</summary>
    public Uri Portal => new(gateway, $"/{municipality}/");

    /// <summary>All stations that the public sees, as they were at the beginning; readings go on (see <see cref="NowAsync"/>).</summary>
    public IReadOnlyList<Station> Stations { get; }

    /// <summary>The quantity that most stations measure in degrees, but for the temperature of the devices themselves, which is folded away.</summary>
    public Stream MostMeasured => Stations.SelectMany(station => station.Streams)
        .Where(stream => stream.IsNumber && stream.Unit == "Cel" && stream.Quantity != "device_temperature")
        .GroupBy(stream => stream.Quantity).OrderByDescending(group => group.Count()).First().First();

    /// <summary>A station that measures the quantity.</summary>
    public Station StationWith(string quantity) =>
        Stations.First(station => station.Streams.Any(stream => stream.Quantity == quantity && stream.IsNumber));

    /// <summary>A station with readings that a search for its name finds alone.</summary>
    public Station Unmistakable => Stations.First(station => station.Streams.Any(stream => stream.Latest is not null) && IsUnmistakable(station));

    /// <summary>The same, and it measures the quantity.</summary>
    public Station UnmistakableWith(string quantity) =>
        Stations.First(station => station.Streams.Any(stream => stream.Quantity == quantity && stream.IsNumber) && IsUnmistakable(station));

    bool IsUnmistakable(Station station) =>
        Stations.Count(other => station.Name.Split(' ').All(word => $"{other.Name} {other.Id} {other.Description}".Contains(word, StringComparison.OrdinalIgnoreCase))) == 1;

    /// <summary>The town, once the simulator has given every kind of station its first readings.</summary>
    public static async Task<Town> WhenFedAsync(Uri gateway, string municipality)
    {
        using var client = new HttpClient { BaseAddress = gateway };
        var before = -1;
        var stations = await Eventually.GetAsync(async () =>
        {
            var now = await ReadAsync(client, municipality);
            var readings = now.Sum(station => station.Streams.Count(stream => stream.Latest is not null));
            var settled = now.Count == before && readings > now.Count / 2 && now.Count >= 30;
            before = now.Count;
            if (!settled) await Task.Delay(1_000);
            return settled ? now : null;
        }, "town with readings", TimeSpan.FromMinutes(3));
        return new Town(gateway, municipality, stations);
    }

    /// <summary>The stations with what they measured by now.</summary>
    public async Task<IReadOnlyList<Station>> NowAsync()
    {
        using var client = new HttpClient { BaseAddress = gateway };
        return await ReadAsync(client, municipality);
    }

    static async Task<List<Station>> ReadAsync(HttpClient client, string municipality)
    {
        var stations = new List<Station>();
        var next = $"/{municipality}/sta/v1.1/Things?$expand=Datastreams($expand=ObservedProperty,Observations($top=1;$orderby=phenomenonTime desc))&$top=200";
        while (next is not null)
        {
            var page = JsonNode.Parse(await client.GetStringAsync(new Uri(next, UriKind.RelativeOrAbsolute)))!;
            stations.AddRange(page["value"]!.AsArray().Select(thing => new Station(
                Text(thing!["@iot.id"]), Text(thing["name"]), Text(thing["description"]), [.. thing["Datastreams"]!.AsArray().Select(Read)])));
            next = (string?)page["@iot.nextLink"];
        }
        return stations;
    }

    static Stream Read(JsonNode? stream) => new(
        Text(stream!["@iot.id"]),
        Text(stream["name"]),
        Text(stream["ObservedProperty"]!["@iot.id"]),
        Text(stream["ObservedProperty"]!["name"]),
        Text(stream["unitOfMeasurement"]!["symbol"]),
        stream["Observations"]!.AsArray().FirstOrDefault()?["result"] as JsonValue);

    static string Text(JsonNode? node) => node?.ToString() ?? "";
}
