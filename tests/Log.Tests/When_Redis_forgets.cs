using Allmende.Log.Tests.Engines;
using Allmende.Platform.Log;
using NUnit.Framework;
using StackExchange.Redis;

namespace Allmende.Log.Tests;

/// <summary>Of Redis alone: a log in memory has to be trimmed by those who read it. Kafka's brokers do this by themselves.</summary>
[TestFixture]
sealed class When_Redis_forgets
{
    const string Topic = "trimmed";
    RedisUnderTest engine = null!;
    ConnectionMultiplexer redis = null!;

    [SetUp]
    public async Task Start()
    {
        engine = await RedisUnderTest.StartAsync();
        redis = await ConnectionMultiplexer.ConnectAsync(engine.Address);
    }

    [TearDown]
    public async Task End()
    {
        redis.Dispose();
        await engine.DisposeAsync();
    }

    [Test]
    public async Task Should_remove_what_is_old_and_done_by_all_groups_and_nothing_else()
    {
        await using var open = engine.Open(options => Configure(options, TimeSpan.Zero));
        await Append(open, 1000);
        var stuck = new TaskCompletionSource();
        await using var quick = new Member(open.Log, Topic, "quick", null);
        await using var slow = new Member(open.Log, Topic, "slow", (batch, cancellation) => Greatest(batch) < 400 ? Task.CompletedTask : stuck.Task.WaitAsync(cancellation));
        await Testing.Eventually.TrueAsync(() => Task.FromResult(quick.Count == 1000 && slow.Count >= 200), "quick group's last record");
        await Testing.Eventually.TrueAsync(async () => await LengthAsync() < 1000 - slow.Count + 200, "trimmed stream");
        var done = slow.Count;
        for (var i = 0; i < 10; i++)
        {
            Assert.That(await LengthAsync(), Is.GreaterThanOrEqualTo(1000 - done), "what the slow group has not done");
            await Task.Delay(100);
        }
        stuck.SetResult();
        await Testing.Eventually.TrueAsync(() => Task.FromResult(slow.Count == 1000), "slow group's last record");
        // A hundred were appended at a time, in no order of their own; the log's order is that of their places.
        Assert.That(slow.Done.Select(entry => BitConverter.ToInt32(entry.Record.Payload.Span)), Is.EquivalentTo(Enumerable.Range(0, 1000)));
        Assert.That(slow.Done.Select(entry => entry.Record.Position), Is.Ordered);
    }

    [Test]
    public async Task Should_tell_what_is_gone_and_say_so_of_nothing_else()
    {
        await using var open = engine.Open(options => { Configure(options, TimeSpan.FromHours(1)); options.RedisMemory = 1; });
        Assert.That(await open.Log.KeptAfterAsync("m", Topic, CancellationToken.None), Is.EqualTo(new[] { LogPosition.BeforeFirst(0) }));
        await Append(open, 1000);
        await using var quick = new Member(open.Log, Topic, "quick", null);
        await Testing.Eventually.TrueAsync(async () => quick.Count == 1000 && await LengthAsync() == 1, "stream without what is done");
        var positions = quick.Done.Select(entry => entry.Record.Position).ToList();
        Assert.That(await open.Log.KeptAfterAsync("m", Topic, CancellationToken.None), Is.EqualTo(new[] { positions[^2] }), "the last record is kept, the one before it is not");
        await RedisLog.TrimAsync(redis.GetDatabase(), "log:m:trimmed:0", new LogPosition(0, long.MaxValue, 0));
        Assert.That(await open.Log.EndAsync("m", Topic, CancellationToken.None), Is.EqualTo(new[] { positions[^1] }), "an empty stream ends where its last record was");
    }

    [Test]
    public async Task Should_go_on_although_a_group_has_done_nothing_of_another_municipality_yet()
    {
        await using var open = engine.Open(options => Configure(options, TimeSpan.Zero));
        foreach (var (municipality, count) in new[] { ("a", 1), ("m", 1000), ("z", 1) }) await Append(open, count, municipality);
        await using var quick = new Member(open.Log, Topic, "quick", (batch, cancellation) => batch.Municipality == "m" ? Task.CompletedTask : Task.Delay(Timeout.Infinite, cancellation));
        await Testing.Eventually.TrueAsync(async () => quick.Count == 1000 && await LengthAsync() < 200, "trimmed stream");
    }

    [Test]
    public async Task Should_keep_what_is_done_as_long_as_the_retention_says()
    {
        await using var open = engine.Open(options => Configure(options, TimeSpan.FromHours(1)));
        await Append(open, 1000);
        await using var quick = new Member(open.Log, Topic, "quick", null);
        await Testing.Eventually.TrueAsync(() => Task.FromResult(quick.Count == 1000), "last record");
        await Task.Delay(1000);
        Assert.That(await LengthAsync(), Is.EqualTo(1000));
    }

    [Test]
    public async Task Should_remove_what_is_done_sooner_when_memory_is_scarce()
    {
        await using var open = engine.Open(options => { Configure(options, TimeSpan.FromHours(1)); options.RedisMemory = 1; });
        await Append(open, 1000);
        await using var quick = new Member(open.Log, Topic, "quick", null);
        await Testing.Eventually.TrueAsync(async () => quick.Count == 1000 && await LengthAsync() < 200, "trimmed stream");
    }

    static void Configure(LogOptions options, TimeSpan retention)
    {
        options.Partitions = 1;
        options.BatchSize = 100;
        options.TrimEvery = TimeSpan.FromMilliseconds(100);
        options.Retention[Topic] = retention;
    }

    static async Task Append(OpenLog open, int count, string municipality = "m")
    {
        foreach (var some in Enumerable.Range(0, count).Chunk(100))
            await Task.WhenAll(some.Select(n => open.Log.AppendAsync(municipality, Topic, "k", BitConverter.GetBytes(n), CancellationToken.None)));
    }

    static int Greatest(LogBatch batch) => batch.Records.Max(record => BitConverter.ToInt32(record.Payload.Span));

    async Task<long> LengthAsync() => (long)await redis.GetDatabase().ExecuteAsync("XLEN", "log:m:trimmed:0");
}
