using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Mqtt;
using Allmende.Supervisor;
using Allmende.Supervisor.Processes;
using Allmende.Testing;

namespace Allmende.Ingestion.Tests.Sources;

/// <summary>
/// A mosquitto of its own: a broker of other people, who want a password. It keeps sessions on disk when it is stopped in good order. Beside its plain port it
/// has one over TLS, with a certificate of an authority that nobody knows.
/// </summary>
sealed class Mosquitto : IAsyncDisposable
{
    public const string User = "stadt@ttn", Password = "geheim-8c1f";

    readonly TemporaryDirectory directory;
    ushort lastId;

    Mosquitto(TemporaryDirectory directory, int port, ManagedProcess process, string authority) => (this.directory, Port, Process, Authority) = (directory, port, process, authority);

    public int Port { get; }

    public int TlsPort => Port + 1;

    public ManagedProcess Process { get; }

    /// <summary>The authority of its certificate, PEM.</summary>
    public string Authority { get; }

    public static async Task<Mosquitto> StartAsync(params string[] settings)
    {
        var directory = TemporaryDirectory.Create();
        var port = FreePorts.Block(2);
        string File(string name) => Path.Combine(directory.Path, name);
        var authority = MakeCertificate(File("server.pem"));
        await new NodePackages(directory.Path).RunAsync("mosquitto_passwd", "", "-b", "-c", File("passwords"), User, Password);
        await System.IO.File.WriteAllTextAsync(File("mosquitto.conf"), string.Join('\n',
        [
            "user root", "persistence true", $"persistence_location {directory.Path}/", "autosave_interval 1", "max_queued_messages 10000",
            $"password_file {File("passwords")}", "allow_anonymous false",
            $"listener {port} 127.0.0.1",
            $"listener {port + 1} 127.0.0.1", $"certfile {File("server.pem")}", $"keyfile {File("server.pem")}",
            .. settings, "",
        ]));
        var process = new ManagedProcess(new ProcessSpec
        {
            Name = "mosquitto",
            File = "/usr/sbin/mosquitto",
            Arguments = ["-c", File("mosquitto.conf")],
            WorkingDirectory = directory.Path,
            IsReady = async cancellation =>
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
                return true;
            },
        }, directory.Path);
        await process.StartAsync();
        await process.WhenReadyAsync();
        return new Mosquitto(directory, port, process, authority);
    }

    /// <summary>An authority, and a certificate of it for localhost that is written with its key.</summary>
    static string MakeCertificate(string file)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Allmende tests", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        server.CertificateExtensions.Add(names.Build());
        using var certificate = server.Create(authority, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return authority.ExportCertificatePem();
    }

    /// <summary>Publishes with QoS 1, and returns when the broker has it.</summary>
    public async Task PublishAsync(params (string Topic, string Payload)[] messages)
    {
        await using var peer = await Peer.ConnectAsync(Port, User, Password);
        foreach (var (topic, payload) in messages)
        {
            await peer.PublishAsync(topic, payload, 1, ++lastId);
            await peer.AckAsync(PacketType.PubAck);
        }
        await peer.DisconnectAsync();
    }

    public string Source(string kind, string topics, string more = "", string? address = null, string password = Password) => string.Create(CultureInfo.InvariantCulture, $$"""
        {"name":"Broker der Stadtwerke","address":"{{address ?? $"mqtt://127.0.0.1:{Port}"}}","username":"{{User}}","password":"{{password}}","topics":[{{topics}}],"kind":"{{kind}}"{{more}}}
        """);

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        directory.Dispose();
    }
}
