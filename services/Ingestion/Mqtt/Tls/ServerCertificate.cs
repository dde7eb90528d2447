using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Allmende.Ingestion.Mqtt.Tls;

/// <summary>
/// The server's certificate with its chain, from PEM files that somebody renews: it is read again when they change, and shown to whoever connects from then on.
/// Open connections keep theirs. While the files do not fit each other, the one before stays.
/// </summary>
sealed partial class ServerCertificate(MqttOptions options, ILogger<ServerCertificate> logger) : BackgroundService
{
    SslStreamCertificateContext? current;
    string read = "";

    /// <summary>What is shown now.</summary>
    public SslStreamCertificateContext Current => Volatile.Read(ref current) ?? throw new InvalidOperationException("TLS is not spoken");

    /// <inheritdoc/>
    /// <exception cref="CryptographicException">The files hold no certificate with its key.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.TlsAddress.Length == 0) return;
        Read();
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.CertificateReadEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) ReadSafely();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    void ReadSafely()
    {
        try
        {
            Read();
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            LogNotRead(options.Certificate, fault.Message);
        }
    }

    void Read()
    {
        var certificate = File.ReadAllText(options.Certificate);
        var key = options.CertificateKey.Length > 0 ? File.ReadAllText(options.CertificateKey) : certificate;
        if (read == certificate + key) return;
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificate);
        var own = X509Certificate2.CreateFromPem(certificate, key);
        // Nothing is fetched from elsewhere: what the file does not have, clients do not get.
        Volatile.Write(ref current, SslStreamCertificateContext.Create(own, [.. chain.Skip(1)], offline: true));
        read = certificate + key;
        LogRead(options.Certificate, own.NotAfter.ToUniversalTime());
    }

    [LoggerMessage(2043, LogLevel.Information, "MQTT shows the certificate of {File}, which is valid until {NotAfter:u}")]
    partial void LogRead(string file, DateTime notAfter);

    [LoggerMessage(2044, LogLevel.Warning, "the certificate of {File} cannot be read; the one before is shown further on: {Reason}")]
    partial void LogNotRead(string file, string reason);
}
