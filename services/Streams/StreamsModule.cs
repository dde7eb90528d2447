using Allmende.Contracts;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Streams.Codecs;
using Allmende.Streams.DeadLetters;
using Allmende.Streams.Library;
using Allmende.Streams.Profiles;
using Allmende.Streams.Replays;
using Allmende.Streams.Suggestions;
using Allmende.Streams.Uplinks;

namespace Allmende.Streams;

/// <summary>All of the service: what runs, and what answers.</summary>
static class StreamsModule
{
    public const string Service = "streams";

    /// <summary>Who may change codecs and device profiles, and replay.</summary>
    public static readonly string[] Editors = [Roles.Admin, Roles.DataSteward, Roles.Developer];

    public static void AddStreams(this WebApplicationBuilder builder)
    {
        var codecs = builder.Configuration.GetSection("Codecs").Get<CodecOptions>() ?? new CodecOptions();
        var replays = builder.Configuration.GetSection("Replays").Get<ReplayOptions>() ?? new ReplayOptions();
        var faults = codecs.Faults().Concat(replays.Faults()).ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));

        var services = builder.Services;
        services.AddSingleton(TimeProvider.System).AddSingleton(codecs).AddSingleton<DeviceLibrary>();
        services.AddSingleton<CodecRunner>().AddSingleton<CodecStore>().AddSingleton<CallCodec.Caller>().AddSingleton<SuggestProfile>();
        services.AddSingleton<ProfileStore>().AddSingleton<IEventHandler>(provider => provider.GetRequiredService<ProfileStore>());
        services.AddSingleton<DeadLetterStore>().AddSingleton<UplinkDecoder>();
        services.AddSingleton(replays).AddSingleton<UplinkStore>().AddSingleton<ReplayStore>().AddSingleton<DecodeAgain>().AddSingleton<StoredResults>().AddSingleton<StartReplay>();
        services.AddSingleton<RunReplays>().AddHostedService(provider => provider.GetRequiredService<RunReplays>());
        services.AddHostedService<TrimUplinks>();
        services.AddLogConsumer<DecodeUplinks>();
        services.AddLogConsumer<KeepDeadLetters>();
    }

    public static void MapStreams(this WebApplication app)
    {
        app.MapCodecs();
        app.MapProfiles();
        app.MapDeadLetters();
        app.MapReplays();
        app.Services.GetRequiredService<CodecRunner>().Start();
    }
}
