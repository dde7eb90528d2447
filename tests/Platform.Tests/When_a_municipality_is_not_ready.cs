using System.Collections.Concurrent;
using Allmende.Contracts;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

/// <summary>Who follows the log must not take a municipality for one that has left, only because this process cannot serve it yet.</summary>
[TestFixture]
sealed class When_a_municipality_is_not_ready
{
    TestEngines engines = null!;
    MunicipalitiesStandIn identity = null!;
    ServiceUnderTest service = null!;
    Broken broken = null!;

    Municipalities Municipalities => service.Services.GetRequiredService<Municipalities>();

    [SetUp]
    public async Task StartAsync()
    {
        engines = await TestEngines.SharedAsync();
        broken = new Broken();
        identity = await MunicipalitiesStandIn.StartAsync();
        service = await ServiceUnderTest.StartAsync(PlatformNeeds.Database | PlatformNeeds.Municipalities, new Dictionary<string, string?>
        {
            ["Platform:Postgres"] = engines.ConnectionString("streams"),
            ["Platform:Services:identity"] = identity.Address,
        }, services => services.AddSingleton<IPrepareMunicipality>(broken));
        await Eventually.TrueAsync(() => Task.FromResult(Municipalities.Loaded), "the first list");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await service.DisposeAsync();
        await identity.DisposeAsync();
    }

    [Test]
    public async Task Should_find_one_that_came_a_moment_ago()
    {
        await Municipalities.RefreshAsync(TimeSpan.Zero, default);
        var town = await engines.CreateMunicipalityAsync();
        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(town));
        Assert.That((await Municipalities.FindUnlessLeftAsync(town, default))?.Id, Is.EqualTo(town), "though the list was read within this second");
    }

    [Test]
    public async Task Should_wait_for_one_whose_database_is_away()
    {
        var town = await engines.CreateMunicipalityAsync();
        broken.Municipality = town;
        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(town));
        var fault = Assert.ThrowsAsync<MunicipalityNotReadyException>(async () => await Municipalities.FindUnlessLeftAsync(town, default));
        Assert.That(Infrastructure.IsAtFault(fault!), "so that it is tried again for as long as it takes");
        broken.Municipality = null;
        await Eventually.TrueAsync(async () => await IsFoundAsync(town), "it is ready");
    }

    async Task<bool> IsFoundAsync(string town)
    {
        try
        {
            return await Municipalities.FindUnlessLeftAsync(town, default) is not null;
        }
        catch (MunicipalityNotReadyException)
        {
            return false;
        }
    }

    [Test]
    public async Task Should_not_keep_others_waiting()
    {
        var (stuck, town) = (await engines.CreateMunicipalityAsync(), await engines.CreateMunicipalityAsync());
        broken.Hanging = stuck;
        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(stuck));
        var waiting = Municipalities.FindUnlessLeftAsync(stuck, default).AsTask();
        await Eventually.TrueAsync(() => Task.FromResult(broken.HasHung), "its database hangs");
        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(town));
        Assert.That((await Municipalities.FindUnlessLeftAsync(town, default).AsTask().WaitAsync(TimeSpan.FromSeconds(10)))?.Id, Is.EqualTo(town));
        Assert.That(await Municipalities.FindAsync("nirgendwo", default).AsTask().WaitAsync(TimeSpan.FromSeconds(10)), Is.Null);
        Assert.That(waiting.IsCompleted, Is.False);
    }

    [Test]
    public async Task Should_know_one_that_has_left()
    {
        var town = await engines.CreateMunicipalityAsync();
        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(town));
        Assert.That(await Municipalities.FindUnlessLeftAsync(town, default), Is.Not.Null);
        lock (identity.Municipalities) identity.Municipalities.Clear();
        await Municipalities.RefreshAsync(TimeSpan.Zero, default);
        Assert.That(await Municipalities.FindUnlessLeftAsync(town, default), Is.Null);

        lock (identity.Municipalities) identity.Municipalities.Add(MunicipalitiesStandIn.Of(town));
        Assert.That(await Municipalities.FindUnlessLeftAsync(town, default), Is.Not.Null);
        Assert.That(broken.Prepared(town), Is.EqualTo(2), "one that comes back has a new database");
    }

    /// <summary>Stands for a database that is away, or does not answer: nothing can be prepared in it.</summary>
    sealed class Broken : IPrepareMunicipality
    {
        public string? Municipality { get; set; }

        public string? Hanging { get; set; }

        public bool HasHung { get; private set; }

        readonly ConcurrentQueue<string> prepared = new();

        public int Prepared(string municipality) => prepared.Count(one => one == municipality);

        public async Task PrepareAsync(Municipality municipality, CancellationToken cancellation)
        {
            prepared.Enqueue(municipality.Id);
            if (municipality.Id == Municipality) throw new IOException("away");
            if (municipality.Id != Hanging) return;
            HasHung = true;
            await Task.Delay(Timeout.Infinite, cancellation);
        }
    }
}
