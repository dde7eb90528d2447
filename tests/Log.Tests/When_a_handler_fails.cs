using System.Collections.Concurrent;
using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_a_handler_fails(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_bring_the_same_records_again_in_order()
    {
        var municipality = Fresh();
        for (var n = 0; n < 20; n++) await Append(municipality, "k", n.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var calls = new ConcurrentQueue<List<string>>();
        var member = Join("g", (batch, _) =>
        {
            calls.Enqueue(batch.Records.Select(Text).ToList());
            return calls.Count <= 3 ? throw new InvalidOperationException("not yet") : Task.CompletedTask;
        });
        await Eventually(() => member.Count == 20, "every record");

        Assert.That(calls.Take(4), Is.All.EqualTo(calls.First()));
        Assert.That(member.Values, Is.EqualTo(Numbers(20)));
    }

    [Test]
    public async Task Should_bring_them_to_the_next_member_when_it_goes_away_failing()
    {
        var municipality = Fresh();
        await AppendNumbered(municipality, 20);
        var failures = 0;
        await using (new Member(Log, Topic, "g", (_, _) => { Interlocked.Increment(ref failures); throw new InvalidOperationException("never"); }))
            await Eventually(() => Volatile.Read(ref failures) > 0, "failure");

        var next = Join("g");
        await Eventually(() => next.Count == 20, "every record");
        Assert.That(next.Values, Is.EquivalentTo(Numbers(20)));
    }

    [Test]
    public async Task Should_not_hold_up_another_municipality()
    {
        var (broken, healthy) = (Fresh("broken"), Fresh("healthy"));
        await AppendNumbered(broken, 20);
        var member = Join("g", (batch, _) => batch.Municipality == broken ? throw new InvalidOperationException("always") : Task.CompletedTask);
        await AppendNumbered(healthy, 200);
        await Eventually(() => member.ValuesOf(healthy).Count == 200, "every record of the healthy municipality");
        Assert.That(member.ValuesOf(broken), Is.Empty);
    }
}
