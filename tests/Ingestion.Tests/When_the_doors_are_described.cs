using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_the_doors_are_described
{
    [TestCase("tts")]
    [TestCase("chirpstack")]
    [TestCase("actility")]
    [TestCase("mioty")]
    [TestCase("sensor-community")]
    [TestCase("mapped/{mapping}")]
    [TestCase("json")]
    public async Task Should_show_a_message_that_the_door_takes(string door)
    {
        var service = await Service.SharedAsync();
        var document = (await service.SendAsync(HttpMethod.Get, "/openapi/v1.json", null)).Json;
        var operation = document.GetProperty("paths").GetProperty("/{municipality}/uplinks/" + door).GetProperty("post");
        Assert.That(operation.GetProperty("description").GetString(), Is.Not.Empty);
        var example = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText();
        var town = await service.TownAsync();
        await town.DeviceAsync("esp8266-12331981", Profiles.Decoded);
        await town.DeviceAsync("wetter-rathaus", Profiles.Decoded);
        await town.PostAsync("devices", """{"id":"pegel-1","name":"Pegel","devEui":"70B3D57ED0000001","profile":"gauge"}""", town.Admin);
        await town.PostAsync("devices", """{"id":"mioty-1","name":"Pegel","devEui":"70B3D56770110001","profile":"gauge"}""", town.Admin);
        var mapping = document.GetProperty("paths").GetProperty("/{municipality}/uplink-mappings/{id}").GetProperty("put").GetProperty("requestBody").GetProperty("content")
            .GetProperty("application/json").GetProperty("example").GetRawText();
        Assert.That((await town.PutAsync("uplink-mappings/wetter", mapping, town.Admin)).Status, Is.EqualTo(201));

        var answer = await town.UplinkAsync(door.Replace("{mapping}", "wetter"), example);

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
    }
}
