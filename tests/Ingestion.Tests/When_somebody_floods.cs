using System.Diagnostics;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Mqtt;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Ingestion.Uplinks;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>A municipality or a device that sends as fast as it can and does not care what it is told.</summary>
[TestFixture]
public class When_somebody_floods
{
    const int Pairs = 5, MostRounds = 5, Connections = 48, NeighboursPerSecond = 100, TownPerSecond = 200, RefusalsPerSecond = 50;
    static readonly TimeSpan Window = TimeSpan.FromSeconds(1.5), Beginning = TimeSpan.FromSeconds(0.5);

    static readonly (string, string)[] Limits =
    [
        ("Ingestion:MunicipalityRate:PerSecond", $"{TownPerSecond}"), ("Ingestion:MunicipalityRate:Burst", "200"),
        ("Ingestion:RefusalRate:PerSecond", $"{RefusalsPerSecond}"), ("Ingestion:RefusalRate:Burst", "20"),
        // Nobody decodes here.
        ("Ingestion:MostWaitingUplinks", "100000000"),
    ];

    static int count;

    static string Uplink(string device) => Messages.Plain(device, Interlocked.Increment(ref count));

    /// <summary>
    /// The neighbours' p99 while another town floods, against that while nobody does. It may be a fifth more (that is what is promised), and 8 ms: client, service,
    /// Redis and PostgreSQL share two processors with whatever else a build machine does, a window has 150 messages, so its p99 is the second slowest of them, and
    /// one turn of another process on both processors is 3 to 10 ms. Where the machine is so busy that quiet windows take 70 ms and more, windows differ by a third
    /// among themselves; so it may be half as much again there. Quiet and flooded windows take turns and the medians of five are compared, so that neither a slow minute of
    /// the machine nor one bad window decides; and what is over the bound is measured up to four times more. Without limits the p99 was twice as long, about 10 ms against 21 to
    /// 25: near the bound, for nothing is decoded and stored here. So what a broken limit cannot pass is counted, not timed: that the flood gets what it may and no more,
    /// is told so, and that refusals are few, since they are held back.
    /// </summary>
    [TestCase("HTTP")]
    [TestCase("MQTT")]
    public async Task Should_be_throttled_while_its_neighbours_notice_nothing(string protocol)
    {
        await using var service = await Service.StartAsync(settings: Limits);
        var (quiet, flooding) = (await service.TownAsync(), await service.TownAsync());
        var devices = new List<string>();
        for (var n = 0; n < 6; n++) devices.Add((await quiet.DeviceAsync($"pegel-{n}")).Id);
        for (var n = 0; n < Connections; n++) await flooding.DeviceAsync($"pegel-{n}");
        await SendAsync(service, quiet, devices, TimeSpan.FromSeconds(1));

        var flood = new Flood();
        var (flooded, rounds, isNoticed) = (TimeSpan.Zero, 0, true);
        while (isNoticed && rounds < MostRounds)
        {
            rounds++;
            var (without, with) = (new List<double>(), new List<double>());
            for (var pair = 0; pair < Pairs; pair++)
            {
                without.Add(await SendAsync(service, quiet, devices, Window));
                using var stop = new CancellationTokenSource();
                var since = Stopwatch.StartNew();
                var running = protocol == "HTTP" ? flood.PostAsync(service, flooding, stop.Token) : flood.PublishAsync(service, flooding, stop.Token);
                await Task.Delay(Beginning);
                with.Add(await SendAsync(service, quiet, devices, Window));
                await stop.CancelAsync();
                await running;
                flooded += since.Elapsed;
            }
            var (p99, bound) = (Median(with), Math.Max(1.2 * Median(without) + 8, 1.5 * Median(without)));
            isNoticed = p99 >= bound;
            TestContext.Out.WriteLine($"p99 quiet {Median(without):0.0} ms, flooded {p99:0.0} ms, at most {bound:0.0} ms; taken {flood.Taken}, refused {flood.Refused} in {flooded.TotalSeconds:0.0} s");
        }

        using var all = Assert.EnterMultipleScope();
        Assert.That(flood.Refused, Is.Positive, "throttled, by the protocol's own signal");
        Assert.That(flood.Taken, Is.InRange(TownPerSecond / 2 * flooded.TotalSeconds, TownPerSecond * (flooded.TotalSeconds + 3 * Pairs * rounds)), "what it may, and what it had saved");
        Assert.That(flood.Refused, Is.LessThan(RefusalsPerSecond * (flooded.TotalSeconds + 2) + Pairs * rounds * (Connections + 20)), "refusals are held back");
        Assert.That(isNoticed, Is.False, "the neighbours' p99");
    }

    [Test]
    public async Task Should_not_use_up_what_its_fellow_devices_may_send()
    {
        await using var service = await Service.StartAsync(settings:
        [
            ("Ingestion:MunicipalityRate:PerSecond", "1"), ("Ingestion:MunicipalityRate:Burst", "40"), ("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "10"),
            ("Ingestion:LongestHold", "00:00:00"),
        ]);
        var town = await service.TownAsync();
        var own = await town.DeviceAsync("pegel-1");
        await town.DeviceAsync("pegel-2");

        var (byKey, byTown) = (new List<Answer>(), new List<Answer>());
        for (var n = 0; n < 100; n++) byKey.Add(await town.UplinkAsync("json", Uplink("pegel-1"), own.Key));
        for (var n = 0; n < 100; n++) byTown.Add(await town.UplinkAsync("json", Uplink("pegel-1")));

        Assert.That(byKey.Concat(byTown).Count(answer => answer.Status == 429), Is.GreaterThan(150));
        Assert.That(byKey.Concat(byTown).Where(answer => answer.Status == 429), Is.All.Matches<Answer>(answer => answer.RetryAfter >= TimeSpan.FromSeconds(1) && answer.Text("detail") == "of this device"));
        for (var n = 0; n < 8; n++) Assert.That((await town.UplinkAsync("json", Uplink("pegel-2"))).Status, Is.EqualTo(202));
    }

    [Test]
    public void Should_be_limited_as_the_operator_has_set_it_for_the_municipality()
    {
        var options = new IngestionOptions
        {
            MunicipalityRate = new() { PerSecond = 1, Burst = 2 },
            MunicipalityRates = { ["grossstadt"] = new() { PerSecond = 1, Burst = 5 } },
            DeviceRate = new() { PerSecond = 1, Burst = 1 },
            DeviceRates = { ["grossstadt"] = new() { PerSecond = 1, Burst = 3 } },
        };
        using var limits = new RateLimits(options);
        int Taken(string municipality) => Enumerable.Range(0, 10).Count(_ => limits.TryTake(municipality, out var _));
        int TakenOf(string municipality) => Enumerable.Range(0, 10).Count(_ => limits.TryTake(municipality, "pegel-1", out var _));

        Assert.That((Taken("dorf"), Taken("grossstadt")), Is.EqualTo((2, 5)));
        Assert.That((TakenOf("dorf"), TakenOf("grossstadt")), Is.EqualTo((1, 3)));
        Assert.That(options.Faults(), Is.Empty);
        options.MunicipalityRates["dorf"] = new() { PerSecond = 5 };
        Assert.That(options.Faults(), Is.EqualTo(new[] { "Ingestion:MunicipalityRates:dorf must be at least 1 per second with a burst of at least 1" }));
    }

    [Test]
    public async Task Should_have_its_bucket_filled_with_time_and_no_further()
    {
        using var buckets = new TokenBuckets<string>(_ => new RateOptions { PerSecond = 100, Burst = 5 });
        int Taken() => Enumerable.Range(0, 20).Count(_ => buckets.TryTake("a", TimeSpan.Zero, out var _));

        Assert.That(Taken(), Is.InRange(5, 7));
        Assert.That(buckets.TryTake("a", TimeSpan.Zero, out var wait), Is.False);
        Assert.That(wait, Is.GreaterThan(TimeSpan.Zero).And.LessThanOrEqualTo(TimeSpan.FromMilliseconds(10)));
        Assert.That(buckets.TryTake("a", TimeSpan.FromSeconds(1), out _), "on credit");
        Assert.That(buckets.WaitOf("a"), Is.GreaterThan(TimeSpan.Zero));
        await Task.Delay(300);
        Assert.That(buckets.WaitOf("a"), Is.EqualTo(TimeSpan.Zero));
        Assert.That(Taken(), Is.InRange(5, 7), "not what has come together in all that time");
        buckets.GiveBack("a");
        Assert.That(buckets.TryTake("a", TimeSpan.Zero, out _));
    }

    /// <summary>Sends steadily over both protocols and returns the p99 in ms. Nothing may be refused.</summary>
    static async Task<double> SendAsync(Service service, Town town, List<string> devices, TimeSpan time)
    {
        var took = await Task.WhenAll(devices.Select((device, sender) => Task.Run(async () =>
        {
            var times = new List<double>();
            await using var peer = sender % 2 == 0 ? await Peer.ConnectAsync(service.MqttPort, town.Id, town.Key) : null;
            var step = TimeSpan.FromSeconds((double)devices.Count / NeighboursPerSecond);
            var began = Stopwatch.StartNew();
            for (var due = step * sender / devices.Count; due < time; due += step)
            {
                if (due > began.Elapsed) await Task.Delay(due - began.Elapsed);
                var since = Stopwatch.GetTimestamp();
                if (peer is not null) Assert.That(await peer.PublishedAsync($"{town.Id}/devices/{device}/up", Uplink(device)), Is.EqualTo(ReasonCode.Success));
                else Assert.That((await town.UplinkAsync("json", Uplink(device))).Status, Is.EqualTo(202));
                times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            }
            return times;
        })));
        var sorted = took.SelectMany(times => times).Order().ToList();
        return sorted[(int)(sorted.Count * 0.99)];
    }

    static double Median(List<double> figures) => figures.Order().ElementAt(figures.Count / 2);

    /// <summary>As many connections as there are, each with the next message as soon as there is an answer, or over MQTT with many on their way.</summary>
    sealed class Flood
    {
        /// <summary>Of each client; what of it was read when the client is gone is taken all the same, and would count in the next window.</summary>
        const ushort AtOnce = 4;
        int taken, refused;

        public int Taken => taken;

        public int Refused => refused;

        public Task PostAsync(Service service, Town town, CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Connections).Select(number => Task.Run(async () =>
        {
            using var http = new HttpClient { BaseAddress = service.Address };
            http.DefaultRequestHeaders.Add("X-Api-Key", town.Key);
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    using var answer = await http.PostAsync(new Uri($"/{town.Id}/uplinks/json", UriKind.Relative), Town.JsonContent(Uplink($"pegel-{number}")), stop);
                    if ((int)answer.StatusCode == 202) Interlocked.Increment(ref taken);
                    else if ((int)answer.StatusCode == 429 && answer.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1)) Interlocked.Increment(ref refused);
                    else throw new InvalidOperationException($"{answer.StatusCode}");
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        })));

        public Task PublishAsync(Service service, Town town, CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Connections).Select(number => Task.Run(async () =>
        {
            await using var peer = await Peer.ConnectAsync(service.MqttPort, town.Id, town.Key);
            await using var gone = stop.Register(peer.Break);
            var topic = $"{town.Id}/devices/pegel-{number}/up";
            try
            {
                for (ushort id = 1; id <= AtOnce; id++) await peer.PublishAsync(topic, Uplink($"pegel-{number}"), id: id);
                while (!stop.IsCancellationRequested)
                {
                    var ack = await peer.AckAsync(PacketType.PubAck);
                    if (ack.Code == ReasonCode.Success) Interlocked.Increment(ref taken);
                    else if (ack.Code == ReasonCode.QuotaExceeded) Interlocked.Increment(ref refused);
                    else throw new InvalidOperationException($"{ack.Code}");
                    await peer.PublishAsync(topic, Uplink($"pegel-{number}"), id: ack.PacketId);
                }
            }
            catch (Exception fault) when (stop.IsCancellationRequested && fault is not InvalidOperationException)
            {
                // It was told to stop.
            }
        })));
    }
}
