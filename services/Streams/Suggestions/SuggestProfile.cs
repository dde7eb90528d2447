using System.Collections.Frozen;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Streams.Codecs;
using Allmende.Streams.Library;
using Allmende.Streams.Profiles;

namespace Allmende.Streams.Suggestions;

/// <summary>
/// <c>POST /{municipality}/device-profiles/suggest</c>: which profile a device may have, by its messages: port, length, and a trial by every
/// codec of the library and of the municipality.
/// </summary>
sealed class SuggestProfile(ProfileStore profiles, CodecStore codecs, CodecRunner runner, DeviceLibrary library) : IDisposable
{
    /// <summary>Bytes of a request: the most uplinks of the longest payload, written as numbers.</summary>
    public const int LargestBody = 64 * 1024;

    const int MostUplinks = 10, LongestPayload = 1024, MostOwnProfiles = 200, MostOwnScripts = 20, MostSuggestions = 10, AtOnce = 2;
    const double LeastScore = 0.3;
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    readonly FrozenDictionary<string, KnownMessages> known = KnownMessages.Of(library);
    readonly SemaphoreSlim turns = new(AtOnce);

    /// <summary>Body: some messages of one device.</summary>
    public sealed record SuggestBody(IReadOnlyList<UplinkBody>? Uplinks = null);

    /// <summary>One message.</summary>
    /// <param name="FPort">LoRaWAN port; 1 where absent.</param>
    /// <param name="Bytes">The payload: hexadecimal, or an array of numbers from 0 to 255.</param>
    public sealed record UplinkBody(int? FPort = null, JsonElement? Bytes = null);

    /// <summary>A profile that may be the device's.</summary>
    /// <param name="Profile">Its id.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Vendor">The maker.</param>
    /// <param name="Model">The maker's name for the device.</param>
    /// <param name="Origin"><c>library</c> or <c>municipality</c>.</param>
    /// <param name="Score">How well it fits, 0 to 1.</param>
    /// <param name="Data">What its codec makes of the message that shows most.</param>
    /// <param name="Observations">What would be kept of it.</param>
    /// <param name="Reasons">What speaks for it: <c>port</c>, <c>length</c>, <c>fields</c>, <c>in range</c>.</param>
    public sealed record Suggestion(
        string Profile, string Name, string? Vendor, string? Model, string Origin, double Score, JsonElement Data, IReadOnlyList<SuggestedObservation> Observations, IReadOnlyList<string> Reasons);

    /// <summary>One value.</summary>
    /// <param name="Field">The profile's field.</param>
    /// <param name="Name">German name.</param>
    /// <param name="NameEn">English name.</param>
    /// <param name="Value">A number; a truth value or text where the field has no unit.</param>
    /// <param name="Unit">UCUM code.</param>
    public sealed record SuggestedObservation(string Field, string Name, string? NameEn, JsonElement Value, string? Unit);

    internal async Task<IResult> HandleAsync(string municipality, SuggestBody body, CancellationToken cancellation)
    {
        if (body.Uplinks is not { Count: > 0 and <= MostUplinks } uplinks) return StreamsErrors.SuggestionInvalid.Problem($"Send 1 to {MostUplinks} uplinks.", "uplinks");
        var messages = new List<UnknownMessage>(uplinks.Count);
        foreach (var (index, uplink) in uplinks.Index())
        {
            if (uplink?.FPort is < 0 or > 255) return StreamsErrors.SuggestionInvalid.Problem("'fPort' must be 0 to 255.", $"uplinks[{index}].fPort");
            if (PayloadText.Read(uplink?.Bytes, LongestPayload) is not { Length: > 0 } bytes)
                return StreamsErrors.SuggestionInvalid.Problem($"'bytes' must be {PayloadText.Rule}, 1 to {LongestPayload} bytes.", $"uplinks[{index}].bytes");
            messages.Add(new UnknownMessage(uplink!.FPort ?? 1, bytes));
        }
        // Trying the whole library is quick, and still more than one call of many municipalities should ask for at once.
        if (!await turns.WaitAsync(Longest, cancellation)) return PlatformErrors.Unavailable.Problem("Too many ask for suggestions just now.");
        try
        {
            return TypedResults.Ok(await RankAsync(municipality, messages, cancellation));
        }
        finally
        {
            turns.Release();
        }
    }

    async Task<List<Suggestion>> RankAsync(string municipality, List<UnknownMessage> messages, CancellationToken cancellation)
    {
        var candidates = await CandidatesAsync(municipality, cancellation);
        var outcomes = await TryAsync(municipality, candidates.Select(candidate => candidate.Codec).DistinctBy(codec => codec.Id), messages, cancellation);
        return candidates.Where(candidate => outcomes.ContainsKey(candidate.Codec.Id))
            .Select(candidate => (candidate.Profile, candidate.Codec,
                Match: ProfileMatch.Of(candidate.Profile, candidate.Codec.Municipality is null ? known.GetValueOrDefault(candidate.Codec.Id) : null, messages, outcomes[candidate.Codec.Id])))
            .Where(found => found.Match?.Score >= LeastScore)
            .OrderByDescending(found => found.Match!.Score).ThenBy(found => IsLibrary(found.Profile)).ThenBy(found => found.Profile.Profile.Id, StringComparer.Ordinal)
            .Take(MostSuggestions)
            .Select(found => Word(found.Profile, found.Match!))
            .ToList();
    }

    bool IsLibrary(ReadyProfile profile) => library.Profiles.TryGetValue(profile.Profile.Id, out var shipped) && ReferenceEquals(shipped, profile.Profile);

    /// <summary>Every profile of the library and of the municipality with its codec, as far as one request may try: own codecs in JavaScript cost most.</summary>
    async Task<List<(ReadyProfile Profile, Codec Codec)>> CandidatesAsync(string municipality, CancellationToken cancellation)
    {
        var all = (await codecs.ListAsync(municipality, cancellation)).ToDictionary(codec => codec.Id, StringComparer.Ordinal);
        var (own, scripts) = (0, new HashSet<string>(StringComparer.Ordinal));
        var candidates = new List<(ReadyProfile, Codec)>();
        foreach (var profile in await profiles.ListAsync(municipality, cancellation))
        {
            var ready = new ReadyProfile(profile);
            if (profile.Codec is null || !all.TryGetValue(profile.Codec, out var codec) || (!IsLibrary(ready) && own++ >= MostOwnProfiles)) continue;
            if (codec.Municipality is not null && codec.Layout is null && !scripts.Contains(codec.Id) && (scripts.Count >= MostOwnScripts || !scripts.Add(codec.Id))) continue;
            candidates.Add((ready, codec));
        }
        return candidates;
    }

    /// <summary>What each codec makes of the messages; a codec that does not answer in time is left out.</summary>
    async Task<Dictionary<string, IReadOnlyList<CodecOutcome>>> TryAsync(string municipality, IEnumerable<Codec> tried, List<UnknownMessage> messages, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Longest);
        var calls = messages.Select(message => new CodecCall(message.FPort, message.Bytes, DateTimeOffset.UnixEpoch)).ToList();
        var trials = await Task.WhenAll(tried.Select(async codec =>
        {
            try
            {
                return (codec.Id, Outcomes: await runner.TryAsync(municipality, codec, calls, limit.Token));
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return (codec.Id, Outcomes: []);
            }
        }));
        return trials.Where(trial => trial.Outcomes.Count > 0).ToDictionary(trial => trial.Id, trial => trial.Outcomes, StringComparer.Ordinal);
    }

    Suggestion Word(ReadyProfile ready, ProfileMatch match)
    {
        var profile = ready.Profile;
        var fields = profile.Fields.ToDictionary(field => field.Field, StringComparer.Ordinal);
        return new Suggestion(
            profile.Id, profile.Name, profile.Vendor, profile.Model, IsLibrary(ready) ? "library" : "municipality", match.Score, match.Data,
            match.Observations.Select(observation => Word(fields[observation.Datastream[1..]], observation)).ToList(), match.Reasons);
    }

    static SuggestedObservation Word(ProfileField field, Observation observation)
    {
        var reader = new Utf8JsonReader(observation.Json is { } json ? System.Text.Encoding.UTF8.GetBytes(json) : JsonSerializer.SerializeToUtf8Bytes(observation.Value, LibraryJson.Default.Double));
        return new SuggestedObservation(field.Field, field.Name, field.NameEn, JsonElement.ParseValue(ref reader), field.Unit);
    }

    public void Dispose() => turns.Dispose();
}
