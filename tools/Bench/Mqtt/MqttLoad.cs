using System.Diagnostics;
using System.Net;
using Allmende.Bench.Measurements;
using Allmende.Supervisor;

namespace Allmende.Bench.Mqtt;

/// <summary>MQTT QoS 1: each client keeps some messages unacknowledged, as a gateway that has many devices behind it.</summary>
static class MqttLoad
{
    public const string Name = "MQTT QoS 1, 200 bytes";
    public const int Clients = 100;
    public const int AtOnce = 8;
    public const double Goal = 20_000;

    /// <summary>Publishes for so long; what counts is what was acknowledged.</summary>
    public static async Task<LoadResult> RunAsync(Installation installation, Town town, TimeSpan time)
    {
        var port = int.Parse(installation.Access.Mqtt.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        var clients = new List<Client>();
        for (var number = 0; number < Clients; number++)
            clients.Add(await Client.ConnectAsync(port, IPAddress.Loopback, town.Id, town.DeviceKey, $"bench-{number}", 60));
        var processors = new Processors(installation);
        var since = Stopwatch.StartNew();
        var results = await Task.WhenAll(clients.Select((client, number) => Task.Run(() => WorkAsync(client, town, number % town.Devices, since, time))));
        var seconds = since.Elapsed.TotalSeconds;
        var shares = processors.Shares();
        var all = new Latencies();
        foreach (var (latencies, _) in results)
            all.Add(latencies);
        var broken = results.Sum(result => result.Broken);
        return new LoadResult(all.Count, broken == 0 ? new Dictionary<int, long>() : new Dictionary<int, long> { [0] = broken }, seconds, all, shares);
    }

    static async Task<(Latencies Latencies, long Broken)> WorkAsync(Client client, Town town, int device, Stopwatch since, TimeSpan time)
    {
        var latencies = new Latencies();
        var uplink = new Uplink(town, device);
        var packets = new byte[AtOnce * uplink.Length];
        var sentAt = new Queue<long>(AtOnce);
        var value = device;
        using (client)
            try
            {
                for (var room = AtOnce; room > 0 || sentAt.Count > 0;)
                {
                    for (var i = 0; i < room; i++)
                    {
                        uplink.Write(packets.AsSpan(i * uplink.Length), town.Next(device), 400 + value++ % 900);
                        sentAt.Enqueue(Stopwatch.GetTimestamp());
                    }
                    await client.SendAsync(packets.AsMemory(0, room * uplink.Length));
                    var acknowledged = await client.AcknowledgedAsync();
                    for (var i = 0; i < acknowledged; i++)
                        latencies.AddSince(sentAt.Dequeue());
                    room = since.Elapsed < time ? acknowledged : 0;
                }
                return (latencies, 0);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                return (latencies, 1);
            }
    }
}
