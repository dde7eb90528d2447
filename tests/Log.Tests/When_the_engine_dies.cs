using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Allmende.Platform.Log;
using NUnit.Framework;

namespace Allmende.Log.Tests;

sealed class When_the_engine_dies(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_say_within_the_time_limit_that_an_append_failed_and_recover()
    {
        var municipality = Fresh();
        await Append(municipality, "k", "before");
        var member = Join("g");
        await Eventually(() => member.Count == 1, "first record");

        await Engine.TakeDownAsync();
        var since = Stopwatch.StartNew();
        Assert.That(() => Append(municipality, "k", "while down"), Throws.TypeOf<LogUnavailableException>());
        Assert.That(since.Elapsed, Is.LessThan(Open.Options.AppendTimeout + TimeSpan.FromSeconds(1)));
        Assert.That(() => Log.PingAsync(CancellationToken.None), Throws.Exception);
        Assert.That(() => Log.LagAsync(municipality, Topic, "g", CancellationToken.None), Throws.TypeOf<LogUnavailableException>());
        await Engine.BringBackAsync();

        since.Restart();
        await AppendUntilItWorks(municipality, "after");
        TestContext.Out.WriteLine($"{Kind}: appends worked again after {since.ElapsedMilliseconds} ms");
        await Eventually(() => member.Values.Contains("after"), "record after the return");
        TestContext.Out.WriteLine($"{Kind}: and were handled after {since.ElapsedMilliseconds} ms");
        await Log.PingAsync(CancellationToken.None);
        Assert.That(member.Running.IsCompleted, Is.False);
    }

    [Test]
    public async Task Should_have_every_record_that_it_confirmed()
    {
        var municipality = Fresh();
        var member = Join("g");
        var confirmed = new ConcurrentBag<string>();
        using var enough = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 8).Select(sender => Task.Run(async () =>
        {
            for (var n = 0; !enough.IsCancellationRequested; n++)
            {
                var value = string.Create(CultureInfo.InvariantCulture, $"{sender}-{n}");
                try
                {
                    await Append(municipality, "k" + sender, value);
                    confirmed.Add(value);
                    await Task.Delay(1);
                }
                catch (LogUnavailableException)
                {
                    await Task.Delay(20);
                }
            }
        })).ToList();

        for (var death = 0; death < 3; death++)
        {
            var before = confirmed.Count;
            await Eventually(() => confirmed.Count > before + 200, "appends");
            await Engine.TakeDownAsync();
            await Task.Delay(200);
            await Engine.BringBackAsync();
        }
        var last = confirmed.Count;
        await Eventually(() => confirmed.Count > last + 200, "appends after the last return");
        await enough.CancelAsync();
        await Task.WhenAll(senders);

        await Eventually(() => confirmed.Except(member.Values).Any() is false, "every confirmed record", 30);
        TestContext.Out.WriteLine($"{Kind}: {confirmed.Count} confirmed, {member.Values.Distinct().Count()} handled, {member.Count - member.Values.Distinct().Count()} of them again");
        await Testing.Eventually.TrueAsync(async () => await Log.LagAsync(municipality, Topic, "g", CancellationToken.None) == 0, "lag of nothing");
    }

    [Test]
    public async Task Should_go_on_when_the_engine_was_not_there_at_the_start()
    {
        await Engine.TakeDownAsync();
        await using var open = Engine.Open();
        var member = Join("g", log: open.Log);
        await Task.Delay(1500);
        await Engine.BringBackAsync();
        var municipality = Fresh();
        await AppendUntilItWorks(municipality, "late");
        await Eventually(() => member.Values.Contains("late"), "record");
    }

    async Task AppendUntilItWorks(string municipality, string value) => await Testing.Eventually.TrueAsync(async () =>
    {
        try { await Append(municipality, "k", value); return true; }
        catch (LogUnavailableException) { return false; }
    }, "successful append", TimeSpan.FromSeconds(20));
}
