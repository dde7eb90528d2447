using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;
using Allmende.Streams.Codecs;
using Allmende.Streams.Profiles;

namespace Allmende.Streams.Replays;

/// <summary>
/// <c>POST /{municipality}/replays</c>. Profile and codec are those of this moment and stay those of the replay. A device's uplinks are decoded with the profile that
/// is named, else with that of its newest uplink; a profile's with itself.
/// </summary>
sealed class StartReplay(UplinkStore uplinks, ReplayStore replays, ProfileStore profiles, CodecStore codecs, DecodeAgain decode, StoredResults stored, RunReplays runner, ReplayOptions options,
    TimeProvider clock)
{
    const int SampleSize = 20, LongestId = 300;
    static readonly TimeSpan DefaultRange = TimeSpan.FromDays(7);

    /// <summary>Body.</summary>
    /// <param name="Device">Whose uplinks; all that were sent with <paramref name="Profile"/> where absent.</param>
    /// <param name="Profile">What they are decoded with; may be absent beside a device.</param>
    /// <param name="From">Those that arrived from then on; the last 7 days where absent.</param>
    /// <param name="To">Those that arrived before then; now where absent.</param>
    public sealed record ReplayBody(string? Device = null, string? Profile = null, DateTimeOffset? From = null, DateTimeOffset? To = null);

    /// <summary>What a replay would do.</summary>
    /// <param name="Uplinks">How many there are.</param>
    /// <param name="Profile">What they would be decoded with.</param>
    /// <param name="Codec">The profile's codec.</param>
    /// <param name="CodecVersion">Its version; null for the library's.</param>
    /// <param name="Sample">The first of them.</param>
    public sealed record DryRun(long Uplinks, string Profile, string? Codec, int? CodecVersion, IReadOnlyList<Sampled> Sample);

    /// <summary>One uplink.</summary>
    /// <param name="Uplink">Its id.</param>
    /// <param name="Device">Its device.</param>
    /// <param name="ReceivedAt">When it arrived.</param>
    /// <param name="Observations">What it would become, of the Datastreams that the caller may see.</param>
    /// <param name="Hidden">How many it would become besides: of Datastreams that the caller may not see, or that are not there.</param>
    /// <param name="Fault">Why it would become nothing.</param>
    public sealed record Sampled(string Uplink, string Device, DateTime ReceivedAt, IReadOnlyList<SampledObservation> Observations, int Hidden, string? Fault);

    /// <summary>One observation.</summary>
    /// <param name="Datastream">Its Datastream.</param>
    /// <param name="PhenomenonTime">Its time.</param>
    /// <param name="Now">The result that is stored; null where none is.</param>
    /// <param name="Result">What it would be: a number; a truth value or text where the field has no unit.</param>
    public sealed record SampledObservation(string Datastream, DateTime PhenomenonTime, JsonElement? Now, JsonElement Result);

    internal async Task<IResult> HandleAsync(string municipality, ReplayBody body, bool dryRun, HttpRequest caller, CancellationToken cancellation)
    {
        if (body.Device is null && body.Profile is null) return StreamsErrors.ReplayInvalid.Problem("Name a device or a profile.", "device");
        if (RangeOf(body, out var from, out var to) is { } fault) return fault;
        if (await ProfileAsync(municipality, body, cancellation) is not { } profile)
            return PlatformErrors.NotFound.Problem(body.Device is { } device ? $"No uplink of a device '{device}' is kept, or there is no such profile." : $"There is no device profile '{body.Profile}'.");
        var codec = profile.Codec is null ? null : await codecs.FindNowAsync(municipality, profile.Codec, cancellation);
        if (profile.Codec is not null && codec is null) return StreamsErrors.ReplayInvalid.Problem($"There is no codec '{profile.Codec}'. Create it first.", "profile");
        var which = new ReplayedUplinks(body.Device, profile.Id, from.UtcDateTime, to.UtcDateTime);
        var total = await uplinks.CountAsync(municipality, which, cancellation);
        var version = codec?.Municipality is null ? null : (int?)codec.Version;
        if (dryRun) return TypedResults.Ok(new DryRun(total, profile.Id, codec?.Id, version, await SampleAsync(municipality, which, profile, codec, caller, cancellation)));

        var accepted = await replays.AddAsync(municipality, new Replay
        {
            Id = Guid.CreateVersion7(clock.GetUtcNow()).ToString("N"),
            Device = body.Device,
            Profile = profile.Id,
            Definition = JsonSerializer.Serialize(profile, ContractsJson.Default.DeviceProfile),
            Codec = codec?.Id,
            CodecVersion = version,
            FromTime = which.From,
            ToTime = which.To,
            Total = total,
            AcceptedBy = caller.HttpContext.User.Name(),
        }, options.MostWaiting, cancellation);
        if (accepted is null) return StreamsErrors.ReplaysWaiting.Problem($"{options.MostWaiting} wait already. Wait for them, or cancel some.");
        runner.Wake(municipality);
        return TypedResults.Accepted($"/{municipality}/replays/{accepted.Id}", ReplayRoutes.ReplayInfo.Of(accepted));
    }

    IResult? RangeOf(ReplayBody body, out DateTimeOffset from, out DateTimeOffset to)
    {
        var now = clock.GetUtcNow();
        var since = uplinks.KeptSince;
        to = body.To is { } end && end < now ? end : now;
        from = body.From ?? to - DefaultRange;
        if (body.From is null && from < since) from = since;
        if (from < since) return StreamsErrors.ReplayInvalid.Problem($"Uplinks are kept for {options.KeepDays} days: since {since.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}.", "from");
        return from < to ? null : StreamsErrors.ReplayInvalid.Problem("'from' must lie before 'to', and not in the future.", "from");
    }

    async Task<DeviceProfile?> ProfileAsync(string municipality, ReplayBody body, CancellationToken cancellation)
    {
        if (!IsId(body.Device) || !IsId(body.Profile)) return null;
        var last = body.Device is null ? null : await uplinks.ProfileOfAsync(municipality, body.Device, cancellation);
        if (body.Device is not null && last is null) return null;
        return await profiles.FindNowAsync(municipality, body.Profile ?? last!, cancellation);
    }

    static bool IsId(string? id) => id is null || (id.Length is > 0 and <= LongestId && !id.Contains('\0'));

    async Task<IReadOnlyList<Sampled>> SampleAsync(
        string municipality, ReplayedUplinks which, DeviceProfile profile, Codec? codec, HttpRequest caller, CancellationToken cancellation)
    {
        var sample = await uplinks.ReadAsync(municipality, which, (which.From, ""), SampleSize, cancellation);
        var decoded = await decode.DecodeAsync(municipality, sample, new ReadyProfile(profile), codec, cancellation);
        var keys = decoded.SelectMany(one => one.Observations).Select(observation => new ObservationKey(observation.Datastream, Observation.Time(observation.PhenomenonTime))).ToArray();
        var now = await stored.FindAsync(municipality, keys, caller, cancellation);
        var place = 0;
        return [.. decoded.Select(one =>
        {
            var seen = one.Observations.Select(observation => (Observation: observation, Now: now[place++])).Where(pair => pair.Now is not null)
                .Select(pair => new SampledObservation(pair.Observation.Datastream, Observation.Time(pair.Observation.PhenomenonTime), pair.Now!.Result, ResultOf(pair.Observation))).ToList();
            return new Sampled(one.Uplink.Id, one.Uplink.Device, one.Uplink.ReceivedAt.UtcDateTime, seen, one.Observations.Count - seen.Count, one.Fault?.Reason);
        })];
    }

    static JsonElement ResultOf(Observation observation)
    {
        if (observation.Json is null) return JsonSerializer.SerializeToElement(observation.Value, JsonSerializerOptions.Web);
        using var document = JsonDocument.Parse(observation.Json);
        return document.RootElement.Clone();
    }
}
