using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_members_come_and_go(string kind) : OnEachLog(kind)
{
    string directory = "";

    [SetUp]
    public void MakeDirectory() => directory = Directory.CreateTempSubdirectory("allmende-log-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(directory, recursive: true);

    [Test]
    public async Task Should_share_the_partitions_with_one_that_joins()
    {
        var municipalities = Enumerable.Range(0, 6).Select(n => Fresh("m" + n)).ToList();
        foreach (var municipality in municipalities) await Append(municipality, "k", "hello");
        var first = Join("g");
        await Eventually(() => first.Count == 6, "greetings of all municipalities");
        var second = Join("g");

        var n = 0;
        await Testing.Eventually.TrueAsync(async () =>
        {
            n += 10;
            foreach (var municipality in municipalities) await AppendNumbered(municipality, 10, from: n);
            return second.Count > 50 && first.Count > 50;
        }, "share for the second member", TimeSpan.FromSeconds(20));
        var total = 6 + municipalities.Count * n;
        await Eventually(() => Everything(first, second).Count() == total, "every record");

        var firsts = first.Done.TakeLast(30).Select(Partition).ToHashSet();
        Assert.That(second.Done.TakeLast(30).Select(Partition).Where(firsts.Contains), Is.Empty, "partitions that both read at last");

        static (string, int) Partition((string Municipality, Platform.Log.LogRecord Record) entry) => (entry.Municipality, entry.Record.Position.Partition);
    }

    [Test]
    public async Task Should_take_over_what_one_that_leaves_had()
    {
        var municipality = Fresh();
        await Append(municipality, "k", "hello");
        var (first, second) = (Join("g"), Join("g"));
        await Eventually(() => first.Count + second.Count > 0, "greeting");
        await first.DisposeAsync();
        await AppendNumbered(municipality, 100);
        await Eventually(() => second.Values.Distinct().Count() >= 100, "hundredth record after one has left");
    }

    [Test]
    public async Task Should_take_over_from_one_that_is_killed_and_lose_nothing()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 600);
        IReadOnlyList<string> before;
        await using (var killed = ChildMember.Start(Engine, Topic, "g", directory, TimeSpan.FromMilliseconds(2)))
        {
            await Eventually(() => killed.Values.Count >= 100, "hundredth record in the child");
            killed.Kill();
            before = killed.Values;
        }
        var heir = Join("g");
        await Eventually(() => before.Concat(heir.Values).Distinct().Count() == 600, "every record");

        // Which batches come twice is the engine's; that most do not is the group's place at work.
        Assert.That(before, Has.Count.LessThan(600));
        Assert.That(heir.Count, Is.InRange(600 - before.Count, 600 - before.Count + 400));
        TestContext.Out.WriteLine($"{Kind}: {before.Count} done before the kill, {before.Count + heir.Count - 600} came twice");
    }

    [Test]
    public async Task Should_lose_nothing_when_members_are_killed_again_and_again()
    {
        var municipalities = new[] { Fresh("a"), Fresh("b") };
        var children = new List<ChildMember>();
        var appended = 0;
        for (var round = 0; round < 4; round++)
        {
            var child = ChildMember.Start(Engine, Topic, "g", directory, TimeSpan.Zero);
            children.Add(child);
            foreach (var municipality in municipalities) await AppendNumbered(municipality, 200, from: appended);
            appended += 200;
            await Task.Delay(Random.Shared.Next(300, 1500)); // the moment of death is meant to be random
            child.Kill();
        }
        var last = Join("g");
        await Eventually(() => children.SelectMany(child => child.Values).Concat(last.Values).GroupBy(value => value).Count(value => value.Count() >= 2) == appended,
            "every record of both municipalities", 40);
        foreach (var child in children) await child.DisposeAsync();
    }

    [Test]
    public async Task Should_not_set_the_place_back_when_a_paused_one_wakes_up()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 200);
        await using var sleeper = ChildMember.Start(Engine, Topic, "g", directory, TimeSpan.FromMilliseconds(20));
        await Eventually(() => sleeper.Values.Count >= 20, "first batch in the child");
        sleeper.Pause();
        var other = Join("g");
        await Eventually(() => sleeper.Values.Concat(other.Values).Distinct().Count() == 200, "every record", 30);
        await Testing.Eventually.TrueAsync(async () => await Lag() == 0, "lag of nothing");

        sleeper.Continue();
        for (var i = 0; i < 30; i++)
        {
            Assert.That(await Lag(), Is.Zero, "after the sleeper woke up");
            await Task.Delay(100);
        }

        Task<long> Lag() => Log.LagAsync(municipality, Topic, "g", CancellationToken.None);
    }

    static IEnumerable<(string, string)> Everything(params Member[] members) =>
        members.SelectMany(member => member.Done).Select(entry => (entry.Municipality, Text(entry.Record))).Distinct();
}
