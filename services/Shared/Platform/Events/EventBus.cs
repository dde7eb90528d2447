using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Allmende.Platform.Events;

/// <summary>Publishes domain events: through Dapr or through the log, in the same CloudEvents envelope.</summary>
public interface IEventBus
{
    /// <summary>Completes when the event will be delivered, at least once.</summary>
    Task PublishAsync(CloudEvent domainEvent, CancellationToken cancellation);
}

/// <summary>What a service does when something happened elsewhere. Handles an event it has seen before without harm.</summary>
public interface IEventHandler
{
    /// <summary>The types that it wants.</summary>
    IReadOnlyList<string> Types { get; }

    /// <summary>Throws if it is to be delivered again.</summary>
    Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation);
}

/// <summary>Events through topic <c>events</c> of the municipality.</summary>
sealed class LogEventBus(ILog log) : IEventBus
{
    public async Task PublishAsync(CloudEvent domainEvent, CancellationToken cancellation) =>
        await log.AppendAsync(domainEvent.Municipality, Topics.Events, domainEvent.Subject,
            JsonSerializer.SerializeToUtf8Bytes(domainEvent, ContractsJson.Default.CloudEvent), cancellation);
}

/// <summary>Shorthand for publishing.</summary>
public static class EventBusExtensions
{
    /// <summary>Publishes an event of <paramref name="service"/>.</summary>
    public static Task PublishAsync<T>(this IEventBus bus, string municipality, string service, string eventType, string subject, T data, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        bus.PublishAsync(CloudEvent.Of(municipality, service, eventType, subject, data, type), cancellation);

    /// <summary>Registers a handler; the service then subscribes to its types.</summary>
    public static IServiceCollection AddEventHandler<T>(this IServiceCollection services) where T : class, IEventHandler
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IEventHandler, T>());
        return services;
    }
}
