using System.Text.Json;
using Allmende.Simulator.LoRaWan;
using Allmende.Simulator.Payloads;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_messages_are_scheduled
{
    static readonly DateTime Start = new(2026, 11, 2, 6, 0, 0, DateTimeKind.Utc);

    static Schedule Town()
    {
        var (plan, world, sensors) = Simulation.Build(Towns.Options());
        return new Schedule(sensors, new Radio(plan, world.Noise.Of("radio")), world.Noise.Of("devices"));
    }

    static string Describe(Transmission sent) =>
        $"{sent.Time:O} {sent.Sensor.Id} {sent.Counter} {sent.Payload.Port} {Convert.ToHexString(sent.Payload.Bytes)} {sent.SpreadingFactor} {string.Join(' ', sent.Receptions)}";

    [Test]
    public void Should_send_the_same_whenever_the_run_began()
    {
        var later = Start.AddHours(5);
        var whole = Town().From(Start).TakeWhile(sent => sent.Time < Start.AddHours(7)).Where(sent => sent.Time >= later).Select(Describe).ToList();
        var resumed = Town().From(later).TakeWhile(sent => sent.Time < Start.AddHours(7)).Select(Describe).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(resumed, Is.EqualTo(whole));
            Assert.That(whole, Has.Count.GreaterThan(1000));
        });
    }

    [Test]
    public void Should_count_frames_without_a_gap_but_where_the_radio_lost_them()
    {
        var sent = Town().From(Start).TakeWhile(one => one.Time < Start.AddHours(48)).GroupBy(one => one.Sensor.Id).ToList();
        var steps = sent.SelectMany(device => device.Zip(device.Skip(1), (a, b) => (long)b.Counter - a.Counter)).Where(step => step > -100).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(steps, Is.All.GreaterThanOrEqualTo(0));
            Assert.That(steps.Count(step => step == 0), Is.InRange(1, steps.Count / 100), "duplicates");
            Assert.That(steps.Count(step => step > 1), Is.InRange(1, steps.Count / 5), "losses");
        });
    }

    [Test]
    public void Should_be_in_the_order_of_time()
    {
        var times = Town().From(Start).Take(5000).Select(sent => sent.Time).ToList();
        Assert.That(times, Is.Ordered);
    }

    [Test]
    public void Should_hear_devices_better_that_are_nearer()
    {
        var sent = Town().From(Start).Take(20_000).Where(one => one.Receptions.Count > 0).ToList();
        double Strength(Func<double, bool> distance) => sent.SelectMany(one => one.Receptions.Select(heard => (heard.Rssi, Distance: heard.Gateway.Spot.DistanceTo(one.Sensor.Spot))))
            .Where(heard => distance(heard.Distance)).Average(heard => heard.Rssi);
        Assert.Multiple(() =>
        {
            Assert.That(Strength(metres => metres < 300), Is.GreaterThan(Strength(metres => metres > 1500) + 10));
            Assert.That(sent.Select(one => one.SpreadingFactor), Is.All.InRange(7, 12));
            Assert.That(sent.Select(one => one.SpreadingFactor).Distinct().Count(), Is.GreaterThan(1));
        });
    }

    [Test]
    public void Should_leave_out_of_the_webhook_what_is_zero()
    {
        var sensor = Simulation.Build(Towns.Options()).Sensors[0];
        var first = new Transmission(sensor, Start, TimeSpan.Zero, 0, new Payload(1, [0]), 7, [new Reception(new Gateway("gw-rathaus", "58A0CBFFFE000001", default), -90, 0)]);
        var message = JsonDocument.Parse(new TtsWebhook("musterstadt", 8.38, 51.9).Body(first)).RootElement.GetProperty("uplink_message");
        Assert.Multiple(() =>
        {
            Assert.That(message.TryGetProperty("f_cnt", out _), Is.False);
            Assert.That(message.GetProperty("rx_metadata")[0].TryGetProperty("snr", out _), Is.False);
            Assert.That(message.GetProperty("frm_payload").GetString(), Is.EqualTo("AA=="));
            Assert.That(message.GetProperty("settings").GetProperty("time").GetString(), Does.StartWith("2026-11-02T06:00:00."));
        });
    }
}
