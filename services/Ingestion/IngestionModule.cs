using System.Text.Json.Serialization;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Features;
using Allmende.Ingestion.Import;
using Allmende.Ingestion.Inbox;
using Allmende.Ingestion.Mappings;
using Allmende.Ingestion.Mqtt;
using Allmende.Ingestion.Mqtt.Certificates;
using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.SensorThings;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Ingestion.Outbox;
using Allmende.Ingestion.Signals;
using Allmende.Ingestion.Sources;
using Allmende.Ingestion.Uplinks;
using Allmende.Ingestion.Watch;
using Allmende.Platform;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Platform.Security;

namespace Allmende.Ingestion;

/// <summary>All that this service has.</summary>
public static class IngestionModule
{
    /// <summary>Registers the service's parts.</summary>
    /// <exception cref="InvalidOperationException">The configuration is faulty; the message tells all faults.</exception>
    public static void AddIngestion(this WebApplicationBuilder builder, PlatformOptions platform)
    {
        var options = builder.Configuration.GetSection("Ingestion").Get<IngestionOptions>() ?? new IngestionOptions();
        var faults = options.Faults().Concat(MissingServices(platform)).ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));

        var services = builder.Services;
        services.AddSingleton(options);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);

        services.AddSingleton<DevicePhotoStore>().AddSingleton<MaintenanceStore>().AddSingleton<DeviceStateStore>();
        services.AddSingleton<DeviceStore>().AddSingleton<DeviceProfiles>().AddSingleton<SensorThings>();
        services.AddSingleton<DeviceDirectory>().AddHostedService(provider => provider.GetRequiredService<DeviceDirectory>());
        services.AddSingleton<IApiKeyVerifier, DeviceKeys>();

        services.AddSingleton<OutboxStore>();
        services.AddSingleton<OutboxPublisher>().AddHostedService(provider => provider.GetRequiredService<OutboxPublisher>());
        services.AddEventHandler<DeviceProfileChanged>();

        services.AddSingleton(options.Inbox).AddSingleton<UnknownDeviceStore>().AddSingleton<DeviceRegistrar>().AddSingleton<DeviceImport>();
        services.AddSingleton<UnknownDevices>().AddHostedService(provider => provider.GetRequiredService<UnknownDevices>());
        services.AddSingleton<Adoption>().AddHostedService(provider => provider.GetRequiredService<Adoption>());

        services.AddSingleton(options.Watch).AddSingleton<DeviceSignStore>().AddSingleton<ConditionStore>();
        services.AddSingleton<DeviceWatch>().AddHostedService(provider => provider.GetRequiredService<DeviceWatch>());

        services.AddSingleton<SignalStore>();
        services.AddSingleton<DeviceSignals>().AddHostedService(provider => provider.GetRequiredService<DeviceSignals>());
        services.AddSingleton<MappingStore>().AddSingleton<KnownMappings>().AddSingleton<MappedUplinks>();
        services.AddSingleton(options.Sources).AddSingleton<SourceStore>().AddSingleton<SourceMessages>();
        services.AddSingleton<MqttSources>().AddHostedService(provider => provider.GetRequiredService<MqttSources>());
        services.AddSingleton(options.Downlinks).AddSingleton<DownlinkStore>().AddSingleton<WayStore>().AddSingleton<NetworkServers>().AddSingleton<DeviceTopics>();
        services.AddSingleton<DownlinkEncoder>().AddSingleton<DownlinkDoor>().AddSingleton<DownlinkAnswers>();
        services.AddSingleton<DownlinkReports>().AddHostedService(provider => provider.GetRequiredService<DownlinkReports>());
        services.AddSingleton<DownlinkSender>().AddHostedService(provider => provider.GetRequiredService<DownlinkSender>());
        services.AddLogConsumer<TakeCommands>();

        services.AddSingleton<UplinkDoor>().AddSingleton<HttpUplinks>().AddSingleton<RateLimits>();
        services.AddSingleton<BackPressure>().AddHostedService(provider => provider.GetRequiredService<BackPressure>());
        services.AddSingleton(options.Mqtt).AddSingleton<MqttLogin>().AddSingleton<MqttBroker>().AddSingleton<PublishDoor>().AddSingleton<MqttServer>();
        services.AddSingleton<FeedClient>().AddSingleton<FeedStreams>().AddSingleton<EntityDoor>();
        services.AddHttpClient(EntityDoor.HttpClient, client =>
        {
            client.BaseAddress = platform.ServiceAddress("observations");
            client.Timeout = TimeSpan.FromSeconds(15);
        });
        services.AddSingleton<SessionStore>().AddSingleton<IPrepareMunicipality, KeptSessions>();
        services.AddSingleton<SessionKeeper>().AddHostedService(provider => provider.GetRequiredService<SessionKeeper>());
        services.AddSingleton<MqttSessions>().AddHostedService(provider => provider.GetRequiredService<MqttSessions>());
        services.AddSingleton<AuthorityStore>().AddSingleton<KnownAuthorities>().AddSingleton<CertificateLogin>();
        services.AddSingleton<ServerCertificate>().AddHostedService(provider => provider.GetRequiredService<ServerCertificate>());
        services.AddSingleton<MqttListener>().AddHostedService(provider => provider.GetRequiredService<MqttListener>());
        services.AddSingleton<LastSeenWriter>().AddHostedService(provider => provider.GetRequiredService<LastSeenWriter>());
    }

    /// <summary>Maps the service's routes.</summary>
    public static void MapIngestion(this WebApplication app)
    {
        var devices = app.MapGroup("/{municipality}/devices").WithTags("Devices");
        RegisterDevice.Map(devices);
        ListDevices.Map(devices);
        ShowDevice.Map(devices);
        ReplaceDevice.Map(devices);
        RemoveDevice.Map(devices);
        RenewDeviceKey.Map(devices);
        PatchDevice.Map(devices);
        ReplaceHardware.Map(devices);
        ImportDevices.Map(devices);
        ExportDevices.Map(app);
        CountDevices.Map(app);
        MapDevices.Map(app);
        DevicePhotos.Map(devices);
        MaintainDevice.Map(devices);
        ChangeDeviceState.Map(devices);
        DeviceCertificates.Map(devices);
        AuthorityRoutes.Map(app.MapGroup("/{municipality}/device-certificate-authorities").WithTags("Devices"));
        DownlinkRoutes.Map(devices);
        WayRoutes.Map(app.MapGroup("/{municipality}/downlink-ways").WithTags("Downlinks"));
        ListDeviceConditions.Map(app.MapGroup("/{municipality}/device-conditions").WithTags("Devices"));
        var inbox = app.MapGroup("/{municipality}/unknown-devices").WithTags("Unknown devices");
        ListUnknownDevices.Map(inbox);
        IgnoreUnknownDevice.Map(inbox);
        AdoptDevice.Map(inbox);
        ShowSignals.Map(devices);
        MappingRoutes.Map(app.MapGroup("/{municipality}/uplink-mappings").WithTags("Uplinks"));
        SourceRoutes.Map(app.MapGroup("/{municipality}/mqtt-sources").WithTags("MQTT sources"));
        TakeUplinks.Map(app.MapGroup("/{municipality}/uplinks").WithTags("Uplinks"), app.Services.GetRequiredService<IngestionOptions>());
    }

    static IEnumerable<string> MissingServices(PlatformOptions platform) =>
        new[] { "identity", "streams", "observations" }.Where(service => !platform.Services.ContainsKey(service)).Select(service => $"Platform:Services:{service} is not set");
}
