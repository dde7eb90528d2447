using Allmende.Observations.Live;
using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform.Events;
using Allmende.Platform.Log;

namespace Allmende.Observations;

/// <summary>The service's table of contents.</summary>
static class ObservationsModule
{
    public static void AddObservations(this IHostApplicationBuilder builder) => builder.Services
        .AddSingleton((builder.Configuration.GetSection("Observations").Get<ObservationsOptions>() ?? new ObservationsOptions()).Validated())
        .AddSingleton<MonthlyPartitions>()
        .AddSingleton<ObservationStore>()
        .AddSingleton<StoredPositions>()
        .AddSingleton<DatastreamDirectory>()
        .AddSingleton<DeviceStore>()
        .AddSingleton<EntityChanges>()
        .AddSingleton<MultiDatastreamStore>()
        .AddSingleton<SeriesStore>()
        .AddSingleton<ObservationDoor>()
        .AddSingleton<LiveHub>()
        .AddLogConsumer<StoreObservations>()
        .AddEventHandler<FollowDevices>();

    public static void MapObservations(this WebApplication app)
    {
        app.MapSensorThings();
        app.MapLive();
        app.MapSeries();
        app.MapInternal();
    }
}
