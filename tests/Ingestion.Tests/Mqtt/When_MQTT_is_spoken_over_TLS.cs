using System.Diagnostics;
using System.Security.Authentication;
using System.Security.Cryptography;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

[TestFixture]
public class When_MQTT_is_spoken_over_TLS
{
    readonly NodePackages packages = new(Path.Combine(Repository.Root, "tests", "Ingestion.Tests"));
    Authority authority = null!;
    PemFiles files = null!;
    Service service = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start()
    {
        authority = Authority.Root("CA des Rechenzentrums");
        files = new PemFiles().Write(authority.Issue("CN=localhost", Authority.Servers), authority);
        service = await Service.StartAsync(settings: [.. files.Settings, ("Ingestion:Mqtt:ConnectAwaited", "00:00:01"), ("Ingestion:Mqtt:MostWaitingOfAddress", "20")]);
        town = await service.TownAsync();
        device = await town.DeviceAsync();
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        files.Dispose();
        authority.Dispose();
    }

    string Up => $"{town.Id}/devices/pegel-1/up";

    async Task<Peer> ConnectAsync(SslProtocols protocols = SslProtocols.None)
    {
        var peer = await Peer.OpenTlsAsync(service.MqttTlsPort, authority.Certificate, protocols: protocols);
        await peer.LogInAsync(town.Id, device.Key);
        Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success));
        return peer;
    }

    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public async Task Should_take_uplinks_and_passwords_as_without(SslProtocols protocols)
    {
        await using var peer = await ConnectAsync(protocols);
        var value = protocols == SslProtocols.Tls12 ? "12" : "13";
        Assert.That(await peer.PublishedAsync(Up, $$"""{"bytes":"{{value}}"}"""), Is.EqualTo(ReasonCode.Success));
        Assert.That((await town.UplinksAsync()).Select(uplink => Convert.ToHexString(uplink.Bytes!)), Does.Contain(value));
    }

    [TestCase("tlsv1.2")]
    [TestCase("tlsv1.3")]
    public async Task Should_serve_mosquittos(string version)
    {
        string[] who = ["-h", "localhost", "-p", $"{service.MqttTlsPort}", "--cafile", files.Authority, "--tls-version", version, "--tls-alpn", "mqtt", "-u", town.Id, "-P", device.Key, "-q", "1", "-t", Up];
        using var subscriber = Process.Start(new ProcessStartInfo("stdbuf", ["-oL", "mosquitto_sub", .. who, "-d", "-C", "1", "-W", "20"]) { RedirectStandardOutput = true })!;
        var heard = new List<string>();
        while (await subscriber.StandardOutput.ReadLineAsync() is { } line && !line.Contains("Subscribed", StringComparison.Ordinal)) heard.Add(line);

        var (code, output, errors) = await packages.TryAsync("mosquitto_pub", "", [.. who, "-m", """{"bytes":"77"}"""]);

        Assert.That(code, Is.Zero, output + errors);
        while (await subscriber.StandardOutput.ReadLineAsync() is { } line) heard.Add(line);
        Assert.That(heard, Does.Contain("""{"bytes":"77"}"""));
    }

    [Test]
    public async Task Should_speak_no_older_version_and_name_no_authority()
    {
        var (_, old, oldErrors) = await packages.TryAsync("openssl", "", "s_client", "-connect", $"localhost:{service.MqttTlsPort}", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0");
        Assert.That(old + oldErrors, Does.Contain("alert protocol version").Or.Contain("wrong version number").Or.Contain("unsupported protocol"));
        var (_, now, nowErrors) = await packages.TryAsync("openssl", "", "s_client", "-connect", $"localhost:{service.MqttTlsPort}", "-CAfile", files.Authority);
        Assert.That(now + nowErrors, Does.Contain("No client certificate CA names sent").And.Contain("Verification: OK"));
    }

    [Test]
    public async Task Should_show_a_renewed_certificate_and_keep_its_connections()
    {
        await using var before = await ConnectAsync();
        using var renewed = authority.Issue("CN=localhost", Authority.Servers);
        // Half of it is there: what was shown is shown further on.
        await File.WriteAllTextAsync(files.Certificate, renewed.ExportCertificatePem() + "\n");
        await Task.Delay(600);
        await using (var between = await ConnectAsync()) Assert.That(between.Server!.Thumbprint, Is.EqualTo(before.Server!.Thumbprint));

        await File.WriteAllTextAsync(files.Key, PemFiles.KeyOf(renewed));

        await Eventually.TrueAsync(async () =>
        {
            await using var peer = await ConnectAsync();
            return peer.Server!.Thumbprint == renewed.Thumbprint;
        }, "the renewed certificate");
        Assert.That(await before.PublishedAsync(Up, """{"bytes":"05"}"""), Is.EqualTo(ReasonCode.Success));
    }

    [Test]
    public async Task Should_not_mind_who_speaks_none_or_begins_and_does_not_go_on()
    {
        await using var good = await ConnectAsync();
        await using var plain = await Peer.OpenAsync(service.MqttTlsPort);
        await plain.SendAsync(new ConnectPacket { Level = ProtocolLevel.V5, CleanStart = true, KeepAlive = 0, ClientId = "" }.Encode);
        Assert.That(await plain.TryReceiveAsync(), Is.Null, "plain");

        // Beginnings of handshakes: nothing, half a record, a byte now and then.
        var began = Stopwatch.StartNew();
        await using var silent = await Peer.OpenAsync(service.MqttTlsPort);
        await using var half = await Peer.OpenAsync(service.MqttTlsPort);
        await half.SendAsync(Convert.FromHexString("16030100F0010000EC0303"));
        await using var slow = await Peer.OpenAsync(service.MqttTlsPort);
        var dripping = Task.Run(async () =>
        {
            try
            {
                foreach (var one in Convert.FromHexString("16030100F0010000EC0303" + new string('0', 400)))
                {
                    await slow.SendAsync(new[] { one });
                    await Task.Delay(100);
                }
            }
            catch (IOException)
            {
                // Hung up on.
            }
        });
        foreach (var peer in new[] { silent, half, slow }) Assert.That(await peer.TryReceiveAsync(), Is.Null);
        Assert.That(began.Elapsed, Is.LessThan(TimeSpan.FromSeconds(6)));
        await dripping;
        // Done with the handshake, and no CONNECT.
        await using var mute = await Peer.OpenTlsAsync(service.MqttTlsPort, authority.Certificate);
        Assert.That(await mute.TryReceiveAsync(), Is.Null);
        await good.NothingCameAsync();
    }

    [Test]
    public async Task Should_hold_an_address_to_so_many_handshakes_and_make_room_again()
    {
        var waiting = new List<Peer>();
        var isAtOnce = false;
        // On a busy machine the first give up their places before the last has come: then once more.
        for (var attempt = 0; attempt < 5 && !isAtOnce; attempt++)
        {
            foreach (var peer in waiting) await peer.TryReceiveAsync();
            waiting.Clear();
            for (var n = 0; n < 20; n++) waiting.Add(await Peer.OpenAsync(service.MqttTlsPort));
            var refused = await Peer.OpenAsync(service.MqttTlsPort);
            var began = Stopwatch.StartNew();
            Assert.That(await refused.TryReceiveAsync(), Is.Null);
            isAtOnce = began.Elapsed < TimeSpan.FromSeconds(0.9);
        }
        Assert.That(isAtOnce, Is.True, "at once, not after the time for a handshake");
        foreach (var peer in waiting) Assert.That(await peer.TryReceiveAsync(), Is.Null);
        for (var n = 0; n < 25; n++) await (await ConnectAsync()).DisposeAsync();
    }

    [Test]
    public async Task Should_survive_noise_in_and_below_TLS()
    {
        await using var good = await ConnectAsync();
        for (var n = 0; n < 15; n++)
        {
            await using var below = await Peer.OpenAsync(service.MqttTlsPort);
            await below.SendAsync((byte[])[0x16, 3, 1, .. RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(1, 3000))]);
            below.HangUp();
            Assert.That(await below.ClosedAsync(), Is.Null);
            await using var inside = await ConnectAsync();
            await inside.SendAsync(RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(2, 3000)));
            inside.HangUp();
            await inside.ClosedAsync();
        }
        await good.NothingCameAsync();
    }
}
