using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Events;

/// <summary>Hands events to the handlers that want them.</summary>
sealed class EventDispatcher(IEnumerable<IEventHandler> handlers)
{
    readonly IEventHandler[] handlers = handlers.ToArray();

    public IEnumerable<string> Types => handlers.SelectMany(handler => handler.Types).Distinct(StringComparer.Ordinal);

    public async Task DispatchAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        foreach (var handler in handlers)
            if (handler.Types.Contains(domainEvent.Type)) await handler.HandleAsync(domainEvent, cancellation);
    }
}

/// <summary>Delivery from the log: each service is a group of topic <c>events</c>.</summary>
sealed partial class LogEventDelivery(ILog log, EventDispatcher dispatcher, ServiceName service, IHostApplicationLifetime lifetime, ILogger<LogEventDelivery> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!dispatcher.Types.Any()) return;
        try
        {
            await log.ConsumeAsync(Topics.Events, service.Name, HandleAsync, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
        catch (Exception fault)
        {
            LogStopped(fault);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        foreach (var record in batch.Records)
        {
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    var domainEvent = JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.CloudEvent)!;
                    await dispatcher.DispatchAsync(domainEvent, cancellation);
                    break;
                }
                catch (Exception fault) when (!cancellation.IsCancellationRequested)
                {
                    var wait = Infrastructure.IsAtFault(fault);
                    LogFailed(batch.Municipality, record.Key, fault);
                    if (!wait && attempt >= 4)
                    {
                        await log.AppendAsync(batch.Municipality, new DeadLetter($"{service.Name}.event.{record.Position.Partition}.{record.Position.Major}-{record.Position.Minor}",
                            Topics.Events, record.Key, null, "event_failed", $"{service.Name} cannot handle the event: {fault.GetType().Name}", DateTimeOffset.UtcNow, record.Payload.ToArray()), cancellation);
                        break;
                    }
                    await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(5000, 100 << Math.Min(attempt, 6))), cancellation);
                }
            }
        }
    }

    [LoggerMessage(140, LogLevel.Warning, "an event of {Municipality} about {Subject} failed")]
    partial void LogFailed(string municipality, string subject, Exception fault);

    [LoggerMessage(141, LogLevel.Critical, "events are no longer read; the process stops to start clean")]
    partial void LogStopped(Exception fault);
}

/// <summary>
/// Delivery by Dapr (pub/sub API): it asks <c>GET /dapr/subscribe</c> for the subscriptions and posts each event to the route;
/// the answer <c>{"status":"SUCCESS|RETRY|DROP"}</c> says what becomes of it.
/// </summary>
static class DaprEventDelivery
{
    const string Route = "/dapr/events";

    public static void Map(IEndpointRouteBuilder routes, EventOptions options)
    {
        routes.MapGet("/dapr/subscribe", (EventDispatcher dispatcher) => TypedResults.Text(Subscriptions(dispatcher, options), "application/json")).ExcludeFromDescription();
        routes.MapPost(Route, async (HttpContext context, EventDispatcher dispatcher, ILoggerFactory loggers) =>
        {
            CloudEvent? domainEvent;
            try
            {
                domainEvent = await JsonSerializer.DeserializeAsync(context.Request.Body, ContractsJson.Default.CloudEvent, context.RequestAborted);
            }
            catch (JsonException)
            {
                return Status("DROP");
            }
            if (domainEvent?.Type is null || domainEvent.Municipality is null) return Status("DROP");
            try
            {
                await dispatcher.DispatchAsync(domainEvent, context.RequestAborted);
                return Status("SUCCESS");
            }
            catch (Exception fault) when (!context.RequestAborted.IsCancellationRequested)
            {
                DaprLog.Failed(loggers.CreateLogger("Allmende.Platform.Events.Dapr"), domainEvent.Type, domainEvent.Subject, fault);
                return Status("RETRY"); // Dapr's own retry and dead-letter policy takes over
            }
        }).ExcludeFromDescription();
    }

    static string Subscriptions(EventDispatcher dispatcher, EventOptions options)
    {
        var text = new System.Text.StringBuilder("[");
        foreach (var type in dispatcher.Types)
            text.Append(text.Length > 1 ? "," : "").Append($$"""{"pubsubname":"{{options.PubSub}}","topic":"{{type}}","route":"{{Route}}"}""");
        return text.Append(']').ToString();
    }

    static Microsoft.AspNetCore.Http.HttpResults.ContentHttpResult Status(string status) => TypedResults.Text($$"""{"status":"{{status}}"}""", "application/json");
}

static partial class DaprLog
{
    [LoggerMessage(142, LogLevel.Warning, "event {Type} about {Subject} failed; Dapr delivers it again")]
    public static partial void Failed(ILogger logger, string type, string subject, Exception fault);
}
