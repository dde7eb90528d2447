using System.Globalization;
using System.Text;
using Allmende.Log.Tests.Engines;
using Allmende.Platform.Log;
using NUnit.Framework;

namespace Allmende.Log.Tests;

/// <summary>The contract of the log: what derives from this is run on each implementation, on an engine of its own.</summary>
[TestFixture("redis")]
[TestFixture("kafka")]
abstract class OnEachLog(string kind)
{
    readonly List<Member> members = [];

    protected string Kind => kind;

    protected LogEngine Engine { get; private set; } = null!;

    protected OpenLog Open { get; private set; } = null!;

    protected ILog Log => Open.Log;

    /// <summary>Of this test alone.</summary>
    protected string Topic { get; private set; } = "";

    [OneTimeSetUp]
    public async Task StartEngine()
    {
        Engine = await LogEngine.StartAsync(kind);
        Open = Engine.Open();
    }

    [OneTimeTearDown]
    public async Task EndEngine()
    {
        await Open.DisposeAsync();
        await Engine.DisposeAsync();
    }

    [SetUp]
    public void NameTopic() => Topic = "t" + Guid.NewGuid().ToString("N")[..10];

    [TearDown]
    public async Task EndMembers()
    {
        foreach (var member in members) await member.DisposeAsync();
        members.Clear();
    }

    /// <summary>A municipality of this test alone.</summary>
    protected static string Fresh(string name = "m") => name + "-" + Guid.NewGuid().ToString("N")[..8];

    /// <summary>Starts a member of <paramref name="group"/>; it ends with the test.</summary>
    protected Member Join(string group, LogHandler? handle = null, ILog? log = null)
    {
        var member = new Member(log ?? Log, Topic, group, handle);
        members.Add(member);
        return member;
    }

    protected Task<LogPosition> Append(string municipality, string key, string value) =>
        Log.AppendAsync(municipality, Topic, key, Encoding.UTF8.GetBytes(value), CancellationToken.None);

    /// <summary>Appends <paramref name="count"/> numbered records, spread over ten keys, each key in order.</summary>
    protected Task AppendNumbered(string municipality, int count, int from = 0) => Task.WhenAll(Enumerable.Range(0, 10).Select(async key =>
    {
        for (var n = from + key; n < from + count; n += 10)
            await Append(municipality, "key-" + key.ToString(CultureInfo.InvariantCulture), n.ToString(CultureInfo.InvariantCulture));
    }));

    protected static IEnumerable<string> Numbers(int count) => Enumerable.Range(0, count).Select(n => n.ToString(CultureInfo.InvariantCulture));

    protected static string Text(LogRecord record) => Encoding.UTF8.GetString(record.Payload.Span);

    protected static Task Eventually(Func<bool> isSo, string what, int seconds = 20) =>
        Testing.Eventually.TrueAsync(() => Task.FromResult(isSo()), what, TimeSpan.FromSeconds(seconds));
}
