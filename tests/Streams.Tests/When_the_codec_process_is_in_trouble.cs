using System.Diagnostics;
using Allmende.Streams.Codecs;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_the_codec_process_is_in_trouble
{
    const string Good = "function decodeUplink(i) { var s = 0; for (var k = 0; k < 20000; k++) s += k; return { data: { first: i.bytes[0] } } }";

    [Test]
    public async Task Should_do_again_what_it_was_doing_when_it_was_killed()
    {
        await using var runner = Runner.Start();
        await runner.DecodeAsync(Good, 1);
        var calls = Enumerable.Range(0, 20_000).Select(i => new CodecCall(1, new[] { (byte)i })).ToList();

        var decoding = runner.DecodeAsync(Runner.Municipality, Runner.Codec(Good), calls, CancellationToken.None);
        foreach (var child in Children()) child.Kill();
        var outcomes = await decoding;

        Assert.That(outcomes.Select(outcome => outcome.Data()), Is.EqualTo(calls.Select(call => $$"""{"first":{{call.Bytes.Span[0]}}}""")));
    }

    [Test]
    public async Task Should_say_that_codecs_are_unavailable_where_there_is_no_node()
    {
        await using var runner = Runner.Start(options => options.Node = "no-such-program");

        Assert.That(() => runner.DecodeAsync(Good, 1), Throws.TypeOf<CodecsUnavailableException>().With.Message.Contains("Node.js"));
    }

    [Test]
    public async Task Should_refuse_more_than_may_wait()
    {
        await using var runner = Runner.Start(options => { options.MostWaiting = 200; options.Turn = 100; });
        var many = Enumerable.Repeat(new CodecCall(1, new byte[] { 1 }), 2_000).ToList();
        var waiting = runner.DecodeAsync(Runner.Municipality, Runner.Codec(Good), many, CancellationToken.None);

        Assert.That(() => runner.DecodeAsync(Runner.Municipality, Runner.Codec(Good), many, CancellationToken.None), Throws.TypeOf<CodecsUnavailableException>());
        Assert.That(await waiting, Has.Count.EqualTo(2_000));
    }

    [TestCase("function decodeUplink(input) {\n  return 1 +;\n}", 2, 13)]
    [TestCase("var a = 1; } evil(); {", 1, 12)]
    [TestCase("const a = 1;\nconst a = 2;", 2, 7)]
    public async Task Should_tell_where_a_text_does_not_parse(string text, int line, int column)
    {
        await using var runner = Runner.Start();

        var error = await runner.CheckAsync(Runner.Municipality, Runner.Codec(text), CancellationToken.None);

        Assert.That((error?.Line, error?.Column), Is.EqualTo((line, column)));
    }

    [Test]
    public async Task Should_run_nothing_to_see_whether_a_text_parses()
    {
        await using var runner = Runner.Start();

        Assert.That(await runner.CheckAsync(Runner.Municipality, Runner.Codec("for (;;) {}"), CancellationToken.None), Is.Null);
    }

    static List<Process> Children() =>
        Process.GetProcessesByName("node").Where(process => ParentOf(process.Id) == Environment.ProcessId).ToList();

    static int ParentOf(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
