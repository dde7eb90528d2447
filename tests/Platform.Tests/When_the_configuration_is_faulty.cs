using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_the_configuration_is_faulty
{
    [Test]
    public void Should_tell_all_faults_at_once()
    {
        var refusal = Assert.ThrowsAsync<InvalidOperationException>(() => ServiceUnderTest.StartAsync(PlatformNeeds.All, new Dictionary<string, string?>
        {
            ["Platform:InternalKey"] = "short",
            ["Platform:Identity:Issuer"] = "nowhere",
            ["Platform:Log:Partitions"] = "0",
            ["Platform:Log:Gather"] = "-00:00:01",
            ["Platform:Log:RecordEvery"] = "01:00:00",
            ["Platform:DatabasesKept"] = "-1",
            ["Platform:Events:Kind"] = "pigeons",
            ["Platform:Services:catalog"] = "not an address",
        }))!;
        foreach (var fault in new[] { "InternalKey", "Postgres", "Redis", "Partitions", "Log:Gather must be 0 to 5 s", "Log:RecordEvery must be 0 to 5 s", "DatabasesKept", "Events:Kind 'pigeons'", "Issuer", "Services:catalog 'not an address'" })
            Assert.That(refusal.Message, Does.Contain(fault));
    }

    [TestCase("kafka", "Platform:Log:Kafka is not set")]
    [TestCase("rabbits", "Platform:Log:Kind 'rabbits' is neither redis nor kafka")]
    public void Should_ask_for_what_the_log_needs(string kind, string fault) => Assert.That(
        () => ServiceUnderTest.StartAsync(PlatformNeeds.Log, new Dictionary<string, string?> { ["Platform:Log:Kind"] = kind }),
        Throws.InvalidOperationException.With.Message.Contains(fault));

    [Test]
    public async Task Should_ask_for_nothing_that_the_service_does_not_use()
    {
        await using var service = await ServiceUnderTest.StartAsync(PlatformNeeds.None);
        Assert.That(await service.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative)), Is.EqualTo("""{"status":"ready"}"""));
    }
}
