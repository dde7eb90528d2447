using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Allmende.Platform.Security;

namespace Allmende.Observations.Webhooks;

/// <summary>What became of an attempt.</summary>
/// <param name="Status">HTTP status; null where there was no answer.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="RetryAfter">What the receiver asks for.</param>
/// <param name="Duration">How long it took.</param>
sealed record WebhookOutcome(int? Status, string? Error, TimeSpan? RetryAfter, TimeSpan Duration)
{
    public bool Succeeded => Error is null;

    /// <summary>The receiver does not want any more.</summary>
    public bool IsGone => Status == 410;
}

/// <summary>
/// Sends deliveries, signed as the Standard Webhooks convention has it: <c>Webhook-Id</c>, <c>Webhook-Timestamp</c> (seconds since 1970), <c>Webhook-Signature:
/// v1,base64(HMAC-SHA256(secret, "id.timestamp.body"))</c>. Goes to public addresses only, whatever a name resolves to at that moment; follows no redirect; reads
/// of the answer no more than its head.
/// </summary>
sealed class WebhookSender : IDisposable
{
    static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    readonly WebhookOptions options;
    readonly HttpClient http;

    public WebhookSender(WebhookOptions options)
    {
        this.options = options;
        http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 16 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        })
        { Timeout = options.Timeout };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Allmende-Webhooks", "1"));
    }

    /// <summary>The signature of a delivery.</summary>
    public static string Sign(byte[] secret, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.ASCII.GetBytes($"{id}.{timestamp}."));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }

    /// <summary>Makes one attempt.</summary>
    public async Task<WebhookOutcome> SendAsync(string url, byte[] secret, string id, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var since = System.Diagnostics.Stopwatch.GetTimestamp();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(body) };
            var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("Webhook-Id", id);
            request.Headers.Add("Webhook-Timestamp", timestamp);
            request.Headers.TryAddWithoutValidation("Webhook-Signature", Sign(secret, id, timestamp, body.Span));
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            var status = (int)answer.StatusCode;
            return new WebhookOutcome(status, answer.IsSuccessStatusCode ? null : status is >= 300 and < 400 ? $"HTTP {status}; redirects are not followed" : $"HTTP {status}",
                RetryAfter(answer.Headers.RetryAfter), Elapsed());
        }
        catch (HttpRequestException fault)
        {
            return new WebhookOutcome(null, fault.InnerException is TargetRefusedException refused ? refused.Message : Why(fault), null, Elapsed());
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WebhookOutcome(null, $"no answer within {options.Timeout.TotalSeconds:0.#} s", null, Elapsed());
        }

        TimeSpan Elapsed() => System.Diagnostics.Stopwatch.GetElapsedTime(since);
    }

    static string Why(HttpRequestException fault) => fault.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "the name cannot be resolved",
        HttpRequestError.SecureConnectionError => "no secure connection: certificate or protocol are not accepted",
        HttpRequestError.ConnectionError => "no connection",
        _ => "the answer cannot be read",
    };

    static TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var asked = header?.Delta ?? (header?.Date is { } date ? date - DateTimeOffset.UtcNow : null);
        return asked is null || asked <= TimeSpan.Zero ? null : asked < LongestRetryAfter ? asked : LongestRetryAfter;
    }

    /// <summary>Resolves and connects in one go, so that a name cannot mean something else the moment after it was looked at.</summary>
    async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host.Trim('[', ']');
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await ResolveAsync(host, cancellation);
        var allowed = options.AllowPrivateAddresses ? addresses : Array.FindAll(addresses, address => !PrivateAddresses.Contains(address));
        if (allowed.Length == 0) throw new TargetRefusedException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException fault)
        {
            throw new HttpRequestException(HttpRequestError.NameResolutionError, inner: fault);
        }
    }

    public void Dispose() => http.Dispose();

    sealed class TargetRefusedException() : Exception("the target has no public address");
}
