using Allmende.Contracts;
using NUnit.Framework;
using static Allmende.Catalog.Tests.CatalogUnderTest;

namespace Allmende.Catalog.Tests;

[TestFixture]
public class When_devices_come_and_go
{
    CatalogUnderTest catalog = null!;

    [OneTimeSetUp] public async Task Start() => catalog = await StartAsync();

    [OneTimeTearDown] public async Task Stop() => await catalog.DisposeAsync();

    [Test]
    public async Task Should_make_a_dataset_that_something_else_needs()
    {
        var town = await catalog.Service.OnboardAsync(Access.Internal);
        await catalog.NeedAsync(town.Id, new("sensorthings", "SensorThings"));
        Assert.That(await catalog.AnnouncedAsync(town.Id, "sensorthings", _ => true), Is.EqualTo(new DatasetChanged("sensorthings", "SensorThings", "internal", null)));
        // Whoever asks again did not hear the answer; what somebody has decided meanwhile stays.
        using (var changed = await catalog.PatchAsync(town.Id, "sensorthings", """{"title":"Messnetz","access":"restricted"}""")) Assert.That((int)changed.StatusCode, Is.EqualTo(200));
        var decided = new DatasetChanged("sensorthings", "Messnetz", "restricted", null);
        await catalog.AnnouncedAsync(town.Id, "sensorthings", terms => terms == decided);
        await catalog.NeedAsync(town.Id, new("sensorthings", "SensorThings"));
        var heard = 0;
        await catalog.AnnouncedAsync(town.Id, "sensorthings", terms => terms == decided && ++heard == 2);
    }

    [Test]
    public async Task Should_make_the_dataset_with_the_first_device()
    {
        var town = await catalog.Service.OnboardAsync(Access.Open);
        await catalog.RegisterAsync(town.Id, Device("pegel-1", datastreams:
            [new("pegel-1.distance", "distance", "Abstand", "water_level", "mm", null), new("pegel-1.battery", "battery", "Batterie", "battery_voltage", "V", null)]));

        var dataset = await catalog.DatasetAsync(town.Id, "pegel");
        Assert.Multiple(() =>
        {
            Assert.That((string?)dataset["title"], Is.EqualTo("Pegelstände"));
            Assert.That((string?)dataset["access"], Is.EqualTo("open"));
            Assert.That((string?)dataset["licence"], Is.EqualTo("http://dcat-ap.de/def/licenses/cc-by/4.0"));
            Assert.That((string?)dataset["description"], Does.Contain("Abstand (mm)").And.Contain("Batterie (V)").And.Contain("Ultraschallpegel"));
            Assert.That(dataset["keywords"]!.AsArray().Select(keyword => (string?)keyword), Is.EquivalentTo(new[] { "Abstand", "Batterie", "water_level", "battery_voltage" }));
            Assert.That((int)dataset["things"]!, Is.EqualTo(1));
            Assert.That(dataset["distributions"]!.AsArray().Select(distribution => (string?)distribution!["href"]), Is.EqualTo(new[]
            {
                $"http://localhost:8080/{town.Id}/export/pegel.csv", $"http://localhost:8080/{town.Id}/export/pegel.geojson", $"http://localhost:8080/{town.Id}/sta/v1.1",
            }));
        });
        var announced = await catalog.AnnouncedAsync(town.Id, "pegel", _ => true);
        Assert.That(announced, Is.EqualTo(new DatasetChanged("pegel", "Pegelstände", "open", "http://dcat-ap.de/def/licenses/cc-by/4.0")));
    }

    [Test]
    public async Task Should_keep_new_data_inside_unless_the_municipality_says_otherwise()
    {
        var town = await catalog.Service.OnboardAsync();
        await catalog.RegisterAsync(town.Id, Device("pegel-1"));
        var dataset = await catalog.DatasetAsync(town.Id, "pegel");
        Assert.That((string?)dataset["access"], Is.EqualTo("internal"));
        Assert.That(dataset["licence"], Is.Null);
    }

    [Test]
    public async Task Should_count_each_device_once_however_often_it_is_told()
    {
        var town = await catalog.Service.OnboardAsync();
        for (var i = 0; i < 3; i++) await catalog.RegisterAsync(town.Id, Device("pegel-1"));
        await catalog.RegisterAsync(town.Id, Device("pegel-2", longitude: 8.4));
        await catalog.RegisterAsync(town.Id, Device("pegel-2", longitude: 8.4), type: EventTypes.DeviceChanged);
        // Of the same key as all before it would not do: partitions differ. A device of each partition that comes last shows that all is read.
        await catalog.RegisterAsync(town.Id, Device("last-1", "last"));
        await catalog.RegisterAsync(town.Id, Device("last-2", "last"));
        await catalog.RegisterAsync(town.Id, Device("last-3", "last"));
        await catalog.DatasetAsync(town.Id, "last", dataset => (int)dataset["things"]! == 3);

        var pegel = await catalog.DatasetAsync(town.Id, "pegel", dataset => (int)dataset["things"]! >= 2);
        Assert.That((int)pegel["things"]!, Is.EqualTo(2));
        Assert.That(pegel["bbox"]!.AsArray().Select(number => (double)number!), Is.EqualTo(new[] { 8.38, 51.9, 8.4, 51.9 }));
    }

    [Test]
    public async Task Should_follow_a_device_into_another_dataset_and_out_of_the_town()
    {
        var town = await catalog.Service.OnboardAsync();
        await catalog.RegisterAsync(town.Id, Device("pegel-1"));
        await catalog.DatasetAsync(town.Id, "pegel", dataset => (int)dataset["things"]! == 1);
        await catalog.RegisterAsync(town.Id, Device("pegel-1", "hochwasser", "Hochwasser"), type: EventTypes.DeviceChanged);
        await catalog.DatasetAsync(town.Id, "hochwasser", dataset => (int)dataset["things"]! == 1);
        await catalog.DatasetAsync(town.Id, "pegel", dataset => (int)dataset["things"]! == 0);
        await catalog.RemoveAsync(town.Id, "pegel-1");
        await catalog.DatasetAsync(town.Id, "hochwasser", dataset => (int)dataset["things"]! == 0);
    }

    [Test]
    public async Task Should_not_let_an_older_event_bring_back_a_device_that_is_gone()
    {
        var town = await catalog.Service.OnboardAsync();
        var now = DateTimeOffset.UtcNow;
        await catalog.RegisterAsync(town.Id, Device("pegel-1"), now.AddMinutes(-3));
        await catalog.RemoveAsync(town.Id, "pegel-1", now.AddMinutes(-1));
        await catalog.RegisterAsync(town.Id, Device("pegel-1", "spaet"), now.AddMinutes(-2));
        await catalog.DatasetAsync(town.Id, "spaet");
        Assert.That((int)(await catalog.DatasetAsync(town.Id, "spaet"))["things"]!, Is.Zero);
        Assert.That((int)(await catalog.DatasetAsync(town.Id, "pegel"))["things"]!, Is.Zero);
    }

    [Test]
    public async Task Should_not_take_back_what_people_have_written()
    {
        var town = await catalog.Service.OnboardAsync();
        await catalog.RegisterAsync(town.Id, Device("pegel-1"));
        await catalog.DatasetAsync(town.Id, "pegel");
        using (var answer = await catalog.PatchAsync(town.Id, "pegel", """{"title":"Flusspegel","description":"Von Hand.","keywords":["Fluss"]}"""))
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        await catalog.RegisterAsync(town.Id, Device("pegel-2", title: "Anderer Titel"));
        var dataset = await catalog.DatasetAsync(town.Id, "pegel", dataset => (int)dataset["things"]! == 2);
        Assert.That(((string?)dataset["title"], (string?)dataset["description"], (string?)dataset["keywords"]![0]), Is.EqualTo(("Flusspegel", "Von Hand.", "Fluss")));
    }
}
