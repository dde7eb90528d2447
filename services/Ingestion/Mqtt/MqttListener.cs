using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Allmende.Ingestion.Mqtt.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Allmende.Ingestion.Mqtt;

/// <summary>
/// Listens for MQTT with a Kestrel of its own: the service's HTTP addresses stay those of its configuration, and limits count for each protocol by itself.
/// </summary>
sealed partial class MqttListener(MqttServer server, MqttOptions options, ServerCertificate certificate, IServiceProvider services, ILoggerFactory loggers, ILogger<MqttListener> logger) : IHostedService
{
    /// <summary>The protocol's name where clients say it in the handshake (ALPN).</summary>
    static readonly SslApplicationProtocol Mqtt = new("mqtt");

    KestrelServer? kestrel;
    ListenOptions? plain, secured;

    /// <summary>Where it listens without TLS, once started; null where it does not.</summary>
    public IPEndPoint? EndPoint => plain?.IPEndPoint;

    /// <summary>Where it listens with TLS, once started; null where it does not.</summary>
    public IPEndPoint? TlsEndPoint => secured?.IPEndPoint;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Address.Length == 0 && options.TlsAddress.Length == 0) return;
        var settings = new KestrelServerOptions { ApplicationServices = services };
        settings.Limits.MaxConcurrentConnections = options.MostConnections;
        if (options.Address.Length > 0)
            settings.Listen(MqttOptions.ParseAddress(options.Address)!, listen =>
            {
                listen.Run(server.HandleAsync);
                plain = listen;
            });
        if (options.TlsAddress.Length > 0)
            settings.Listen(MqttOptions.ParseAddress(options.TlsAddress)!, listen =>
            {
                listen.Use(next => connection => server.SecureAsync(connection, next));
                listen.UseHttps(new TlsHandshakeCallbackOptions { HandshakeTimeout = options.ConnectAwaited, OnConnection = handshake => new(Secure(handshake.Connection)) });
                listen.Run(server.HandleAsync);
                secured = listen;
            });
        kestrel = new KestrelServer(Options.Create(settings), new SocketTransportFactory(Options.Create(new SocketTransportOptions { Backlog = 4096 }), loggers), loggers);
        await kestrel.StartAsync(new NoHttp(), cancellationToken);
        LogListening(options.Address, options.TlsAddress);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (kestrel is null) return;
        await kestrel.StopAsync(cancellationToken);
        kestrel.Dispose();
    }

    /// <summary>
    /// TLS as it is spoken with one client. It is asked for a certificate and need not have one. It is told no names of authorities, and what it shows is not looked
    /// up anywhere else.
    /// </summary>
    SslServerAuthenticationOptions Secure(ConnectionContext connection) => new()
    {
        ServerCertificateContext = certificate.Current,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [Mqtt],
        AllowRenegotiation = false,
        ClientCertificateRequired = true,
        CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
        RemoteCertificateValidationCallback = connection.Features.Get<TlsClient>() is { } client ? (_, shown, chain, _) => client.Show(shown, chain) : null,
    };

    [LoggerMessage(2040, LogLevel.Information, "MQTT is spoken at {Address} {TlsAddress}")]
    partial void LogListening(string address, string tlsAddress);

    /// <summary>What Kestrel would serve by HTTP, if a connection came that far.</summary>
    sealed class NoHttp : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public Task ProcessRequestAsync(IFeatureCollection context) => Task.CompletedTask;

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
            // There is nothing in it.
        }
    }
}
