using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using NUnit.Framework;

namespace Allmende.Log.Tests;

/// <summary>Batches of one record each are dear: who can wait gathers.</summary>
sealed class When_records_come_one_by_one(string kind) : OnEachLog(kind)
{
    static readonly TimeSpan Gather = TimeSpan.FromSeconds(3);

    [Test]
    public async Task Should_gather_them_and_not_delay_who_sends_seldom()
    {
        var (busy, quiet) = (Fresh("busy"), Fresh("quiet"));
        await using var open = Engine.Open(options => (options.Gather, options.Partitions) = (Gather, 1));
        var batches = new ConcurrentQueue<string>();
        var member = Join("g", (batch, _) =>
        {
            batches.Enqueue(batch.Municipality);
            return Task.CompletedTask;
        }, open.Log);
        await AppendAsync(quiet, "long ago");
        await Eventually(() => member.ValuesOf(quiet).Count == 1, "the neighbour is there");
        await Task.Delay(Gather);
        var began = Stopwatch.GetTimestamp();
        await AppendAsync(busy, "first");
        await Eventually(() => member.ValuesOf(busy).Count == 1, "a record that nothing came before is not kept waiting");

        var waited = TimeSpan.Zero;
        for (var n = 0; n < 50; n++)
        {
            await AppendAsync(busy, $"n{n}");
            if (n == 10)
            {
                var since = Stopwatch.GetTimestamp();
                await AppendAsync(quiet, "alone");
                await Eventually(() => member.ValuesOf(quiet).Count == 2, "the neighbour's record");
                waited = Stopwatch.GetElapsedTime(since);
            }
            await Task.Delay(10);
        }
        await Eventually(() => member.ValuesOf(busy).Count == 51, "all of them");

        var most = Stopwatch.GetElapsedTime(began) / Gather + 2;
        TestContext.Out.WriteLine($"{Kind}: 51 records in {batches.Count(town => town == busy)} batches; the neighbour waited {waited.TotalMilliseconds:0} ms");
        Assert.Multiple(() =>
        {
            Assert.That(batches.Count(town => town == busy), Is.LessThanOrEqualTo(most), "one at the beginning, and one each time");
            Assert.That(waited, Is.LessThan(Gather / 2));
        });

        async Task AppendAsync(string municipality, string value) => await open.Log.AppendAsync(municipality, Topic, "k", Encoding.UTF8.GetBytes(value), CancellationToken.None);
    }
}
