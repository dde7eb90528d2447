using System.Diagnostics;
using NUnit.Framework;

namespace Allmende.Log.Tests;

/// <summary>What the log takes and gives on this machine; run by name, since a shared machine's figures prove nothing.</summary>
[Explicit("measures, does not test")]
sealed class Measured(string kind) : OnEachLog(kind)
{
    [TestCase(200, 8)]
    [TestCase(200, 32)]
    [TestCase(200, 256)]
    [TestCase(10_000, 32)]
    public async Task Appends_and_reads(int bytes, int atOnce)
    {
        const int Records = 60_000;
        var count = bytes > 1000 ? Records / 4 : Records;
        var municipality = Fresh();
        var payload = new byte[bytes];
        await Append(municipality, "k", "warm");
        var waits = new List<double>[atOnce];
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var since = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(sender => Task.Run(async () =>
        {
            var mine = waits[sender] = [];
            for (var n = sender; n < count; n += atOnce)
            {
                var start = Stopwatch.GetTimestamp();
                await Log.AppendAsync(municipality, Topic, "k" + n % 100, payload, CancellationToken.None);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        })));
        var appending = since.Elapsed;
        var cpu = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalMicroseconds / count;
        var sorted = waits.SelectMany(one => one).Order().ToList();

        var member = Join("g");
        await Eventually(() => member.Count > 0, "first record");
        since.Restart();
        var first = member.Count;
        await Eventually(() => member.Count > count, "last record", 60);
        TestContext.Out.WriteLine($"{Kind}: {bytes} B, {atOnce} at once: {count / appending.TotalSeconds:0} appends/s, p50 {sorted[sorted.Count / 2]:0.00} ms, "
            + $"p99 {sorted[sorted.Count * 99 / 100]:0.00} ms, {cpu:0} µs CPU each; {(count - first) / since.Elapsed.TotalSeconds:0} read/s");
    }

    [Test]
    public async Task From_append_to_handler_at_a_low_rate()
    {
        var municipality = Fresh();
        var arrived = new SemaphoreSlim(0);
        Join("g", (batch, _) => { arrived.Release(batch.Records.Count); return Task.CompletedTask; });
        await Append(municipality, "k", "warm");
        await arrived.WaitAsync();
        var waits = new List<double>();
        for (var n = 0; n < 200; n++)
        {
            await Task.Delay(10);
            var since = Stopwatch.GetTimestamp();
            await Append(municipality, "k", "x");
            await arrived.WaitAsync();
            waits.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
        }
        waits.Sort();
        TestContext.Out.WriteLine($"{Kind}: from append to handler p50 {waits[100]:0.00} ms, p99 {waits[198]:0.00} ms");
    }
}
