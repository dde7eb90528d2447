using System.Collections.Concurrent;
using Allmende.Platform.Log;
using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_a_topic_is_followed(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_begin_with_what_comes_now()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 20);
        await using var tail = Follow(municipality, []);
        await Testing.Eventually.TrueAsync(async () => { await Append(municipality, "k", "now"); return !tail.Records.IsEmpty; }, "record");
        Assert.That(tail.Records.Select(Text).Distinct(), Is.EqualTo(new[] { "now" }));
    }

    [Test]
    public async Task Should_go_on_after_the_places_it_is_given()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 50);
        List<LogPosition> seen;
        await using (var all = Follow(municipality, Enumerable.Range(0, 8).Select(LogPosition.BeforeFirst).ToList()))
        {
            await Eventually(() => all.Records.Count == 50, "every record from the beginning");
            seen = all.Records.GroupBy(record => record.Position.Partition).Select(group => group.Max(record => record.Position)).ToList();
        }
        await AppendNumbered(municipality, 30, from: 50);

        await using var rest = Follow(municipality, seen);
        await Eventually(() => rest.Records.Count == 30, "the rest");
        Assert.That(rest.Records.Select(Text), Is.EquivalentTo(Numbers(80).Skip(50)));
    }

    [Test]
    public async Task Should_begin_where_the_topic_ended_when_asked()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 20);
        var end = await Log.EndAsync(municipality, Topic, CancellationToken.None);
        await AppendNumbered(municipality, 10, from: 20);
        await using var tail = Follow(municipality, end);
        await Eventually(() => tail.Records.Count == 10, "what came after the end");
        Assert.That(tail.Records.Select(Text), Is.EquivalentTo(Numbers(30).Skip(20)));
    }

    [Test]
    public async Task Should_wait_for_a_topic_that_is_not_there()
    {
        var municipality = Fresh();
        await using var tail = Follow(municipality, []);
        await Task.Delay(300);
        await Append(municipality, "k", "first");
        await Append(municipality, "k", "second");
        await Eventually(() => tail.Records.Any(record => Text(record) == "second"), "record");
    }

    [Test]
    public async Task Should_ride_out_a_failure_of_the_engine()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 10);
        await using var tail = Follow(municipality, Enumerable.Range(0, 8).Select(LogPosition.BeforeFirst).ToList());
        await Eventually(() => tail.Records.Count == 10, "records");
        await Engine.TakeDownAsync();
        await Task.Delay(500);
        await Engine.BringBackAsync();
        await Testing.Eventually.TrueAsync(async () =>
        {
            try { await Append(municipality, "k", "after"); return true; }
            catch (LogUnavailableException) { return false; }
        }, "successful append", TimeSpan.FromSeconds(20));
        await Eventually(() => tail.Records.Any(record => Text(record) == "after"), "record after the return");
        Assert.That(tail.Records.Select(Text).Where(value => value != "after"), Is.EquivalentTo(Numbers(10)), "each once");
    }

    Tail Follow(string municipality, IReadOnlyList<LogPosition> from) => new(Log, municipality, Topic, from);

    sealed class Tail : IAsyncDisposable
    {
        readonly CancellationTokenSource stopping = new();
        readonly Task following;

        public Tail(ILog log, string municipality, string topic, IReadOnlyList<LogPosition> from) => following = Task.Run(async () =>
        {
            await foreach (var batch in log.TailAsync(municipality, topic, from, stopping.Token))
                foreach (var record in batch.Records) Records.Enqueue(record);
        });

        public ConcurrentQueue<LogRecord> Records { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await stopping.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopping.Dispose();
        }
    }
}
