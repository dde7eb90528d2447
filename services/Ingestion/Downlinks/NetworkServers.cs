using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// Puts downlinks into the queues of network servers. The Things Stack v3: <c>POST /api/v3/as/applications/{app}/devices/{device}/down/push</c>
/// (<c>AppAs.DownlinkQueuePush</c>), an empty object answers. ChirpStack v4's REST interface: <c>POST /api/devices/{devEui}/queue</c>
/// (<c>DeviceService.Enqueue</c>), the queue item's id answers. Goes to public addresses only, whatever a name resolves to at that moment; follows no redirect.
/// </summary>
sealed class NetworkServers : IDisposable
{
    const int LongestAnswer = 64 * 1024, LongestReason = 300;
    static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    readonly DownlinkOptions options;
    readonly HttpClient http;

    public NetworkServers(DownlinkOptions options)
    {
        this.options = options;
        http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Allmende", "1"));
    }

    /// <summary>What would be sent, without the secret. Only for what has no <see cref="WayRow.Obstacle"/>.</summary>
    /// <param name="way">The way, of kind <c>tts</c> or <c>chirpstack</c>.</param>
    /// <param name="to">To whom.</param>
    /// <param name="content">What.</param>
    /// <param name="correlation">The downlink's correlation id.</param>
    public static (Uri Url, JsonObject Body) Plan(WayRow way, Addressee to, DownlinkContent content, string correlation)
    {
        var server = new Uri(way.Way.Url!);
        var payload = Convert.ToBase64String(content.Bytes!);
        if (way.Way.Kind == DownlinkWay.ChirpStack)
            return (new Uri(server, $"/api/devices/{to.DevEui!.ToLowerInvariant()}/queue"), new JsonObject
            {
                ["queueItem"] = new JsonObject
                {
                    ["confirmed"] = content.Confirmed,
                    ["data"] = payload,
                    ["fPort"] = content.FPort,
                    // ChirpStack lets go of what has waited too long for the device to wake up.
                    ["expiresAt"] = content.ExpiresAtText,
                },
            });
        return (new Uri(server, $"/api/v3/as/applications/{way.Way.Application}/devices/{Uri.EscapeDataString(NameAt(way, to))}/down/push"), new JsonObject
        {
            ["downlinks"] = new JsonArray(new JsonObject
            {
                ["f_port"] = content.FPort,
                ["frm_payload"] = payload,
                ["priority"] = content.Priority switch { 0 => "LOW", DownlinkPriority.Normal => "NORMAL", _ => "HIGH" },
                ["confirmed"] = content.Confirmed,
                ["correlation_ids"] = new JsonArray(correlation),
            }),
        });
    }

    /// <summary>Sends one, once.</summary>
    public async Task<SendingOutcome> SendAsync(WayRow way, TakenDownlink taken, CancellationToken cancellation)
    {
        if (way.Obstacle(taken.To, taken.Downlink.Content) is { } obstacle) return SendingOutcome.Never($"{obstacle.Field} {obstacle.Fault}");
        var (url, body) = Plan(way, taken.To, taken.Downlink.Content, taken.Downlink.Correlation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
            request.Headers.TryAddWithoutValidation(way.Way.Kind == DownlinkWay.ChirpStack ? "Grpc-Metadata-Authorization" : "Authorization", "Bearer " + way.Secret);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(options.Timeout);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return Outcome(way, answer, await BodyAsync(answer.Content, limit.Token));
        }
        catch (HttpRequestException fault)
        {
            return SendingOutcome.Again(fault.InnerException is TargetRefusedException refused ? refused.Message : Why(fault));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SendingOutcome.Again($"no answer within {options.Timeout.TotalSeconds:0.#} s");
        }
    }

    static async Task<byte[]> BodyAsync(HttpContent content, CancellationToken cancellation)
    {
        try
        {
            await content.LoadIntoBufferAsync(LongestAnswer, cancellation);
            return await content.ReadAsByteArrayAsync(cancellation);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException)
        {
            // The status has said what counts.
            return [];
        }
    }

    static SendingOutcome Outcome(WayRow way, HttpResponseMessage answer, byte[] body)
    {
        var status = (int)answer.StatusCode;
        if (answer.IsSuccessStatusCode) return new(DownlinkState.Sent, ToldAs: way.Way.Kind == DownlinkWay.ChirpStack ? TextOf(body, "id") : null);
        var said = TextOf(body, "message") is { } message ? $"HTTP {status}: {message}" : $"HTTP {status}";
        // These may be other than they are now: a key that is renewed, a limit, a server that is being repaired, an address that is put right.
        return status is 401 or 403 or 408 or 425 or 429 or < 400 or >= 500 ? SendingOutcome.Again(said, RetryAfter(answer.Headers.RetryAfter)) : SendingOutcome.Never(said);
    }

    static string? TextOf(byte[] body, string field)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty(field, out var value) || value.ValueKind != JsonValueKind.String) return null;
            var text = Devices.JsonTexts.TextOrNull(value);
            return text is null ? null : new string([.. text.Take(LongestReason).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)]);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What the device is called at the network server: under the way's id or kind among its external ids, else as here.</summary>
    static string NameAt(WayRow way, Addressee to) => to.ExternalIds?.GetValueOrDefault(way.Id) ?? to.ExternalIds?.GetValueOrDefault(way.Way.Kind!) ?? to.Device;

    static TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var asked = header?.Delta ?? (header?.Date is { } date ? date - DateTimeOffset.UtcNow : null);
        return asked is null || asked <= TimeSpan.Zero ? null : asked < LongestRetryAfter ? asked : LongestRetryAfter;
    }

    static string Why(HttpRequestException fault) => fault.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "the name cannot be resolved",
        HttpRequestError.SecureConnectionError => "no secure connection: certificate or protocol are not accepted",
        HttpRequestError.ConnectionError => "no connection",
        _ => "the answer cannot be read",
    };

    /// <summary>Looks the name up and connects in one go: it cannot mean a private address the moment after it was looked at.</summary>
    async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host.Trim('[', ']'), cancellation);
        if (!options.AllowPrivateAddresses) addresses = Array.FindAll(addresses, address => !PrivateAddresses.Contains(address));
        if (addresses.Length == 0) throw new TargetRefusedException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => http.Dispose();

    sealed class TargetRefusedException() : Exception("the network server has no public address");
}
