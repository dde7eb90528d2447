using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Sources;

/// <summary>The way to a broker: TCP, with TLS over it where the address says so.</summary>
static class BrokerSocket
{
    /// <summary>Resolves and connects in one go, so that a name cannot mean something else the moment after it was looked at.</summary>
    /// <exception cref="BrokerException">There is no way, for a reason that people can read.</exception>
    public static async Task<Stream> OpenAsync(MqttSource source, bool allowPrivateAddresses, CancellationToken cancellation)
    {
        var (host, port, isSecure) = source.Target();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
            var allowed = allowPrivateAddresses ? addresses : Array.FindAll(addresses, address => !PrivateAddresses.Contains(address));
            if (allowed.Length == 0) throw new BrokerException("the address is a private one; the operator may allow those");
            await socket.ConnectAsync(allowed, port, cancellation);
            var plain = new NetworkStream(socket, ownsSocket: true);
            return isSecure ? await SecureAsync(plain, host, source.CertificateAuthority, cancellation) : plain;
        }
        catch (Exception fault)
        {
            socket.Dispose();
            throw fault switch
            {
                SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } => new BrokerException("the name cannot be resolved", fault),
                SocketException socketFault => new BrokerException("no connection: " + socketFault.SocketErrorCode, fault),
                AuthenticationException => new BrokerException("no secure connection: the broker's certificate is not accepted", fault),
                IOException => new BrokerException("no secure connection: the broker broke it off", fault),
                _ => fault,
            };
        }
    }

    static async Task<Stream> SecureAsync(NetworkStream plain, string host, string? authority, CancellationToken cancellation)
    {
        var secure = new SslStream(plain);
        var options = new SslClientAuthenticationOptions { TargetHost = host, EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (authority is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.ImportFromPem(authority);
        }
        await secure.AuthenticateAsClientAsync(options, cancellation);
        return secure;
    }
}

/// <summary>A broker cannot be reached, refuses, or is not understood; the message is for people, and has no secret.</summary>
sealed class BrokerException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Perhaps it would understand another protocol level.</summary>
    public bool IsOfLevel { get; init; }
}
