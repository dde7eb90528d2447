using System.Diagnostics;
using Allmende.Platform.Log;
using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_a_handler_is_slow(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_not_delay_another_municipality()
    {
        var (slow, quick) = (Fresh("slow"), Fresh("quick"));
        var release = new TaskCompletionSource();
        await AppendNumbered(slow, 3000);
        await Append(quick, "k", "first");
        var member = Join("g", async (batch, cancellation) =>
        {
            if (batch.Municipality == slow) await release.Task.WaitAsync(cancellation);
        });
        await Eventually(() => member.ValuesOf(quick).Count == 1, "first record of the quick one");

        var waits = new List<double>();
        for (var n = 0; n < 20; n++)
        {
            var since = Stopwatch.GetTimestamp();
            await Append(quick, "k", "n" + n);
            await Eventually(() => member.ValuesOf(quick).Contains("n" + n), "record of the quick one");
            waits.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
        }
        Assert.That(member.ValuesOf(slow), Is.Empty);
        TestContext.Out.WriteLine($"{Kind}: beside a handler that hangs a record took {waits.Order().ElementAt(10):0} ms in the middle, {waits.Max():0} ms at most");
        // The mock cluster answers an empty fetch after 500 ms, whatever came meanwhile.
        Assert.That(waits.Order().ElementAt(10), Is.LessThan(Kind == "kafka" ? 1500 : 250));

        release.SetResult();
        await Eventually(() => member.ValuesOf(slow).Distinct().Count() == 3000, "every record of the slow one");
        Assert.That(member.ValuesOf(slow), Has.Count.EqualTo(3000), "nothing came twice for the waiting");
    }

    [Test]
    public async Task Should_read_no_more_than_its_share_meanwhile()
    {
        const int Records = 3000, Size = 16 * 1024; // 48 MB
        var municipality = Fresh();
        var payload = new byte[Size];
        foreach (var some in Enumerable.Range(0, Records).Chunk(50))
            await Task.WhenAll(some.Select(n => Log.AppendAsync(municipality, Topic, "k" + n % 50, payload, CancellationToken.None)));
        await using var open = Engine.Open(options => options.BatchBytes = 1024 * 1024);
        var release = new TaskCompletionSource();
        var blocked = new TaskCompletionSource();
        var largest = 0;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var member = Join("g", async (batch, cancellation) =>
        {
            largest = Math.Max(largest, batch.Records.Sum(record => record.Payload.Length));
            blocked.TrySetResult();
            await release.Task.WaitAsync(cancellation);
        }, open.Log);
        await blocked.Task;
        await Task.Delay(3000); // time in which it could read all of it
        var read = GC.GetTotalMemory(forceFullCollection: true) - before;

        TestContext.Out.WriteLine($"{Kind}: {read / 1048576.0:0.0} MB of {Records * Size / 1048576} MB were read ahead; largest batch {largest / 1048576.0:0.0} MB");
        Assert.That(read, Is.LessThan(16 * 1024 * 1024));
        Assert.That(largest, Is.LessThanOrEqualTo(1024 * 1024 + Size));
        release.SetResult();
        await Eventually(() => member.Count >= Records, "every record", 30);
        Assert.That(member.Count, Is.EqualTo(Records));
    }

    [Test]
    public async Task Should_do_nothing_of_a_partition_twice_at_once()
    {
        var municipality = Fresh();
        var busy = new System.Collections.Concurrent.ConcurrentDictionary<int, bool>();
        var overlaps = 0;
        LogHandler careful = async (batch, cancellation) =>
        {
            // Heeds no cancellation, as a handler in the middle of a transaction's commit.
            if (!busy.TryAdd(batch.Partition, true)) Interlocked.Increment(ref overlaps);
            await Task.Delay(50, default(CancellationToken));
            busy.TryRemove(batch.Partition, out _);
        };
        await using var small = Engine.Open(options => options.BatchSize = 5);
        var first = Join("g", careful, small.Log);
        await AppendNumbered(municipality, 200);
        await Eventually(() => first.Count > 20, "twenty records");
        var second = Join("g", careful, small.Log);
        await Eventually(() => first.Count + second.Count > 100, "a hundred records");
        await first.DisposeAsync();
        await Eventually(() => first.Values.Concat(second.Values).Distinct().Count() == 200, "every record");
        Assert.That(overlaps, Is.Zero);
    }
}
