using System.Net;
using System.Text.Json;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.SensorThings;

/// <summary>Asks Observations for the feed of a topic, in a subscriber's name.</summary>
sealed class FeedClient(IHttpClientFactory http)
{
    /// <summary>Opens the feed.</summary>
    /// <param name="topic">Which.</param>
    /// <param name="subscriber">Whose credential goes along: Observations decides by it what is seen.</param>
    /// <param name="after">The place after which it goes on; null for from now on.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="HttpRequestException">Observations cannot be reached.</exception>
    public async Task<HttpResponseMessage> OpenAsync(MqttTopic topic, MqttClient subscriber, string? after, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"internal/{topic.Municipality}/sta/feed?topic={Uri.EscapeDataString(topic.Name)}", UriKind.Relative));
        subscriber.Authenticate(request);
        if (after is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", after);
        using var observations = http.CreateClient("observations");
        return await observations.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    /// <summary>What a refusal says to a subscriber, or null where it may pass: Observations is away, or busy.</summary>
    public static async Task<(ReasonCode Code, string? Reason)?> RefusalOfAsync(HttpResponseMessage answer, CancellationToken cancellation) => answer.StatusCode switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => (ReasonCode.NotAuthorized, null),
        // What is not there and what may not be seen are alike.
        HttpStatusCode.NotFound => (ReasonCode.NotAuthorized, await MessageOfAsync(answer, cancellation)),
        HttpStatusCode.TooManyRequests => (ReasonCode.QuotaExceeded, await MessageOfAsync(answer, cancellation)),
        HttpStatusCode.RequestTimeout => null,
        >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError => (ReasonCode.TopicFilterInvalid, await MessageOfAsync(answer, cancellation)),
        _ => null,
    };

    /// <summary>The message in an error's body: the standard's <c>message</c>, or a problem's <c>detail</c>.</summary>
    public static async Task<string?> MessageOfAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            var body = await answer.Content.ReadAsByteArrayAsync(cancellation);
            if (body.Length is 0 or > 64 * 1024) return null;
            using var json = JsonDocument.Parse(body);
            foreach (var name in (ReadOnlySpan<string>)["message", "detail", "title"])
                if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String)
                    return text.GetString();
            return null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or HttpRequestException or IOException)
        {
            return null;
        }
    }
}
