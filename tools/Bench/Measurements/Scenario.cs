using Allmende.Bench.Http;

namespace Allmende.Bench.Measurements;

/// <summary>One kind of request that the table has a row for.</summary>
/// <param name="Name">As the table says it.</param>
/// <param name="Service">The service that answers it.</param>
/// <param name="Status">The status of success.</param>
/// <param name="ObservationsPerRequest">Observations that one request stores.</param>
/// <param name="Goal">Observations or requests a second that the issue asks for; null where it asks for none.</param>
/// <param name="Peer">What the best open-source peer did on such a machine; null where it was not measured.</param>
/// <param name="Write">Makes a worker's requests.</param>
sealed record Scenario(
    string Name, string Service, int Status, int ObservationsPerRequest, double? Goal, double? Peer, Func<Town, string, int, Func<Request, ReadOnlyMemory<byte>>> Write)
{
    const int BatchSize = 100;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("POST of one Observation", "observations", 201, 1, 10_000, 3_100, PostOne),
        new("POST of a dataArray of 100", "observations", 201, BatchSize, 100_000, 5_400, PostArray),
        new("POST of The Things Stack's webhook", "ingestion", 202, Town.DatastreamsPerDevice, 6_000, null, PostUplink),
        new("GET of 100 Observations, newest first", "observations", 200, 0, 3_000, 400, GetNewest),
        new("GET of a Thing with $expand", "observations", 200, 0, 4_000, 1_800, GetThing),
    ];

    /// <summary>Whether a rate counts observations rather than requests.</summary>
    public bool CountsObservations => ObservationsPerRequest == BatchSize;

    static Func<Request, ReadOnlyMemory<byte>> PostOne(Town town, string writer, int worker)
    {
        var turn = worker;
        return request =>
        {
            var device = turn++ % town.Devices;
            return request.Post($"/{town.Id}/sta/v1.1/Observations", writer)
                .Text("{\"phenomenonTime\":\"").Time(town.Next(device)).Text("\",\"result\":").Number(400 + turn % 900)
                .Text(".5,\"Datastream\":{\"@iot.id\":\"").Text(Town.DatastreamOf(device)).Text("\"}}").End();
        };
    }

    static Func<Request, ReadOnlyMemory<byte>> PostArray(Town town, string writer, int worker)
    {
        var turn = worker;
        return request =>
        {
            var device = turn++ % town.Devices;
            var first = town.Next(device, BatchSize);
            request.Post($"/{town.Id}/sta/v1.1/CreateObservations", writer).Text("[{\"Datastream\":{\"@iot.id\":\"").Text(Town.DatastreamOf(device))
                .Text("\"},\"components\":[\"phenomenonTime\",\"result\"],\"dataArray@iot.count\":100,\"dataArray\":[");
            for (var i = 0; i < BatchSize; i++)
                request.Text(i == 0 ? "[\"" : ",[\"").Time(first.AddSeconds(i)).Text("\",").Number(400 + (turn + i) % 900).Text(".5]");
            return request.Text("]}]").End();
        };
    }

    static Func<Request, ReadOnlyMemory<byte>> PostUplink(Town town, string writer, int worker)
    {
        var turn = worker;
        return request =>
        {
            var device = turn++ % town.Devices;
            return Uplinks.Write(request, town, device, town.Next(device), 400 + turn % 900);
        };
    }

    static Func<Request, ReadOnlyMemory<byte>> GetNewest(Town town, string writer, int worker)
    {
        var turn = worker;
        return request => request.Get($"/{town.Id}/sta/v1.1/Datastreams('{Town.DatastreamOf(turn++ % town.Devices)}')/Observations?$orderby=phenomenonTime%20desc&$top=100").Bytes;
    }

    static Func<Request, ReadOnlyMemory<byte>> GetThing(Town town, string writer, int worker)
    {
        var turn = worker;
        return request => request.Get($"/{town.Id}/sta/v1.1/Things('{Town.DeviceOf(turn++ % town.Devices)}')?$expand=Datastreams($expand=Sensor,ObservedProperty),Locations").Bytes;
    }
}
