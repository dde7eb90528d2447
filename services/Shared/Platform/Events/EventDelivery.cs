using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Platform.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Events;

/// <summary>Hands events to the handlers that want them.</summary>
sealed class EventDispatcher(IEnumerable<IEventHandler> handlers)
{
    readonly IEventHandler[] handlers = handlers.ToArray();

    /// <summary>The types that somebody here wants.</summary>
    public IReadOnlySet<string> Types { get; } = handlers.SelectMany(handler => handler.Types).ToHashSet(StringComparer.Ordinal);

    public async Task DispatchAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        var outcome = "failed";
        try
        {
            foreach (var handler in handlers)
                if (handler.Types.Contains(domainEvent.Type)) await handler.HandleAsync(domainEvent, cancellation);
            outcome = "ok";
        }
        finally
        {
            if (Types.Contains(domainEvent.Type)) Instruments.EventsHandled.Add(1, new("type", domainEvent.Type), new("outcome", outcome));
        }
    }
}

/// <summary>Delivery from the log: each service is a group of topic <c>events</c>.</summary>
sealed partial class LogEventDelivery(ILog log, EventDispatcher dispatcher, ServiceName service, IHostApplicationLifetime lifetime, ILogger<LogEventDelivery> logger) : BackgroundService
{
    const int Attempts = 5;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (dispatcher.Types.Count == 0) return;
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
            if (Read(record) is { } domainEvent) await DeliverAsync(batch, record, domainEvent, cancellation);
            else await SetAsideAsync(batch, record, "malformed_event", "the bytes are no CloudEvent", cancellation);
        }
    }

    static CloudEvent? Read(LogRecord record)
    {
        try
        {
            return JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.CloudEvent) is { Type: not null, Municipality: not null } domainEvent ? domainEvent : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A missing engine is waited for; a handler that fails otherwise gets a few tries, since an event may be ahead of what it refers to.</summary>
    async Task DeliverAsync(LogBatch batch, LogRecord record, CloudEvent domainEvent, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await dispatcher.DispatchAsync(domainEvent, cancellation);
                return;
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogFailed(domainEvent.Type, batch.Municipality, domainEvent.Subject, fault);
                if (attempt >= Attempts && !Infrastructure.IsAtFault(fault))
                {
                    await SetAsideAsync(batch, record, "event_failed", $"{service.Name} cannot handle the event: {fault.GetType().Name}", cancellation);
                    return;
                }
            }
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(5000, 50 << Math.Min(attempt, 7))), cancellation);
        }
    }

    Task SetAsideAsync(LogBatch batch, LogRecord record, string type, string reason, CancellationToken cancellation) =>
        log.AppendAsync(batch.Municipality, DeadLetters.Of(batch, record, service.Name, type, reason), cancellation);

    [LoggerMessage(140, LogLevel.Warning, "event {Type} of {Municipality} about {Subject} failed")]
    partial void LogFailed(string type, string municipality, string subject, Exception fault);

    [LoggerMessage(141, LogLevel.Critical, "events are no longer read; the process stops to start clean")]
    partial void LogStopped(Exception fault);
}
