using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

/// <summary>The contract of domain events, over the log and over Dapr (a stand-in, see <see cref="DaprStandIn"/>).</summary>
[TestFixture("log")]
[TestFixture("dapr")]
sealed class When_events_are_published(string kind)
{
    readonly string municipality = "m" + Guid.NewGuid().ToString("N")[..8];
    readonly Recorder ingestion = new(EventTypes.DatasetChanged), catalog = new(EventTypes.DatasetChanged, EventTypes.DeviceRemoved);
    TestEngines engines = null!;
    DaprStandIn dapr = null!;
    ServiceUnderTest first = null!, second = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        engines = await TestEngines.StartAsync(postgres: false);
        dapr = await DaprStandIn.StartAsync();
        first = await StartServiceAsync("ingestion", ingestion);
        second = await StartServiceAsync("catalog", catalog);
        if (kind != "dapr") return;
        await dapr.AttachAsync(first.Address);
        await dapr.AttachAsync(second.Address);
    }

    [OneTimeTearDown]
    public async Task End()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        await dapr.DisposeAsync();
        await engines.DisposeAsync();
    }

    Task<ServiceUnderTest> StartServiceAsync(string name, Recorder recorder) => ServiceUnderTest.StartAsync(PlatformNeeds.Events | PlatformNeeds.Log, new Dictionary<string, string?>
    {
        ["Platform:Redis"] = engines.Redis.Address,
        ["Platform:Events:Kind"] = kind,
        ["Platform:Events:Dapr"] = dapr.Address,
        ["Platform:Events:DaprApiToken"] = DaprStandIn.ApiToken,
        ["Platform:Events:DaprAppToken"] = DaprStandIn.AppToken,
    }, services => services.AddSingleton<IEventHandler>(recorder), name: name);

    [Test]
    public async Task Should_reach_every_service_that_wants_them_with_the_envelope_as_it_was()
    {
        using var door = new Activity("door").SetIdFormat(ActivityIdFormat.W3C).Start();
        var sent = Event(EventTypes.DatasetChanged, "parken");
        door.Stop();
        await PublishAsync(sent);

        foreach (var recorder in new[] { ingestion, catalog })
        {
            var got = await recorder.GetAsync(sent.Id);
            Assert.Multiple(() =>
            {
                Assert.That(got with { Data = sent.Data }, Is.EqualTo(sent));
                Assert.That(got.DataAs(ContractsJson.Default.DatasetChanged), Is.EqualTo(new DatasetChanged("parken", "Parken", "open", "dl-by-de/2.0")));
                Assert.That((got.SpecVersion, got.DataContentType, got.Source, got.Traceparent), Is.EqualTo(("1.0", "application/json", "/catalog", door.Id)));
            });
        }
    }

    [Test]
    public async Task Should_not_reach_a_handler_that_does_not_want_them()
    {
        var unwanted = Event(EventTypes.DeviceRemoved, "pegel-1");
        await PublishAsync(unwanted);
        var wanted = Event(EventTypes.DatasetChanged, "pegel-1");
        await PublishAsync(wanted);

        await catalog.GetAsync(unwanted.Id);
        await ingestion.GetAsync(wanted.Id);
        Assert.That(ingestion.Done.Select(one => one.Id), Does.Not.Contain(unwanted.Id));
    }

    [Test]
    public async Task Should_come_again_when_a_handler_fails()
    {
        var sent = Event(EventTypes.DatasetChanged, "fails-twice");
        catalog.FailuresOf[sent.Id] = 2;
        await PublishAsync(sent);
        await catalog.GetAsync(sent.Id);
        await ingestion.GetAsync(sent.Id);
        Assert.That(catalog.FailuresOf[sent.Id], Is.Zero);
    }

    [Test]
    public async Task Should_be_set_aside_when_they_are_broken_and_hold_up_nobody()
    {
        const string Broken = """{"specversion":"1.0","type":null}""";
        if (kind == "dapr") dapr.Deliver(EventTypes.DatasetChanged, Broken);
        else await Log.AppendAsync(municipality, Topics.Events, "parken", Encoding.UTF8.GetBytes(Broken), CancellationToken.None);
        var next = Event(EventTypes.DatasetChanged, "parken");
        await PublishAsync(next);

        await catalog.GetAsync(next.Id);
        await ingestion.GetAsync(next.Id);
        await Eventually.TrueAsync(async () => (await SetAsideAsync()).Contains(Broken), "broken event among the dead letters");
    }

    [Test]
    public async Task Should_be_set_aside_when_their_handler_never_manages()
    {
        var sent = Event(EventTypes.DatasetChanged, "hopeless");
        catalog.FailuresOf[sent.Id] = int.MaxValue;
        await PublishAsync(sent);
        await Eventually.TrueAsync(async () => (await SetAsideAsync()).Any(letter => letter.Contains(sent.Id, StringComparison.Ordinal)), "event among the dead letters", TimeSpan.FromSeconds(20));
        await ingestion.GetAsync(sent.Id);
    }

    [Test]
    public async Task Should_take_deliveries_from_the_sidecar_alone()
    {
        using var forged = new StringContent(JsonSerializer.Serialize(Event(EventTypes.DatasetChanged, "forged"), ContractsJson.Default.CloudEvent));
        using var answer = await second.Client.PostAsync(new Uri("/dapr/events", UriKind.Relative), forged);
        Assert.That(answer.StatusCode, Is.EqualTo(kind == "dapr" ? HttpStatusCode.Unauthorized : HttpStatusCode.NotFound));
    }

    ILog Log => first.Services.GetRequiredService<ILog>();

    CloudEvent Event(string type, string subject) => CloudEvent.Of(municipality, "catalog", type, subject,
        new DatasetChanged(subject, "Parken", "open", "dl-by-de/2.0"), ContractsJson.Default.DatasetChanged);

    Task PublishAsync(CloudEvent domainEvent) => first.Services.GetRequiredService<IEventBus>().PublishAsync(domainEvent, CancellationToken.None);

    async Task<IReadOnlyList<string>> SetAsideAsync()
    {
        if (kind == "dapr") return [.. dapr.DeadLetters];
        var letters = new List<string>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        try
        {
            await foreach (var batch in Log.TailAsync(municipality, Topics.DeadLetters, [LogPosition.BeforeFirst(0), LogPosition.BeforeFirst(1)], limit.Token))
                letters.AddRange(batch.Records.Select(record => Encoding.UTF8.GetString(JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeadLetter)!.Payload)));
        }
        catch (OperationCanceledException)
        {
            // That was all there is.
        }
        return letters;
    }

    sealed class Recorder(params string[] types) : IEventHandler
    {
        public IReadOnlyList<string> Types => types;

        public ConcurrentQueue<CloudEvent> Done { get; } = new();

        public ConcurrentDictionary<string, int> FailuresOf { get; } = new();

        public Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
        {
            if (FailuresOf.TryGetValue(domainEvent.Id, out var left) && left > 0)
            {
                FailuresOf[domainEvent.Id] = left - 1;
                throw new InvalidOperationException("not yet");
            }
            Done.Enqueue(domainEvent);
            return Task.CompletedTask;
        }

        public Task<CloudEvent> GetAsync(string id) => Eventually.GetAsync(() => Task.FromResult(Done.FirstOrDefault(one => one.Id == id)), "event " + id);
    }
}
