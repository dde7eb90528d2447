using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Events;

/// <summary>
/// Events through a Dapr sidecar's pub/sub API, <c>POST /v1.0/publish/{pubsub}/{topic}</c>; the topic is the event's type. Sent as a CloudEvent, so that
/// Dapr passes the envelope on instead of wrapping it into one of its own.
/// </summary>
sealed class DaprEventBus(IHttpClientFactory http, EventOptions options) : IEventBus
{
    internal const string TokenHeader = "dapr-api-token";

    public async Task PublishAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        using var client = http.CreateClient("dapr");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"v1.0/publish/{options.PubSub}/{domainEvent.Type}", UriKind.Relative));
        request.Content = JsonContent.Create(domainEvent, ContractsJson.Default.CloudEvent, new("application/cloudevents+json"));
        if (options.DaprApiToken is { } token) request.Headers.Add(TokenHeader, token);
        using var answer = await client.SendAsync(request, cancellation);
        answer.EnsureSuccessStatusCode();
    }
}

/// <summary>
/// Delivery by Dapr: it asks <c>GET /dapr/subscribe</c> for the subscriptions and posts each event to the route; the answer
/// <c>{"status":"SUCCESS|RETRY|DROP"}</c> says what becomes of it. What is retried in vain goes to the dead-letter topic, by the policy of the component.
/// </summary>
static class DaprEventDelivery
{
    const string Route = "/dapr/events";
    const string DeadLetterTopic = "event.dead-letters";

    public static void Map(IEndpointRouteBuilder routes, EventOptions options)
    {
        routes.MapGet("/dapr/subscribe", (EventDispatcher dispatcher) => TypedResults.Text(Subscriptions(dispatcher, options), "application/json")).ExcludeFromDescription();
        routes.MapPost(Route, async Task<IResult> (HttpContext context, EventDispatcher dispatcher, ILoggerFactory loggers) =>
            IsSidecar(context, options)
                ? Status(await DeliverAsync(context, dispatcher, loggers.CreateLogger("Allmende.Platform.Events.Dapr")))
                : PlatformErrors.Unauthorized.Problem()).ExcludeFromDescription();
    }

    static bool IsSidecar(HttpContext context, EventOptions options) => options.DaprAppToken is not { } token
        || CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(context.Request.Headers[DaprEventBus.TokenHeader].ToString()));

    static async Task<string> DeliverAsync(HttpContext context, EventDispatcher dispatcher, ILogger logger)
    {
        CloudEvent? domainEvent;
        try
        {
            domainEvent = await JsonSerializer.DeserializeAsync(context.Request.Body, ContractsJson.Default.CloudEvent, context.RequestAborted);
        }
        catch (JsonException)
        {
            domainEvent = null;
        }
        if (domainEvent is not { Type: not null, Municipality: not null })
        {
            DaprLog.Dropped(logger);
            return "DROP";
        }
        try
        {
            await dispatcher.DispatchAsync(domainEvent, context.RequestAborted);
            return "SUCCESS";
        }
        catch (Exception fault) when (!context.RequestAborted.IsCancellationRequested)
        {
            DaprLog.Failed(logger, domainEvent.Type, domainEvent.Municipality, domainEvent.Subject, fault);
            return "RETRY";
        }
    }

    static string Subscriptions(EventDispatcher dispatcher, EventOptions options) => new JsonArray([.. dispatcher.Types.Select(type => new JsonObject
    {
        ["pubsubname"] = options.PubSub,
        ["topic"] = type,
        ["route"] = Route,
        ["deadLetterTopic"] = DeadLetterTopic,
    })]).ToJsonString();

    static ContentHttpResult Status(string status) => TypedResults.Text($$"""{"status":"{{status}}"}""", "application/json");
}

static partial class DaprLog
{
    [LoggerMessage(142, LogLevel.Warning, "event {Type} of {Municipality} about {Subject} failed; Dapr delivers it again")]
    public static partial void Failed(ILogger logger, string type, string municipality, string subject, Exception fault);

    [LoggerMessage(143, LogLevel.Error, "Dapr delivered what is no CloudEvent of ours; it is dropped")]
    public static partial void Dropped(ILogger logger);
}
