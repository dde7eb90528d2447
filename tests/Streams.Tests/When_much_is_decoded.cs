using System.Diagnostics;
using Allmende.Streams.Codecs;
using Allmende.Streams.Layouts;
using Allmende.Streams.Library;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

/// <summary>
/// A measurement, not a test of the suite: run it on a quiet machine with
/// <c>dotnet test tests/Streams.Tests -c Release --filter FullyQualifiedName~When_much_is_decoded -- NUnit.ExplicitMode=Relaxed</c>.
/// </summary>
[TestFixture, Explicit("measures")]
public class When_much_is_decoded
{
    const int Batch = 1000, Batches = 60, WarmUp = 20;
    const string Layout = """
        {"layout":[{"field":"temperature","offset":2,"type":"int16be","scale":0.01},{"field":"humidity","offset":4,"type":"uint16be","scale":0.1},
        {"field":"battery","offset":0,"type":"bits","bit":0,"length":14,"bytes":2,"scale":0.001}]}
        """;
    const string Script = "function decodeUplink(i) { return { data: { temperature: (i.bytes[2] << 8 | i.bytes[3]) / 100, humidity: (i.bytes[4] << 8 | i.bytes[5]) / 10 } } }";
    static readonly byte[] Payload = Convert.FromHexString("CBF60B0D0376010ADD7FFF");

    [Test]
    public async Task Should_tell_how_many_calls_a_second_are_answered()
    {
        await using var runner = Runner.Start();
        await MeasureAsync(runner, "codec of the library", new DeviceLibrary().Codecs["dragino-lht65"]);
        await MeasureAsync(runner, "JavaScript of a municipality", Runner.Codec(Script));
        await MeasureAsync(runner, "layout of a municipality", Runner.Codec(Layout) with { Layout = LayoutReader.Read(Layout).Layout });
    }

    static async Task MeasureAsync(CodecRunner runner, string what, Codec codec)
    {
        var calls = Enumerable.Range(0, Batch).Select(_ => new CodecCall(2, Payload, DateTimeOffset.UnixEpoch)).ToList();
        for (var i = 0; i < WarmUp; i++) await runner.DecodeAsync(Runner.Municipality, codec, calls, CancellationToken.None);
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        for (var i = 0; i < Batches; i++)
        {
            var outcomes = await runner.DecodeAsync(Runner.Municipality, codec, calls, CancellationToken.None);
            Assert.That(outcomes.All(outcome => outcome.Fault is null));
        }
        var service = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        await TestContext.Out.WriteLineAsync($"{what}: {Batch * Batches / watch.Elapsed.TotalSeconds:N0} calls/s; the service itself takes {service / (Batch * Batches) * 1e6:N1} µs of processor time a call");
    }
}
