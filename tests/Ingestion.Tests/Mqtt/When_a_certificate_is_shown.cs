using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Allmende.Ingestion.Mqtt.Certificates;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>Certificates of clients in place of passwords.</summary>
[TestFixture]
public class When_a_certificate_is_shown
{
    readonly NodePackages packages = new(Path.Combine(Repository.Root, "tests", "Ingestion.Tests"));
    readonly List<IDisposable> made = [];
    Authority server = null!;
    PemFiles files = null!;
    Service service = null!;
    Town town = null!;
    Authority authority = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start()
    {
        server = Authority.Root("CA des Rechenzentrums");
        files = new PemFiles().Write(server.Issue("CN=localhost", Authority.Servers), server);
        service = await Service.StartAsync(settings: [.. files.Settings, ("Ingestion:Mqtt:CredentialCheckedEvery", "00:00:00.5"), ("Ingestion:DevicesRefreshedEvery", "00:00:00.2")]);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        files.Dispose();
        server.Dispose();
    }

    [SetUp]
    public async Task Register()
    {
        town = await service.TownAsync();
        device = await town.DeviceAsync();
        authority = Authority.Root("Geräte-CA");
        await BelieveAsync(town, authority);
    }

    [TearDown]
    public void Clear()
    {
        foreach (var one in made) one.Dispose();
        made.Clear();
        authority.Dispose();
    }

    static async Task BelieveAsync(Town town, Authority authority, string id = "geraete", string speaksFor = "device") =>
        Assert.That((await town.PutAsync($"device-certificate-authorities/{id}", JsonSerializer.Serialize(new { name = "Geräte", speaksFor, certificate = authority.Pem }), town.Admin)).Status, Is.AnyOf(201, 204));

    async Task<Peer> ConnectAsync(X509Certificate2 certificate, string? userName, Authority[]? between = null, ProtocolLevel level = ProtocolLevel.V5, string? password = null)
    {
        made.Add(certificate);
        var peer = await Peer.OpenTlsAsync(service.MqttTlsPort, server.Certificate, level, Authority.Shown(certificate, between ?? []));
        await peer.LogInAsync(userName, password);
        return peer;
    }

    async Task AcceptedAsync(X509Certificate2 certificate, string? userName, params Authority[] between)
    {
        await using var peer = await ConnectAsync(certificate, userName, between);
        Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success));
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));
    }

    async Task RefusedAsync(X509Certificate2 certificate, string? userName, string why, params Authority[] between)
    {
        foreach (var level in new[] { ProtocolLevel.V311, ProtocolLevel.V5 })
        {
            await using var peer = await ConnectAsync(certificate, userName, between, level);
            Assert.That((int)peer.Connected.Code, Is.EqualTo(level == ProtocolLevel.V5 ? 0x87 : 5), why);
            Assert.That(await peer.ClosedAsync(), Is.Null);
        }
    }

    [Test]
    public async Task Should_be_the_device_that_it_names()
    {
        await AcceptedAsync(authority.Issue("CN=pegel-1"), town.Id);
        await AcceptedAsync(authority.Issue($"CN={device.DevEui}"), town.Id);
        await AcceptedAsync(authority.Issue("CN=pegel-1", purpose: null), town.Id);
        await AcceptedAsync(authority.Issue($"CN=pegel-1,O={town.Id}"), null);
        await AcceptedAsync(authority.Issue("CN=Seriennummer 4711", uri: $"urn:allmende:device:{town.Id}:pegel-1"), null);
        await AcceptedAsync(authority.Issue("CN=Seriennummer 4711", uri: $"urn:allmende:device:{town.Id}:pegel-1"), town.Id);
    }

    [Test]
    public async Task Should_have_the_rights_of_the_devices_key_and_no_more()
    {
        await town.DeviceAsync("pegel-2");
        await using var peer = await ConnectAsync(authority.Issue("CN=pegel-1"), town.Id);
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-2/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.NotAuthorized));
        foreach (var (filter, expected) in new[]
        {
            ("devices/pegel-1/down", ReasonCode.GrantedQos1), ("devices/pegel-1/up", ReasonCode.GrantedQos1), ("devices/pegel-2/down", ReasonCode.NotAuthorized), ("devices/+/down", ReasonCode.NotAuthorized),
        })
            Assert.That(await peer.SubscribeAsync($"{town.Id}/{filter}"), Is.EqualTo(expected), filter);
    }

    [Test]
    public async Task Should_lead_to_the_authority_by_what_lies_between_and_to_one_that_is_no_root()
    {
        using var regional = authority.Below("Region");
        using var local = regional.Below("Werk");
        await AcceptedAsync(regional.Issue("CN=pegel-1"), town.Id, regional);
        await RefusedAsync(regional.Issue("CN=pegel-1"), town.Id, "nothing of what lies between was sent");
        // The municipality believes what is in the middle, and not the root above it.
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        await BelieveAsync(elsewhere, regional);
        await using (var peer = await ConnectAsync(local.Issue("CN=pegel-1"), elsewhere.Id, [local])) Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success));
        await using (var peer = await ConnectAsync(local.Issue("CN=pegel-1"), elsewhere.Id, [local, regional, authority])) Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success), "with all that there is");
        await RefusedAsync(authority.Issue("CN=pegel-1"), elsewhere.Id, "signed above what is believed");
        using var forged = Authority.Root("Region");
        await RefusedAsync(forged.Issue("CN=pegel-1"), elsewhere.Id, "an authority that only is called the same", forged);
    }

    [Test]
    public async Task Should_be_believed_in_its_own_municipality_alone()
    {
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        await RefusedAsync(authority.Issue("CN=pegel-1"), elsewhere.Id, "another municipality's authority");
        await RefusedAsync(authority.Issue($"CN=pegel-1,O={elsewhere.Id}"), null, "and named so by itself");
        await RefusedAsync(authority.Issue("CN=x", uri: $"urn:allmende:device:{elsewhere.Id}:pegel-1"), null, "and by a URI");
        using var others = Authority.Root("Geräte-CA der anderen");
        await BelieveAsync(elsewhere, others);
        await RefusedAsync(authority.Issue("CN=pegel-1"), elsewhere.Id, "that has one of its own");
        await RefusedAsync(authority.Issue("CN=x", uri: $"urn:allmende:device:{elsewhere.Id}:pegel-1"), town.Id, "its URI is of another");
        await RefusedAsync(authority.Issue("CN=pegel-1"), "nirgendwo", "there is no such municipality");
        await RefusedAsync(authority.Issue("CN=pegel-1"), null, "nobody says which");
    }

    [Test]
    public async Task Should_refuse_alike_what_is_not_good_enough()
    {
        await town.DeviceAsync("alt");
        await town.PostAsync("devices/alt/state", """{"state":"retired"}""", town.Admin);
        using var stranger = Authority.Root("Fremde");
        using var namesake = Authority.Root("Geräte-CA");
        using var device2 = authority.Below("a");
        using var deeper = device2.Below("b");
        using var deepest = deeper.Below("c");
        foreach (var (certificate, between, why) in new (X509Certificate2, Authority[], string)[]
        {
            (authority.Issue("CN=pegel-1", to: TimeSpan.FromMinutes(-1)), [], "expired"), (authority.Issue("CN=pegel-1", from: TimeSpan.FromHours(1)), [], "not valid yet"),
            (authority.Issue("CN=pegel-1", Authority.Servers), [], "a server's"), (authority.Issue("CN=pegel-9"), [], "no such device"), (authority.Issue("CN=alt"), [], "retired"),
            (authority.Issue("O=pegel-1"), [], "names no device"), (stranger.Issue("CN=pegel-1"), [], "a stranger's"), (namesake.Issue("CN=pegel-1"), [namesake], "a namesake's"),
            (Authority.SelfSigned("CN=pegel-1"), [], "signed by itself"), (deepest.Issue("CN=pegel-1"), [deepest, deeper, device2], "too long a chain"),
        })
            await RefusedAsync(certificate, town.Id, why, between);
    }

    [Test]
    public void Should_have_a_key_that_is_good_enough()
    {
        foreach (var (key, isGood) in new[] { (RSA.Create(1024), false), (RSA.Create(2048), true) })
            using (key)
            using (var certificate = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)))
                Assert.That(CertificateRules.FaultOfKey(certificate) is null, Is.EqualTo(isGood), $"{key.KeySize}");
        using var small = authority.Issue("CN=x", curve: ECCurve.CreateFromFriendlyName("secp224r1"));
        Assert.That(CertificateRules.FaultOfKey(small), Is.Not.Null);
    }

    [Test]
    public async Task Should_be_signed_as_nobody_else_can()
    {
        // .NET makes none with SHA-1.
        var directory = Directory.CreateTempSubdirectory("allmende-sha1-");
        try
        {
            await packages.RunAsync("bash", "", "-ec", $"""
                cd {directory.FullName}
                openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 10
                openssl req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=pegel-1
                for hash in sha1 sha256; do openssl x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -$hash -out $hash.crt -days 5; done
                """);
            using var signer = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(directory.FullName, "ca.crt")));
            foreach (var (hash, isGood) in new[] { ("sha1", false), ("sha256", true) })
            {
                using var certificate = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(directory.FullName, hash + ".crt")));
                Assert.That(CertificateRules.LeadsTo(certificate, [], signer, out _), Is.EqualTo(isGood), hash);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Test]
    public async Task Should_make_the_server_ask_nobody()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var there = new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}/ca.crt");
        using var stranger = Authority.Root("Fremde");
        await RefusedAsync(stranger.Issue("CN=pegel-1", issuerAt: there), town.Id, "a stranger's");
        await AcceptedAsync(authority.Issue("CN=pegel-1", issuerAt: there), town.Id);
        Assert.That(listener.Pending(), Is.False, "what strangers write in certificates leads nowhere");
    }

    [Test]
    public async Task Should_be_the_devices_own_and_then_the_only_one()
    {
        using var own = Authority.SelfSigned("CN=Hersteller XY 0815");
        await RefusedAsync(Authority.SelfSigned("CN=pegel-1"), town.Id, "not put yet");
        var fingerprint = string.Join(':', own.GetCertHash(HashAlgorithmName.SHA256).Select(one => one.ToString("X2", null)));
        Assert.That((await town.PutAsync("devices/pegel-1/certificate", $$"""{"fingerprint":"{{fingerprint}}"}""", town.Admin)).Status, Is.EqualTo(204));
        var shown = (await town.GetAsync("devices/pegel-1/certificate", town.Analyst)).Json;
        Assert.That(shown.GetProperty("fingerprint").GetString(), Is.EqualTo(own.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()));

        await using var peer = await ConnectAsync(own, town.Id);
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));
        await RefusedAsync(authority.Issue("CN=pegel-1"), town.Id, "an authority's, of a device that has its own");
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        await using (var foreign = await ConnectAsync(Copy(own), elsewhere.Id)) Assert.That(foreign.Connected.Code, Is.EqualTo(ReasonCode.NotAuthorized), "in another municipality");

        Assert.That((await town.DeleteAsync("devices/pegel-1/certificate", town.Admin)).Status, Is.EqualTo(204));
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized), "it is let go");
        Assert.That((await town.GetAsync("devices/pegel-1/certificate", town.Admin)).Error, Is.EqualTo("no_certificate"));
        await AcceptedAsync(authority.Issue("CN=pegel-1"), town.Id);
    }

    static X509Certificate2 Copy(X509Certificate2 certificate) => X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);

    [Test]
    public async Task Should_speak_for_all_devices_where_that_is_said()
    {
        using var networkServers = Authority.Root("Netzwerkserver");
        await BelieveAsync(town, networkServers, "netz", "all");
        await town.DeviceAsync("pegel-2");
        await using var peer = await ConnectAsync(networkServers.Issue("CN=chirpstack"), town.Id);
        foreach (var name in new[] { "pegel-1", "pegel-2" })
            Assert.That(await peer.PublishedAsync($"{town.Id}/devices/{name}/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));
        Assert.That(await peer.SubscribeAsync($"{town.Id}/devices/+/down"), Is.EqualTo(ReasonCode.GrantedQos1));
    }

    [Test]
    public async Task Should_let_go_when_what_it_rests_on_is_gone()
    {
        await using var byRemoved = await ConnectAsync(authority.Issue("CN=pegel-1"), town.Id);
        Assert.That((await town.DeleteAsync("device-certificate-authorities/geraete", town.Admin)).Status, Is.EqualTo(204));
        Assert.That(await byRemoved.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized), "the authority was removed");
        await RefusedAsync(authority.Issue("CN=pegel-1"), town.Id, "removed");

        await BelieveAsync(town, authority);
        await using var byReplaced = await ConnectAsync(authority.Issue("CN=pegel-1"), town.Id);
        using var next = Authority.Root("Geräte-CA");
        await BelieveAsync(town, next);
        Assert.That(await byReplaced.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized), "the authority was replaced");

        await using var ofRetired = await ConnectAsync(next.Issue("CN=pegel-1"), town.Id);
        Assert.That((await town.PostAsync("devices/pegel-1/state", """{"state":"retired"}""", town.Admin)).Status, Is.EqualTo(200));
        Assert.That(await ofRetired.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized), "the device is retired");

        await town.DeviceAsync("kurz");
        await using var brief = await ConnectAsync(next.Issue("CN=kurz", to: TimeSpan.FromSeconds(4)), town.Id);
        Assert.That(brief.Connected.Code, Is.EqualTo(ReasonCode.Success));
        Assert.That(await brief.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized), "it has expired");
    }

    [Test]
    public async Task Should_not_stand_in_for_a_password_that_is_wrong_nor_hinder_one_that_is_right()
    {
        await using var wrong = await ConnectAsync(authority.Issue("CN=pegel-1"), town.Id, password: "falsch");
        Assert.That(wrong.Connected.Code, Is.EqualTo(ReasonCode.BadUserNameOrPassword));
        await using var right = await ConnectAsync(Authority.SelfSigned("CN=egal"), town.Id, password: device.Key);
        Assert.That(right.Connected.Code, Is.EqualTo(ReasonCode.Success));
    }

    [Test]
    public async Task Should_count_when_TLS_goes_on_where_it_was()
    {
        // The same context: the client offers its earlier session, and sends no certificate again.
        var certificate = authority.Issue("CN=pegel-1");
        made.Add(certificate);
        var context = Authority.Shown(certificate);
        for (var n = 0; n < 4; n++)
        {
            await using var peer = await Peer.OpenTlsAsync(service.MqttTlsPort, server.Certificate, own: context);
            await peer.LogInAsync(town.Id, null);
            Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success), $"{n}");
            await peer.NothingCameAsync();
        }
    }

    [TestCase("tlsv1.2")]
    [TestCase("tlsv1.3")]
    public async Task Should_serve_mosquittos_client(string version)
    {
        using var own = new PemFiles();
        using var certificate = authority.Issue("CN=pegel-1");
        own.Write(certificate, server);
        string[] who = ["-h", "localhost", "-p", $"{service.MqttTlsPort}", "--cafile", own.Authority, "--cert", own.Certificate, "--key", own.Key, "--tls-version", version, "-q", "1", "-t", $"{town.Id}/devices/pegel-1/up", "-m", """{"bytes":"0a"}"""];
        var (code, output, errors) = await packages.TryAsync("mosquitto_pub", "", [.. who, "-u", town.Id]);
        Assert.That(code, Is.Zero, output + errors);
        Assert.That((await town.UplinksAsync()).Single().Bytes, Is.EqualTo(new byte[] { 10 }));
        var (unnamed, _, _) = await packages.TryAsync("mosquitto_pub", "", who);
        Assert.That(unnamed, Is.Not.Zero, "nobody says which municipality");
    }

    [Test]
    public async Task Should_be_put_by_who_may_and_be_what_it_must_be()
    {
        const string path = "device-certificate-authorities/zweite";
        static string Body(string certificate, string speaksFor = "device") => JsonSerializer.Serialize(new { speaksFor, certificate });
        Assert.That((await town.PutAsync(path, Body(authority.Pem), town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.PutAsync(path, Body(authority.Pem), device.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.PutAsync("devices/pegel-1/certificate", "{}", town.Analyst)).Status, Is.EqualTo(403));
        using var leaf = authority.Issue("CN=pegel-1");
        foreach (var (body, field) in new[]
        {
            (Body(""), "certificate"), (Body("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), "certificate"), (Body(authority.Pem + "\n" + authority.Pem), "certificate"),
            (Body(leaf.ExportCertificatePem()), "certificate"), (Body(authority.Pem + "\n" + PemFiles.KeyOf(leaf)), "certificate"), (Body(authority.Pem, "niemand"), "speaksFor"), ("{}", "certificate"),
        })
        {
            var answer = await town.PutAsync(path, body, town.Admin);
            Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_certificate")), body);
            Assert.That(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Body);
        }
        foreach (var body in new[] { "{}", """{"fingerprint":"ab"}""", """{"certificate":"x"}""", JsonSerializer.Serialize(new { fingerprint = new string('a', 64), certificate = leaf.ExportCertificatePem() }) })
            Assert.That((await town.PutAsync("devices/pegel-1/certificate", body, town.Admin)).Error, Is.EqualTo("invalid_certificate"), body);

        var pinned = JsonSerializer.Serialize(new { certificate = leaf.ExportCertificatePem() });
        Assert.That((await town.PutAsync("devices/pegel-1/certificate", pinned, town.Admin)).Status, Is.EqualTo(204));
        await town.DeviceAsync("pegel-2");
        Assert.That((await town.PutAsync("devices/pegel-2/certificate", pinned, town.Admin)).Error, Is.EqualTo("certificate_taken"));
        Assert.That((await town.PutAsync("devices/pegel-9/certificate", pinned, town.Admin)).Error, Is.EqualTo("unknown_device"));

        var list = (await town.GetAsync("device-certificate-authorities", town.Analyst)).Json.GetProperty("items");
        Assert.That(list.EnumerateArray().Select(one => (one.GetProperty("id").GetString(), one.GetProperty("certificate").GetString())), Is.EqualTo(new[] { ("geraete", authority.Pem) }));
        Assert.That((await town.GetAsync("device-certificate-authorities/geraete", town.Analyst)).Text("fingerprint"), Is.EqualTo(authority.Certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()));
        Assert.That((await town.GetAsync(path, town.Analyst)).Error, Is.EqualTo("unknown_certificate_authority"));
        Assert.That((await town.DeleteAsync(path, town.Admin)).Error, Is.EqualTo("unknown_certificate_authority"));
    }
}
