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
/// Those who send moderately: of each town one device by webhook and one by MQTT, each with one message at a time, at a steady rate. The time of a message counts from the
/// moment it was due if its sender was still busy with the one before, else from when it was sent: what the sender's own timer is late is not the platform's.
/// </summary>
sealed class Neighbours(IReadOnlyList<Town> towns, Uri gateway, int mqttPort)
{
    /// <summary>Messages a second of either kind, of each town.</summary>
    public const int PerSecond = 20;
    /// <summary>Of each town; the first is left to the flood.</summary>
    public const int Devices = 3;
    const int ByWebhook = 1, ByMqtt = 2;

    public async Task<Seen> SendAsync(TimeSpan time)
    {
        var seen = await Task.WhenAll(Enumerable.Range(0, towns.Count).SelectMany(number => new[] { Task.Run(() => PostAsync(number, time)), Task.Run(() => PublishAsync(number, time)) }));
        var (http, mqtt, failed) = (new Latencies(), new Latencies(), 0L);
        foreach (var one in seen)
        {
            http.Add(one.Http);
            mqtt.Add(one.Mqtt);
            failed += one.Failed;
        }
        return new Seen(http, mqtt, failed);
    }

    async Task<Seen> PostAsync(int number, TimeSpan time)
    {
        var town = towns[number];
        var request = new Request(gateway.Authority);
        using var connection = await Connection.OpenAsync(gateway, CancellationToken.None);
        var (latencies, failed) = await PaceAsync(number, time, async value =>
            await connection.ExchangeAsync(Uplinks.Write(request, town, ByWebhook, town.Next(ByWebhook), 400 + value % 900), CancellationToken.None) == 202);
        return new Seen(latencies, new Latencies(), failed);
    }

    async Task<Seen> PublishAsync(int number, TimeSpan time)
    {
        var town = towns[number];
        using var client = await Client.ConnectAsync(mqttPort, IPAddress.Loopback, town.Id, town.DeviceKey, "neighbour", 60);
        var uplink = new Uplink(town, ByMqtt);
        var packet = new byte[uplink.Length];
        var (latencies, failed) = await PaceAsync(number, time, async value =>
        {
            uplink.Write(packet, town.Next(ByMqtt), 400 + value % 900);
            await client.SendAsync(packet);
            return await client.AcknowledgedAsync() == 1;
        });
        return new Seen(new Latencies(), latencies, failed);
    }

    async Task<(Latencies Latencies, long Failed)> PaceAsync(int number, TimeSpan time, Func<int, Task<bool>> send)
    {
        var (latencies, failed) = (new Latencies(), 0L);
        var step = Stopwatch.Frequency / PerSecond;
        var began = Stopwatch.GetTimestamp();
        var end = began + (long)(time.TotalSeconds * Stopwatch.Frequency);
        var value = 0;
        // Not all at the same moment.
        for (var due = began + step * number / towns.Count; due < end; due += step)
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
