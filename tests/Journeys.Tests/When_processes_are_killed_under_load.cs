using System.Diagnostics;
using System.Globalization;

namespace Allmende.Journeys.Tests;

/// <summary>
/// Nothing lost, nothing double: each process gets SIGKILL in turn while uplinks come in. <c>KILL_SECONDS</c> makes it longer (90),
/// <c>KILL_SEED</c> repeats an order of events, <c>KILL_RATE</c> is the load in uplinks a second (100).
/// </summary>
[TestFixture]
public class When_processes_are_killed_under_load
{
    static readonly string[] DataPath = ["ingestion", "streams", "observations", "redis", "postgres", "gateway"];
    static readonly string[] Others = ["identity", "catalog", "opendata", "dashboards", "provider"];

    [Test]
    public async Task Should_have_every_acknowledged_uplink_exactly_once()
    {
        var seed = Setting("KILL_SEED", Random.Shared.Next(1, 1_000_000));
        var time = TimeSpan.FromSeconds(Setting("KILL_SECONDS", 90));
        var random = new Random(seed);
        TestContext.Progress.WriteLine($"killing for {time.TotalSeconds:0} s, KILL_SEED={seed}");
        using var town = await TheInstallation.OnboardAsync();
        var ledger = await Ledger.OpenAsync(town);

        using var stop = new CancellationTokenSource();
        var sending = ledger.SendAsync(Setting("KILL_RATE", 100), stop.Token);
        var kills = await KillAsync(random, time, ledger);
        await stop.CancelAsync();
        await sending.WaitAsync(TimeSpan.FromMinutes(2));

        var balance = await ledger.CloseAsync(TheInstallation.Running.Postgres.ConnectionStringFor(town.Database), TimeSpan.FromMinutes(2));
        TestContext.Out.WriteLine($"{kills} kills in {time.TotalSeconds:0} s, KILL_SEED={seed}{balance}");
        Assert.Multiple(() =>
        {
            Assert.That(kills, Is.GreaterThanOrEqualTo(DataPath.Length));
            Assert.That(balance.Acknowledged, Is.EqualTo(balance.Sent), "uplinks acknowledged in the end");
            Assert.That(balance.Lost, Is.Zero, "acknowledged uplinks that are not stored");
            Assert.That(balance.Double, Is.Zero, "uplinks stored more than once, or with other values");
            Assert.That(balance.Stored, Is.EqualTo(balance.Acknowledged), "what is stored and was acknowledged");
            Assert.That(balance.Read, Is.EqualTo(balance.Stored), "observations that the API lists");
            Assert.That(balance.Counted, Is.EqualTo(balance.Stored), "observations that the API counts");
            Assert.That(balance.DeadLetters, Is.Zero, "good uplinks given up");
        });
    }

    /// <summary>Kills one process after the other until the time is over and each of the data path had its turn; returns how many.</summary>
    static async Task<int> KillAsync(Random random, TimeSpan time, Ledger ledger)
    {
        var (kills, since) = (0, Stopwatch.StartNew());
        for (var round = 0; ; round++)
        {
            // The data path in each round, one of the others with it.
            string[] turn = [.. DataPath, Others[random.Next(Others.Length)]];
            random.Shuffle(turn);
            foreach (var name in turn)
            {
                if (since.Elapsed > time && kills >= DataPath.Length + 1)
                    return kills;
                await Task.Delay(random.Next(200, 3000));
                TestContext.Progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{since.Elapsed.TotalSeconds,6:0.0} s  kill {name} ({ledger.Acknowledged} acknowledged)"));
                var process = TheInstallation.Running[name];
                await process.KillAsync();
                await process.WhenReadyAsync();
                kills++;
            }
        }
    }

    static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
