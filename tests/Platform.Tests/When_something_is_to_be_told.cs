using System.Collections.Concurrent;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_something_is_to_be_told
{
    static readonly TimeSpan Seldom = TimeSpan.FromMinutes(10);

    MunicipalitiesStandIn identity = null!;
    ServiceUnderTest service = null!;

    [SetUp]
    public async Task StartAsync() => identity = await MunicipalitiesStandIn.StartAsync("musterstadt", "nachbardorf");

    [TearDown]
    public async Task StopAsync()
    {
        await service.DisposeAsync();
        await identity.DisposeAsync();
    }

    [Test]
    public async Task Should_tell_at_the_start_and_when_woken()
    {
        var outbox = await StartAsync(Seldom);
        outbox.Put("musterstadt", "a");
        outbox.Put("musterstadt", "b");
        outbox.Put("musterstadt", "c");
        await outbox.StartAsync(default);
        await ToldAsync(outbox, "a", "b", "c");
        outbox.Put("musterstadt", "d");
        outbox.Wake("musterstadt");
        await ToldAsync(outbox, "a", "b", "c", "d");
        await outbox.StopAsync(default);
    }

    [Test]
    public async Task Should_tell_what_nobody_woke_it_for()
    {
        var outbox = await StartAsync(TimeSpan.FromMilliseconds(300));
        await outbox.StartAsync(default);
        await Eventually.TrueAsync(() => Task.FromResult(outbox.Turns > 2), "a few turns");
        outbox.Put("musterstadt", "left behind");
        await ToldAsync(outbox, "left behind");
        await outbox.StopAsync(default);
    }

    [Test]
    public async Task Should_try_again_until_it_can_be_told()
    {
        var outbox = await StartAsync(Seldom);
        outbox.Broken = 2;
        outbox.Put("musterstadt", "a");
        await outbox.StartAsync(default);
        await ToldAsync(outbox, "a");
        Assert.That(outbox.Broken, Is.Zero);
        await outbox.StopAsync(default);
    }

    [Test]
    public async Task Should_not_have_one_municipality_wait_for_another()
    {
        var outbox = await StartAsync(Seldom);
        outbox.Stuck = "nachbardorf";
        outbox.Put("nachbardorf", "never");
        await outbox.StartAsync(default);
        await Eventually.TrueAsync(() => Task.FromResult(outbox.IsStuck), "the neighbour hangs");
        outbox.Put("musterstadt", "a");
        outbox.Wake("musterstadt");
        await ToldAsync(outbox, "a");
        await outbox.StopAsync(default);
    }

    async Task<Told> StartAsync(TimeSpan sweptEvery)
    {
        service = await ServiceUnderTest.StartAsync(PlatformNeeds.Municipalities, new Dictionary<string, string?> { ["Platform:Services:identity"] = identity.Address });
        return new Told(service.Services.GetRequiredService<Municipalities>(), sweptEvery);
    }

    static Task ToldAsync(Told outbox, params string[] expected) =>
        Eventually.TrueAsync(() => Task.FromResult(outbox.All.SequenceEqual(expected)), string.Join(", ", expected), TimeSpan.FromSeconds(10));

    /// <summary>An outbox in memory, which tells one thing at a time.</summary>
    sealed class Told(Municipalities municipalities, TimeSpan sweptEvery) : Outbox(municipalities, sweptEvery, NullLogger.Instance)
    {
        readonly ConcurrentDictionary<string, ConcurrentQueue<string>> due = new(StringComparer.Ordinal);
        int turns, broken;

        public ConcurrentQueue<string> All { get; } = new();

        public int Turns => Volatile.Read(ref turns);

        /// <summary>So many attempts fail.</summary>
        public int Broken { get => Volatile.Read(ref broken); set => broken = value; }

        /// <summary>Whose outbox never comes to an end.</summary>
        public string? Stuck { get; set; }

        public bool IsStuck { get; private set; }

        public void Put(string municipality, string what) => Of(municipality).Enqueue(what);

        protected override async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
        {
            Interlocked.Increment(ref turns);
            if (municipality == Stuck)
            {
                IsStuck = true;
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            if (municipality == "musterstadt" && Broken > 0)
            {
                Interlocked.Decrement(ref broken);
                throw new IOException("away");
            }
            if (!Of(municipality).TryDequeue(out var what)) return false;
            All.Enqueue(what);
            return true;
        }

        ConcurrentQueue<string> Of(string municipality) => due.GetOrAdd(municipality, static _ => new());
    }
}
