using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace Allmende.Log.Tests;

/// <summary>What the platform makes of a consumer's exceptions. The topic is the consumer's own, so each test has a municipality of its own instead.</summary>
sealed class When_a_record_is_poison(string kind) : OnEachLog(kind)
{
    [Test]
    public async Task Should_set_it_aside_with_the_reason_and_hold_up_no_other()
    {
        var municipality = Fresh();
        for (var n = 0; n < 40; n++) await AppendUplink(municipality, n is 7 or 23 ? "poison-" + n : "fine-" + n);
        using var service = await StartAsync(record => Text(record).StartsWith("poison", StringComparison.Ordinal) ? new FormatException("secret payload") : null);
        await Eventually(() => service.DoneOf(municipality).Count == 38, "every record that is fine");
        Assert.That(service.DoneOf(municipality), Is.EqualTo(Enumerable.Range(0, 40).Where(n => n is not (7 or 23)).Select(n => "fine-" + n)), "in order, each once");

        var letters = await DeadLettersOf(municipality, 2);
        Assert.Multiple(() =>
        {
            Assert.That(letters.Select(letter => Encoding.UTF8.GetString(letter.Payload)), Is.EquivalentTo(new[] { "poison-7", "poison-23" }));
            Assert.That(letters.Select(letter => (letter.Topic, letter.Key, letter.Type)), Is.All.EqualTo((Topics.Uplinks, "device", "handler_failed")));
            Assert.That(letters.Select(letter => letter.Reason), Is.All.Contain(nameof(FormatException)).And.All.Not.Contain("secret"));
            Assert.That(letters.Select(letter => letter.Id).Distinct().Count(), Is.EqualTo(2));
        });
    }

    [Test]
    public async Task Should_wait_for_an_engine_instead_of_setting_anything_aside()
    {
        var municipality = Fresh();
        await AppendUplink(municipality, "patient");
        var tries = 0;
        using var service = await StartAsync(record => Text(record) == "patient" && Interlocked.Increment(ref tries) < 4 ? new TimeoutException() : null);
        await Eventually(() => service.DoneOf(municipality).Count == 1, "record after the engine is back");
        Assert.That(tries, Is.EqualTo(4));
        Assert.That(await Log.LagAsync(municipality, Topics.DeadLetters, "anybody", CancellationToken.None), Is.Zero, "dead letters");
    }

    [Test]
    public async Task Should_keep_the_largest_that_a_door_takes_whole()
    {
        var municipality = Fresh();
        var payload = new byte[ILog.MaxPayload / 2];
        Random.Shared.NextBytes(payload);
        await Log.AppendAsync(municipality, Topics.Uplinks, "device", payload, CancellationToken.None);
        await Log.AppendAsync(municipality, Topics.Uplinks, "device", new byte[ILog.MaxPayload], CancellationToken.None);
        using var service = await StartAsync(record => record.Payload.Length > 1000 ? new FormatException() : null);

        var letters = await DeadLettersOf(municipality, 2);
        Assert.That(letters[0].Payload, Is.EqualTo(payload));
        Assert.That((letters[1].Payload.Length, letters[1].Reason), Is.EqualTo((0, $"test cannot handle it: FormatException (its {ILog.MaxPayload} bytes are too many to be kept here)")));
    }

    Task AppendUplink(string municipality, string value) => Log.AppendAsync(municipality, Topics.Uplinks, "device", Encoding.UTF8.GetBytes(value), CancellationToken.None);

    async Task<List<DeadLetter>> DeadLettersOf(string municipality, int count)
    {
        var letters = new List<DeadLetter>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await foreach (var batch in Log.TailAsync(municipality, Topics.DeadLetters, Enumerable.Range(0, 8).Select(LogPosition.BeforeFirst).ToList(), limit.Token))
        {
            letters.AddRange(batch.Records.Select(record => JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeadLetter)!));
            if (letters.Count >= count) break;
        }
        return letters;
    }

    async Task<Service> StartAsync(Func<LogRecord, Exception?> fault)
    {
        var host = Host.CreateApplicationBuilder();
        host.Logging.ClearProviders();
        host.Services.AddSingleton(Log).AddSingleton(new Faults(fault)).AddLogConsumer<Consumer>();
        var built = host.Build();
        await built.StartAsync();
        return new Service(built);
    }

    sealed class Service(IHost host) : IDisposable
    {
        public List<string> DoneOf(string municipality) =>
            host.Services.GetRequiredService<Consumer>().Done.Where(entry => entry.Municipality == municipality).Select(entry => entry.Value).ToList();

        public void Dispose()
        {
            host.StopAsync().Wait();
            host.Dispose();
        }
    }

    sealed record Faults(Func<LogRecord, Exception?> Of);

    /// <summary>All or nothing, as a consumer that writes a batch in one transaction.</summary>
    sealed class Consumer(Faults faults) : ILogConsumer
    {
        public static string Topic => Topics.Uplinks;

        public static string Group => "test";

        public ConcurrentQueue<(string Municipality, string Value)> Done { get; } = new();

        public Task HandleAsync(LogBatch batch, CancellationToken cancellation)
        {
            if (batch.Records.Select(faults.Of).FirstOrDefault(fault => fault is not null) is { } fault) throw fault;
            foreach (var record in batch.Records) Done.Enqueue((batch.Municipality, Text(record)));
            return Task.CompletedTask;
        }
    }
}
