using System.Globalization;
using Allmende.Observations.Webhooks;
using Allmende.Platform.Security;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_a_webhook_points_inside
{
    WebhookReceiver receiver = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync() => receiver = await WebhookReceiver.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await receiver.DisposeAsync();

    [TestCase("http://127.0.0.1:{port}/")]
    [TestCase("http://localhost:{port}/")]
    [TestCase("http://2130706433:{port}/")]
    [TestCase("http://0x7f.1:{port}/")]
    [TestCase("http://[::1]:{port}/")]
    [TestCase("http://[::ffff:127.0.0.1]:{port}/")]
    [TestCase("http://[64:ff9b::7f00:1]:{port}/")]
    [TestCase("http://[2002:7f00:1::]:{port}/")]
    [TestCase("http://10.1.2.3/")]
    [TestCase("http://169.254.169.254/latest/meta-data/")]
    [TestCase("http://[fe80::1]/")]
    [TestCase("http://[fd00::1]/")]
    public async Task Should_go_to_public_addresses_alone_unless_the_operator_says_otherwise(string url)
    {
        using var careful = new WebhookSender(new WebhookOptions());
        var outcome = await careful.SendAsync(url.Replace("{port}", new Uri(receiver.Url).Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), new byte[32], "msg_1", "[]"u8.ToArray(), default);
        Assert.That(outcome.Error, Is.EqualTo("the target has no public address"));
        Assert.That(receiver.Deliveries, Is.Empty);
    }

    [TestCase("8.8.8.8", false)]
    [TestCase("2a00:1450:4001::1", false)]
    [TestCase("172.15.255.255", false)]
    [TestCase("172.16.0.1", true)]
    [TestCase("100.64.0.1", true)]
    [TestCase("0.0.0.0", true)]
    [TestCase("255.255.255.255", true)]
    [TestCase("::", true)]
    [TestCase("64:ff9b::808:808", false)]
    public void Should_know_which_addresses_are_public(string address, bool isPrivate) =>
        Assert.That(PrivateAddresses.Contains(System.Net.IPAddress.Parse(address)), Is.EqualTo(isPrivate));
}
