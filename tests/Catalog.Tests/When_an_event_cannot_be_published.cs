using Allmende.Contracts;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using static Allmende.Catalog.Tests.CatalogUnderTest;

namespace Allmende.Catalog.Tests;

[TestFixture]
public class When_an_event_cannot_be_published
{
    [Test]
    public async Task Should_keep_the_change_and_publish_it_later()
    {
        var bus = new BrokenBus();
        await using var catalog = await StartAsync(replace: services => services.AddSingleton<IEventBus>(provider => bus.Behind(provider.GetRequiredService<ILog>())));
        var town = (await catalog.Service.OnboardAsync()).Id;
        await catalog.RegisterAsync(town, Device("pegel-1"));
        await catalog.DatasetAsync(town, "pegel");
        using (var answer = await catalog.PatchAsync(town, "pegel", """{"access":"restricted"}""")) Assert.That((int)answer.StatusCode, Is.EqualTo(200), "the change is made all the same");
        Assert.That(bus.Refused, Is.GreaterThan(0));

        bus.Works = true;
        var announced = await catalog.AnnouncedAsync(town, "pegel", _ => true);
        Assert.That(announced.Access, Is.EqualTo(Access.Restricted), "only the newest state goes out");
    }

    sealed class BrokenBus : IEventBus
    {
        ILog? log;
        public bool Works { get; set; }
        public int Refused { get; private set; }

        public BrokenBus Behind(ILog to)
        {
            log = to;
            return this;
        }

        public async Task PublishAsync(CloudEvent domainEvent, CancellationToken cancellation)
        {
            if (!Works)
            {
                Refused++;
                throw new LogUnavailableException("broken for a test");
            }
            await log!.AppendAsync(domainEvent.Municipality, Topics.Events, domainEvent.Subject,
                System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(domainEvent, ContractsJson.Default.CloudEvent), cancellation);
        }
    }
}
