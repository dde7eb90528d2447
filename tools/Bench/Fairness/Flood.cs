using System.Net;
using System.Net.Sockets;
using Allmende.Bench.Http;
using Allmende.Bench.Mqtt;

namespace Allmende.Bench.Fairness;

/// <summary>
/// Somebody who sends as fast as he can and does not care what he is told: over HTTP the next request as soon as there is an answer, over MQTT as much as the other side
/// lets into its socket. Goes on until it is stopped.
/// </summary>
sealed class Flood(Town town, Func<int, int> deviceOf)
{
    readonly CancellationTokenSource stop = new();
    readonly List<Task> running = [];
    long accepted, refused, broken;

    /// <summary>Messages acknowledged, refused, and connections that were closed, so far.</summary>
    public (long Accepted, long Refused, long Broken) Counts => (Interlocked.Read(ref accepted), Interlocked.Read(ref refused), Interlocked.Read(ref broken));

    public void Post(Uri door, int connections)
    {
        for (var number = 0; number < connections; number++)
        {
            var device = deviceOf(number);
            running.Add(Task.Run(() => AgainAsync(() => PostAsync(door, device))));
        }
    }

    public void Publish(int port, int connections, int atOnce)
    {
        for (var number = 0; number < connections; number++)
        {
            var (device, client) = (deviceOf(number), $"flood-{number}");
            running.Add(Task.Run(() => AgainAsync(() => PublishAsync(port, client, device, atOnce))));
        }
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
        stop.Dispose();
    }

    async Task AgainAsync(Func<Task> connectAsync)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await connectAsync();
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                if (!stop.IsCancellationRequested) Interlocked.Increment(ref broken);
            }
        }
    }

    async Task PostAsync(Uri door, int device)
    {
        var request = new Request(door.Authority);
        using var connection = await Connection.OpenAsync(door, stop.Token);
        for (var value = 0; ; value++)
        {
            var status = await connection.ExchangeAsync(Uplinks.Write(request, town, device, town.Next(device), 400 + value % 900), stop.Token);
            Interlocked.Increment(ref status == 202 ? ref accepted : ref refused);
        }
    }

    async Task PublishAsync(int port, string clientId, int device, int atOnce)
    {
        using var client = await Client.ConnectAsync(port, IPAddress.Loopback, town.Id, town.DeviceKey, clientId, 60);
        await using var gone = stop.Token.Register(client.Dispose);
        var uplink = new Uplink(town, device);
        var packets = new byte[atOnce * uplink.Length];
        for (var (room, value) = (atOnce, 0); ;)
        {
            for (var i = 0; i < room; i++) uplink.Write(packets.AsSpan(i * uplink.Length), town.Next(device), 400 + value++ % 900);
            await client.SendAsync(packets.AsMemory(0, room * uplink.Length));
            room = await client.AcknowledgedAsync();
            Interlocked.Add(ref accepted, room);
        }
    }
}
