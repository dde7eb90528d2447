using Allmende.Streams.Codecs;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_a_codec_is_killed_repeatedly
{
    const string Loop = "function decodeUplink(i) { if (i.bytes[0] === 0) for (;;) {} return { data: { first: i.bytes[0] } } }";

    [Test]
    public async Task Should_pause_it_and_no_other()
    {
        var clock = new Clock();
        await using var runner = Runner.Start(clock: clock);

        var outcomes = await runner.DecodeAllAsync(Loop, 0, 0, 0, 0, 1);

        Assert.That(outcomes.Select(outcome => outcome.Fault?.Type), Is.EqualTo(new[]
        {
            CodecFaults.Killed, CodecFaults.Killed, CodecFaults.Killed, CodecFaults.Quarantined, CodecFaults.Quarantined,
        }));
        Assert.That(outcomes[4].Fault?.Reason, Does.Contain("until 2026-01-01T00:00:30Z"));
        Assert.That(runner.QuarantinedUntil(Runner.Municipality, Runner.Codec(Loop)), Is.EqualTo(clock.Now.AddSeconds(30)));
        Assert.That((await runner.DecodeAsync(Loop + "\n", 1)).Data(), Is.EqualTo("""{"first":1}"""), "a corrected text is another codec");

        clock.Now += TimeSpan.FromSeconds(31);
        Assert.That((await runner.DecodeAsync(Loop, 1)).Data(), Is.EqualTo("""{"first":1}"""), "the quarantine is over");

        await runner.DecodeAllAsync(Loop, 0, 0, 0);
        Assert.That(runner.QuarantinedUntil(Runner.Municipality, Runner.Codec(Loop)), Is.EqualTo(clock.Now.AddSeconds(60)), "the next one is twice as long");
    }

    [Test]
    public async Task Should_not_hold_against_it_what_it_was_only_tried_on()
    {
        await using var runner = Runner.Start();
        var calls = Enumerable.Repeat(new CodecCall(1, new byte[] { 0 }), 5).ToList();

        var outcomes = await runner.TryAsync(Runner.Municipality, Runner.Codec(Loop), calls, CancellationToken.None);

        Assert.That(outcomes.Select(outcome => outcome.Fault?.Type), Is.All.EqualTo(CodecFaults.Killed));
        Assert.That(runner.QuarantinedUntil(Runner.Municipality, Runner.Codec(Loop)), Is.Null);
        Assert.That((await runner.DecodeAsync(Loop, 1)).Data(), Is.EqualTo("""{"first":1}"""), "its own messages are still decoded");
    }

    sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
