using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Allmende.Ingestion.Mqtt;

/// <summary>
/// Listens for MQTT with a Kestrel of its own: the service's HTTP addresses stay those of its configuration, and limits count for each protocol by itself.
/// </summary>
sealed partial class MqttListener(MqttServer server, MqttOptions options, IServiceProvider services, ILoggerFactory loggers, ILogger<MqttListener> logger) : IHostedService
{
    KestrelServer? kestrel;
    ListenOptions? plain;

    /// <summary>Where it listens without TLS, once started; null where it does not.</summary>
    public IPEndPoint? EndPoint => plain?.IPEndPoint;

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
                var certificate = X509Certificate2.CreateFromPemFile(options.Certificate, options.CertificateKey.Length > 0 ? options.CertificateKey : null);
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(certificate);
                listen.Run(server.HandleAsync);
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
