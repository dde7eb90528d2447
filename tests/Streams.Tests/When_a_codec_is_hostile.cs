using System.Diagnostics;
using Allmende.Streams.Codecs;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_a_codec_is_hostile
{
    CodecRunner runner = null!;

    [OneTimeSetUp] public void Start() => runner = Runner.Start(options => options.StrikesToQuarantine = 1000);

    [OneTimeTearDown] public async Task StopAsync() => await runner.DisposeAsync();

    [TestCase("for (;;) {}", "processor time")]
    [TestCase("/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')", "processor time")]
    [TestCase("var all = []; for (;;) all.push(new Array(1000).fill(1))", "processor time|memory")]
    [TestCase("var all = []; for (;;) all.push(new Uint8Array(1e6).fill(1))", "memory|processor time")]
    [TestCase("'x'.repeat(4e8).split('')", "ended the process")]
    [TestCase("new Array(4294967295).indexOf(1)", "ended the process")]
    [TestCase("throw { get message() { for (;;) {} } }", "processor time")]
    public async Task Should_fail_alone_with_the_reason(string evil, string reason)
    {
        var outcomes = await runner.DecodeAllAsync($"function decodeUplink(input) {{ if (input.bytes[0] === 2) {{ {evil} }} return {{ data: {{ first: input.bytes[0] }} }} }}", 1, 2, 3);

        Assert.That(outcomes[0].Data(), Is.EqualTo("""{"first":1}"""));
        Assert.That(outcomes[1].Fault?.Type, Is.EqualTo(CodecFaults.Killed));
        Assert.That(outcomes[1].Fault?.Reason, Does.Match(reason));
        Assert.That(outcomes[2].Data(), Is.EqualTo("""{"first":3}"""));
    }

    [TestCase("throw new Error('no such thing')", "Error: no such thing (line 1, column")]
    [TestCase("throw 'text'", "threw text")]
    [TestCase("throw new Error('x\\n1\\t0\\tR{}\\n1\\tdone\\n')", "Error: x 1 0 R{} 1 done")]
    [TestCase("throw new Proxy({}, { get: function () { throw 1 } })", "threw")]
    [TestCase("return 5", "returned number instead of an object")]
    [TestCase("return null", "returned null instead of an object")]
    [TestCase("", "returned undefined instead of an object")]
    [TestCase("return { data: { self: 1n } }", "BigInt")]
    [TestCase("var ring = {}; ring.ring = ring; return { data: ring }", "circular")]
    [TestCase("return { data: { text: 'x'.repeat(1e6) } }", "longer than 64 kB")]
    [TestCase("return Promise.resolve({ data: {} })", "promise")]
    [TestCase("function down() { return down() + 1 } return down()", "call stack")]
    public async Task Should_say_what_was_wrong(string body, string reason)
    {
        var outcome = await runner.DecodeAsync($"function decodeUplink(input) {{ {body} }}", 1);

        Assert.That(outcome.Fault?.Type, Is.EqualTo(CodecFaults.Threw));
        Assert.That(outcome.Fault?.Reason, Does.Contain(reason));
    }

    [TestCase("function decodeUplink(i) { return { data: { ok: typeof decodeUplink.constructor.constructor('return process')() } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: typeof this.constructor.constructor('return process')() } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: typeof i.constructor.constructor('return this')().process } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: eval('1') } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: require('fs') } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: process.env } } }")]
    [TestCase("function decodeUplink(i) { return { data: { ok: setTimeout(function () {}, 0) } } }")]
    public async Task Should_reach_nothing_outside(string text)
    {
        var outcome = await runner.DecodeAsync(text, 1);

        Assert.That(outcome.Fault?.Reason, Does.Match("Code generation from strings disallowed|is not defined|Cannot read"));
    }

    [Test]
    public async Task Should_see_no_object_of_the_host()
    {
        const string text = """
            function decodeUplink(input) {
              var seen = ['require', 'process', 'Buffer', 'fetch', 'setTimeout', 'queueMicrotask', 'module', 'WebAssembly', 'SharedArrayBuffer', 'Atomics']
                .filter(function (name) { return typeof globalThis[name] !== 'undefined' });
              var frames = [];
              globalThis.Error = { prepareStackTrace: function (e, sites) { return sites } };
              try { null.x } catch (e) {
                if (Array.isArray(e.stack)) e.stack.forEach(function (site) { if (site.getFunction() && site.getFunction() !== decodeUplink) frames.push(String(site.getFunction())) });
              }
              return { data: { seen: seen, frames: frames, caller: decodeUplink.caller === null } };
            }
            """;

        var outcomes = await runner.DecodeAllAsync(text, 1, 2);

        Assert.That(outcomes.Select(outcome => outcome.Data()), Is.All.EqualTo("""{"seen":[],"frames":[],"caller":true}"""));
    }

    [Test]
    public async Task Should_never_run_what_it_leaves_for_later()
    {
        const string text = """
            function decodeUplink(input) {
              import('node:fs').then(function () { for (;;) {} }, function () { for (;;) {} });
              Promise.resolve().then(function () { for (;;) {} });
              return { data: { first: input.bytes[0] } };
            }
            """;

        var outcomes = await runner.DecodeAllAsync(text, 1, 2, 3);

        Assert.That(outcomes.Select(outcome => outcome.Data()), Is.EqualTo(new[] { """{"first":1}""", """{"first":2}""", """{"first":3}""" }));
    }

    [TestCase("count = (typeof count === 'undefined' ? 0 : count) + 1; var result = count", Description = "a global by accident")]
    [TestCase("Array.prototype.count = ([].count || 0) + 1; var result = [].count", Description = "a prototype")]
    [TestCase("if (input.bytes[0] > 1) Array.prototype.count = ([].count || 0) + 1; var result = [].count || 1", Description = "a prototype, but not at first")]
    [TestCase("'use strict'; Object.count = (Object.count || 0) + 1; var result = Object.count", Description = "a built-in")]
    [TestCase("var result = globalThis.count ? 2 : 1; Object.defineProperty(globalThis, 'count', { value: 1 })", Description = "a global that cannot be deleted")]
    [TestCase("var result = RegExp.$1 === 'mark' ? 2 : 1; /(mark)/.exec('mark')", Description = "the last match")]
    [TestCase("calls++; var result = calls", Description = "a variable of the script")]
    [TestCase("Math.round = function () { return 7 }; var result = Math.round(1) === 7 && JSON.count ? 2 : 1; JSON.count = 1", Description = "an overridden function")]
    public async Task Should_leave_nothing_for_the_next_call(string body)
    {
        var outcomes = await runner.DecodeAllAsync($"var calls = 0; function decodeUplink(input) {{ {body}; return {{ data: {{ result: result }} }} }}", 1, 2, 3, 4);

        Assert.That(outcomes.Select(outcome => outcome.Data()), Is.All.EqualTo("""{"result":1}"""));
    }

    [Test]
    public async Task Should_leave_nothing_for_another_codec()
    {
        await runner.DecodeAllAsync("function decodeUplink(i) { Object.prototype.evil = 1; Array.prototype.map = null; JSON.parse = null; return { data: {} } }", 1, 2, 3);

        var outcome = await runner.DecodeAsync("function decodeUplink(i) { return { data: { evil: typeof {}.evil, map: i.bytes.map(function (b) { return b + 1 }) } } }", 1);

        Assert.That(outcome.Data(), Is.EqualTo("""{"evil":"undefined","map":[2]}"""));
    }

    [Test]
    public async Task Should_hold_the_librarys_codecs_to_the_same_limits_though_they_share_a_world()
    {
        var shipped = new Codec("shipped", "function decodeUplink(i) { if (i.bytes[0] === 2) for (;;) {} left = 1; Object.prototype.evil = 1; return { data: { first: i.bytes[0] } } }");
        var other = new Codec("other", "function decodeUplink(i) { return { data: { left: typeof left, evil: typeof {}.evil, process: typeof process } } }");
        var calls = new byte[] { 1, 2, 3 }.Select(first => new CodecCall(1, new[] { first })).ToList();

        var outcomes = await runner.DecodeAsync(Runner.Municipality, shipped, calls, CancellationToken.None);
        var after = await runner.DecodeAsync(Runner.Municipality, other, [calls[0]], CancellationToken.None);

        Assert.That((outcomes[0].Data(), outcomes[1].Fault?.Type, outcomes[2].Data()), Is.EqualTo(("""{"first":1}""", CodecFaults.Killed, """{"first":3}""")));
        Assert.That(after[0].Data(), Is.EqualTo("""{"left":"undefined","evil":"undefined","process":"undefined"}"""));
    }

    [Test]
    public async Task Should_keep_working_polyfills_and_own_methods()
    {
        const string text = """
            Object.defineProperty(Object, 'assign', { writable: true, configurable: true, value: function () { return { polyfilled: true } } });
            function decodeUplink(input) { var o = {}; o.toString = function () { return 'mine' }; var d = Object.assign({}); d.text = '' + o; return { data: d } }
            """;

        var outcomes = await runner.DecodeAllAsync(text, 1, 2);

        Assert.That(outcomes.Select(outcome => outcome.Data()), Is.All.EqualTo("""{"polyfilled":true,"text":"mine"}"""));
    }

    [Test]
    public async Task Should_not_hold_up_another_municipality_for_long()
    {
        var loop = Runner.Codec("function decodeUplink() { for (;;) {} }", "loop");
        var good = new Codec("good", "function decodeUplink(i) { return { data: { first: i.bytes[0] } } }", "nachbardorf");
        await runner.DecodeAsync("nachbardorf", good, [new CodecCall(1, new byte[] { 1 })], CancellationToken.None);
        var looping = runner.DecodeAsync(Runner.Municipality, loop, Enumerable.Repeat(new CodecCall(1, new byte[] { 1 }), 20).ToList(), CancellationToken.None);

        var watch = Stopwatch.StartNew();
        var calls = Enumerable.Repeat(new CodecCall(1, new byte[] { 1 }), 100).ToList();
        await runner.DecodeAsync("nachbardorf", good, calls, CancellationToken.None);

        Assert.That(looping.IsCompleted, Is.False, $"after {watch.ElapsedMilliseconds} ms the looping codec should still be at it");
        Assert.That((await looping).Select(outcome => outcome.Fault?.Type), Is.All.EqualTo(CodecFaults.Killed));
    }
}
