using Allmende.Ingestion.Watch;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>The rules alone: what one uplink after the other says.</summary>
[TestFixture]
public class When_uplinks_tell_of_a_devices_condition
{
    static readonly DateTime Start = new(2026, 3, 2, 10, 0, 0, DateTimeKind.Utc);
    static readonly WatchOptions Limits = new();

    /// <summary>Uplinks a minute apart: the counter, or <c>counter@minute</c> at which it says that it was sent, or <c>counter=id</c>.</summary>
    static DeviceSigns After(string uplinks)
    {
        var signs = new DeviceSigns();
        var minute = 0;
        foreach (var uplink in uplinks.Split(' '))
        {
            var counter = uplink.Split('@', '=')[0];
            var sent = uplink.Contains('@') ? int.Parse(uplink.Split('@')[1], null) : minute;
            var id = uplink.Contains('=') ? uplink.Split('=')[1] : $"{uplink} of minute {minute}";
            signs = signs.After(new UplinkSign(Start.AddMinutes(minute), id, Start.AddMinutes(sent), counter == "-" ? null : long.Parse(counter, null)), Limits);
            minute++;
        }
        return signs;
    }

    [TestCase("5 6 7", 0, ExpectedResult = 7)]
    [TestCase("5 7 - 10", 3, ExpectedResult = 10)]
    [TestCase("5 20", 14, ExpectedResult = 20)]
    [TestCase("105 108 106@1 107@1 109", 0, ExpectedResult = 109, Description = "what comes late is not lost")]
    [TestCase("5=a 5=a 5=a 6", 0, ExpectedResult = 6, Description = "sent again by the network server")]
    [TestCase("65534 65535 1", 1, ExpectedResult = 1, Description = "16 bits")]
    [TestCase("65534 65535 65536", 0, ExpectedResult = 65536, Description = "32 bits")]
    public long? Should_count_lost_frames(string uplinks, long lost)
    {
        var signs = After(uplinks);
        Assert.That(signs.Lost, Is.EqualTo(lost));
        Assert.That((signs.RestartedAt, signs.ReplayedAt), Is.EqualTo(((DateTime?)null, (DateTime?)null)));
        return signs.FCnt;
    }

    [TestCase("5 15", null)]
    [TestCase("5 16", null)]
    [TestCase("5 17", 11L)]
    [TestCase("5 17 18 19", 11L)]
    public void Should_notice_a_jump(string uplinks, long? jump)
    {
        var signs = After(uplinks);
        Assert.That((signs.Jump, signs.JumpedAt), Is.EqualTo((jump, jump is null ? null : (DateTime?)Start.AddMinutes(1))));
    }

    [TestCase("500 0", 0)]
    [TestCase("500 3 4", 4)]
    [TestCase("500 90 91 92", 92, Description = "its first frames were not heard")]
    public void Should_notice_a_restart(string uplinks, long counter)
    {
        var signs = After(uplinks);
        Assert.That((signs.FCnt, signs.Lost, signs.RestartedAt is not null), Is.EqualTo(((long?)counter, 0L, true)));
    }

    [TestCase("500=a 500=b", 500)]
    [TestCase("500 490 501", 501)]
    [TestCase("500 490 480", 500)]
    public void Should_notice_a_replay(string uplinks, long counter)
    {
        var signs = After(uplinks);
        Assert.That((signs.FCnt, signs.Lost, signs.ReplayedAt, signs.RestartedAt), Is.EqualTo(((long?)counter, 0L, signs.ReplayedAt ?? Start, (DateTime?)null)));
        Assert.That(signs.ReplayedAt, Is.Not.Null);
    }

    [Test]
    public void Should_take_a_flood_for_the_frames_that_it_was()
    {
        var signs = new DeviceSigns().After(new UplinkSign(Start, "a", Start, 1), Limits).After(new UplinkSign(Start, "b", Start, 100, Frames: 98), Limits);
        Assert.That(signs.Lost, Is.EqualTo(1));
    }

    [TestCase(-97, 6.5, 9, false)]
    [TestCase(-120, 6.5, 9, true)]
    [TestCase(-97, -4.6, 7, true, Description = "SF7 needs -7.5 dB")]
    [TestCase(-97, -4.4, 7, false)]
    [TestCase(-97, -14.4, 11, false)]
    [TestCase(-97, 10, 12, true)]
    [TestCase(null, -16.9, null, false)]
    [TestCase(null, -17.1, null, true)]
    public void Should_tell_a_weak_signal_from_a_good_one(double? rssi, double? snr, int? spreadingFactor, bool weak)
    {
        var sign = new UplinkSign(Start, "a", Start, null, rssi, snr, spreadingFactor);
        Assert.That(new DeviceSigns { SignalStreak = -2 }.After(sign, Limits).SignalStreak, Is.EqualTo(weak ? 1 : -3));
        Assert.That(new DeviceSigns { SignalStreak = 2 }.After(sign, Limits).SignalStreak, Is.EqualTo(weak ? 3 : -1));
    }

    [Test]
    public void Should_not_judge_a_signal_that_nobody_measured() =>
        Assert.That(new DeviceSigns { SignalStreak = 4 }.After(new UplinkSign(Start, "a", Start, 1), Limits).SignalStreak, Is.EqualTo(4));

    [Test]
    public void Should_tell_by_how_much_a_clock_is_off() =>
        Assert.That(new DeviceSigns().After(new UplinkSign(Start, "a", Start.AddHours(-2)), Limits).ClockOff, Is.EqualTo(-7200));
}
