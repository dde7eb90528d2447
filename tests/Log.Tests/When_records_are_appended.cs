using System.Diagnostics;
using Allmende.Platform.Log;
using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_records_are_appended(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_keep_the_order_of_a_key()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 1000);
        var member = Join("g");
        await Eventually(() => member.Count >= 1000, "thousandth record");

        Assert.That(member.Values, Is.EquivalentTo(Numbers(1000)));
        foreach (var key in member.Done.GroupBy(entry => entry.Record.Key))
        {
            var numbers = key.Select(entry => int.Parse(Text(entry.Record), System.Globalization.CultureInfo.InvariantCulture)).ToList();
            Assert.That(numbers, Is.Ordered, key.Key);
            Assert.That(key.Select(entry => entry.Record.Position.Partition).Distinct().Count(), Is.EqualTo(1), "partitions of " + key.Key);
            Assert.That(key.Select(entry => entry.Record.Position), Is.Ordered.Ascending, "positions of " + key.Key);
        }
    }

    [Test]
    public async Task Should_give_each_group_everything()
    {
        var municipality = Fresh();
        var (first, second) = (Join("first"), Join("second"));
        await AppendNumbered(municipality, 200);
        await Eventually(() => first.Count >= 200 && second.Count >= 200, "two hundredth record of both groups");

        Assert.That(first.Values, Is.EquivalentTo(Numbers(200)));
        Assert.That(second.Values, Is.EquivalentTo(Numbers(200)));
    }

    [Test]
    public async Task Should_give_a_new_group_what_was_there_before_it()
    {
        var municipality = Fresh();
        var early = Join("early");
        await AppendNumbered(municipality, 50);
        await Eventually(() => early.Count >= 50, "fiftieth record");

        var late = Join("late");
        await AppendNumbered(municipality, 50, from: 50);
        await Eventually(() => late.Count >= 100, "hundredth record of the late group");

        Assert.That(late.Values, Is.EquivalentTo(Numbers(100)));
    }

    [Test]
    public async Task Should_go_on_where_the_group_stood()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 50);
        await using (var before = new Member(Log, Topic, "g", null)) await Eventually(() => before.Count >= 50, "fiftieth record");

        await AppendNumbered(municipality, 10, from: 50);
        var after = Join("g");
        await Eventually(() => after.Count >= 10, "records appended meanwhile");

        Assert.That(after.Values, Is.EquivalentTo(Numbers(60).Skip(50)));
    }

    [Test]
    public async Task Should_find_a_new_municipality_by_itself()
    {
        await Append(Fresh(), "k", "old");
        var member = Join("g");
        await Eventually(() => member.Count == 1, "first municipality's record");

        var since = Stopwatch.StartNew();
        var municipality = Fresh();
        await Append(municipality, "k", "new");
        await Eventually(() => member.ValuesOf(municipality).Contains("new"), "record of the new municipality");
        TestContext.Out.WriteLine($"{Kind}: a new municipality was seen after {since.ElapsedMilliseconds} ms");
    }

    [Test]
    public async Task Should_bring_bytes_key_and_trace_as_they_were()
    {
        var bytes = Enumerable.Range(0, 256).Select(b => (byte)b).ToArray();
        using var trace = new Activity("door").SetIdFormat(ActivityIdFormat.W3C).Start();
        var position = await Log.AppendAsync(Fresh(), Topic, "Zähler/7 ", bytes, CancellationToken.None);
        await Log.AppendAsync(Fresh("empty"), Topic, "", ReadOnlyMemory<byte>.Empty, CancellationToken.None);
        var traceparent = trace.Id;
        trace.Stop();
        var member = Join("g");
        await Eventually(() => member.Count == 2, "both records");

        var record = member.Done.Single(entry => !entry.Municipality.StartsWith("empty", StringComparison.Ordinal)).Record;
        Assert.Multiple(() =>
        {
            Assert.That(record.Payload.ToArray(), Is.EqualTo(bytes));
            Assert.That(record.Key, Is.EqualTo("Zähler/7 "));
            Assert.That(record.Traceparent, Is.EqualTo(traceparent));
            Assert.That(record.Position, Is.EqualTo(position));
        });
        var empty = member.Done.Single(entry => entry.Municipality.StartsWith("empty", StringComparison.Ordinal)).Record;
        Assert.That((empty.Key, empty.Payload.Length), Is.EqualTo(("", 0)));
    }

    [Test]
    public async Task Should_take_the_largest_payload_and_refuse_a_larger_one()
    {
        var municipality = Fresh();
        var member = Join("g");
        await Log.AppendAsync(municipality, Topic, "k", new byte[ILog.MaxPayload], CancellationToken.None);
        Assert.That(() => Log.AppendAsync(municipality, Topic, "k", new byte[ILog.MaxPayload + 1], CancellationToken.None), Throws.ArgumentException);
        await Eventually(() => member.Count == 1, "large record");
        Assert.That(member.Done[0].Record.Payload.Length, Is.EqualTo(ILog.MaxPayload));
    }

    [Test]
    public async Task Should_tell_how_much_a_group_has_not_done()
    {
        var municipality = Fresh();
        Assert.That(await Log.LagAsync(municipality, Topic, "g", CancellationToken.None), Is.Zero, "of a topic that is not there");
        await AppendNumbered(municipality, 30);
        Assert.That(await Log.LagAsync(municipality, Topic, "g", CancellationToken.None), Is.EqualTo(30), "of a group that is not there");

        var member = Join("g");
        await Testing.Eventually.TrueAsync(async () => await Log.LagAsync(municipality, Topic, "g", CancellationToken.None) == 0, "lag of nothing");
        Assert.That(member.Count, Is.EqualTo(30));
        await member.DisposeAsync();
        await AppendNumbered(municipality, 7, from: 30);
        Assert.That(await Log.LagAsync(municipality, Topic, "g", CancellationToken.None), Is.EqualTo(7), "while the group is away");
    }
}
