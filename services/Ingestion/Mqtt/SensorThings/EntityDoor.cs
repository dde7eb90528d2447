using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.SensorThings;

/// <summary>Creates entities by MQTT (OGC 18-088, 14.2): the message is posted to Observations in the publisher's name.</summary>
sealed class EntityDoor(IHttpClientFactory http, MqttOptions options)
{
    /// <summary>The client that asks Observations as anybody may: without the key of <c>/internal</c>.</summary>
    public const string HttpClient = "mqtt-sensorthings";

    readonly ConcurrentDictionary<string, SemaphoreSlim> creating = new(StringComparer.Ordinal);

    /// <summary>Posts <paramref name="json"/>; taken when it is answered with 201.</summary>
    public async Task<PublishOutcome> CreateAsync(MqttClient publisher, MqttTopic topic, byte[] json)
    {
        if (PathOf(topic) is not { } path) return new(ReasonCode.TopicNameInvalid, "no path of SensorThings");
        var room = creating.GetOrAdd(topic.Municipality, static (_, most) => new SemaphoreSlim(most), options.MostCreating);
        await room.WaitAsync();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new ByteArrayContent(json) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            publisher.Authenticate(request);
            using var observations = http.CreateClient(HttpClient);
            using var answer = await observations.SendAsync(request, CancellationToken.None);
            return await OutcomeOfAsync(answer);
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return new(ReasonCode.ImplementationSpecific, "SensorThings does not answer; send it again", Retry.Now);
        }
        finally
        {
            room.Release();
        }
    }

    static async Task<PublishOutcome> OutcomeOfAsync(HttpResponseMessage answer)
    {
        if (answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK) return PublishOutcome.Taken;
        var reason = await FeedClient.MessageOfAsync(answer, CancellationToken.None);
        return answer.StatusCode switch
        {
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity or HttpStatusCode.UnsupportedMediaType => new(ReasonCode.PayloadFormatInvalid, reason),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new(ReasonCode.NotAuthorized, reason),
            HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => new(ReasonCode.TopicNameInvalid, reason),
            HttpStatusCode.RequestEntityTooLarge => new(ReasonCode.QuotaExceeded, reason),
            HttpStatusCode.TooManyRequests => new(ReasonCode.QuotaExceeded, reason, Retry.Later),
            >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented => new(ReasonCode.ImplementationSpecific, reason, Retry.Now),
            _ => new(ReasonCode.ImplementationSpecific, reason),
        };
    }

    /// <summary>
    /// The path below the service's address, percent-encoded but for what is encoded already; null if it could lead anywhere but below the municipality's
    /// SensorThings.
    /// </summary>
    internal static string? PathOf(MqttTopic topic)
    {
        foreach (var segment in topic.Name.Split('/'))
        {
            var plain = Uri.UnescapeDataString(segment);
            if (plain.Length == 0 || plain.Trim('.').Length == 0 || plain.AsSpan().ContainsAny("/\\?#") || plain.Any(char.IsControl)) return null;
        }
        var path = new StringBuilder($"{topic.Municipality}/sta/v1.1/");
        foreach (var one in Encoding.UTF8.GetBytes(topic.Name))
            if (char.IsAsciiLetterOrDigit((char)one) || "-._~!$&'()*,;=:@%/".Contains((char)one, StringComparison.Ordinal)) path.Append((char)one);
            else path.Append('%').Append(one.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        return path.ToString();
    }
}
