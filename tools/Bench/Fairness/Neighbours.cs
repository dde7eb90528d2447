using System.Diagnostics;
using System.Net;
using Allmende.Bench.Http;
using Allmende.Bench.Measurements;
using Allmende.Bench.Mqtt;

namespace Allmende.Bench.Fairness;

/// <summary>What the neighbours saw in one window.</summary>
/// <param name="Http">Webhooks, through the gateway, until 202.</param>
/// <param name="Mqtt">QoS 1, until PUBACK.</param>
/// <param name="Failed">What was not acknowledged.</param>
sealed record Seen(Latencies Http, Latencies Mqtt, long Failed);

/// <summary>
/// Those who send moderately: some devices by webhook and some by MQTT, each with one message at a time, at a steady rate. The time of a message counts from the
/// moment it was due if its sender was still busy with the one before, else from when it was sent: what the sender's own timer is late is not the platform's.
/// </summary>
sealed class Neighbours(Town town, Uri gateway, int mqttPort)
{
    /// <summary>Senders of either kind.</summary>
    public const int Senders = 5;
    /// <summary>Messages a second of either kind, of all senders together.</summary>
    public const int PerSecond = 100;
    /// <summary>The first device that they speak for; those before are the flood's.</summary>
    const int FirstDevice = 50;

    public async Task<Seen> SendAsync(TimeSpan time)
    {
        var seen = await Task.WhenAll(Enumerable.Range(0, Senders).SelectMany(sender => new[] { Task.Run(() => PostAsync(sender, time)), Task.Run(() => PublishAsync(sender, time)) }));
        var (http, mqtt, failed) = (new Latencies(), new Latencies(), 0L);
        foreach (var one in seen)
        {
            http.Add(one.Http);
            mqtt.Add(one.Mqtt);
            failed += one.Failed;
        }
        return new Seen(http, mqtt, failed);
    }

    async Task<Seen> PostAsync(int sender, TimeSpan time)
    {
        var request = new Request(gateway.Authority);
        using var connection = await Connection.OpenAsync(gateway, CancellationToken.None);
        var device = FirstDevice + sender;
        var (latencies, failed) = await PaceAsync(sender, time, async value => await connection.ExchangeAsync(Uplinks.Write(request, town, device, town.Next(device), 400 + value % 900), CancellationToken.None) == 202);
        return new Seen(latencies, new Latencies(), failed);
    }

    async Task<Seen> PublishAsync(int sender, TimeSpan time)
    {
        var device = FirstDevice + Senders + sender;
        using var client = await Client.ConnectAsync(mqttPort, IPAddress.Loopback, town.Id, town.DeviceKey, $"neighbour-{sender}", 60);
        var uplink = new Uplink(town, device);
        var packet = new byte[uplink.Length];
        var (latencies, failed) = await PaceAsync(sender, time, async value =>
        {
            uplink.Write(packet, town.Next(device), 400 + value % 900);
            await client.SendAsync(packet);
            return await client.AcknowledgedAsync() == 1;
        });
        return new Seen(new Latencies(), latencies, failed);
    }

    static async Task<(Latencies Latencies, long Failed)> PaceAsync(int sender, TimeSpan time, Func<int, Task<bool>> send)
    {
        var (latencies, failed) = (new Latencies(), 0L);
        var step = Stopwatch.Frequency * Senders / PerSecond;
        var began = Stopwatch.GetTimestamp();
        var end = began + (long)(time.TotalSeconds * Stopwatch.Frequency);
        var value = 0;
        // Not all at the same moment.
        for (var due = began + step * sender / Senders; due < end; due += step)
        {
            var from = due;
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } wait)
            {
                await Task.Delay(wait);
                from = Stopwatch.GetTimestamp();
            }
            if (await send(value++)) latencies.AddSince(from);
            else failed++;
        }
        return (latencies, failed);
    }
}
