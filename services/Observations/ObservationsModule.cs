using Allmende.Observations.Live;
using Allmende.Observations.SensorThings;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Observations.SensorThings.Writes;
using Allmende.Observations.Store;
using Allmende.Observations.Store.Aggregates;
using Allmende.Observations.Store.Packed;
using Allmende.Observations.Webhooks;
using Allmende.Platform.Events;
using Allmende.Platform.Log;

namespace Allmende.Observations;

/// <summary>The service's table of contents.</summary>
static class ObservationsModule
{
    /// <exception cref="InvalidOperationException">The configuration is faulty; the message tells all faults.</exception>
    public static void AddObservations(this IHostApplicationBuilder builder) => builder.Services
        .AddSingleton((builder.Configuration.GetSection("Observations").Get<ObservationsOptions>() ?? new ObservationsOptions()).Validated())
        .AddSingleton<MonthlyPartitions>()
        .AddSingleton<ObservationStore>()
        .AddSingleton<PackStore>()
        .AddSingleton<StoredPositions>()
        .AddSingleton<AggregateStore>()
        .AddSingleton<CorrectionStore>()
        .AddSingleton<RetentionStore>()
        .AddSingleton<DatastreamDirectory>()
        .AddSingleton<DeviceStore>()
        .AddSingleton<EntityChanges>()
        .AddSingleton<SeriesStore>()
        .AddSingleton<DatastreamFeatures>()
        .AddSingleton<ObservationDoor>()
        .AddSingleton<EntityDoor>()
        .AddSingleton<DryRun>()
        .AddSingleton<TellCommands>().AddHostedService(provider => provider.GetRequiredService<TellCommands>())
        .AddSingleton<TellNeededDatasets>().AddHostedService(provider => provider.GetRequiredService<TellNeededDatasets>())
        .AddSingleton((builder.Configuration.GetSection("Observations:Live").Get<LiveOptions>() ?? new LiveOptions()).Validated())
        .AddSingleton<LiveLimits>()
        .AddSingleton<LiveHub>()
        .AddSingleton<TopicTurns>()
        .AddSingleton<TopicFeeds>()
        .AddSingleton<Compaction>().AddHostedService(services => services.GetRequiredService<Compaction>())
        .AddSingleton<KeepAggregates>().AddHostedService(services => services.GetRequiredService<KeepAggregates>())
        .AddSingleton<EnforceRetention>().AddHostedService(services => services.GetRequiredService<EnforceRetention>())
        .AddSingleton((builder.Configuration.GetSection("Observations:Webhooks").Get<WebhookOptions>() ?? new WebhookOptions()).Validated())
        .AddSingleton<SubscriptionStore>()
        .AddSingleton<WebhookSender>()
        .AddSingleton<DeliverWebhooks>().AddHostedService(provider => provider.GetRequiredService<DeliverWebhooks>())
        .AddLogConsumer<StoreObservations>()
        .AddLogConsumer<FollowEntities>()
        .AddEventHandler<FollowDevices>()
        .AddEventHandler<FollowTasks>();

    public static void MapObservations(this WebApplication app)
    {
        app.MapSensorThings();
        app.MapLive();
        app.MapTopics();
        app.MapSubscriptions();
        app.MapSeries();
        app.MapCorrections();
        app.MapInternal();
        app.MapStored();
    }
}
