using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Streams.Codecs;
using Allmende.Streams.Profiles;

namespace Allmende.Streams.Uplinks;

/// <summary>
/// Topic <c>uplinks</c> becomes topic <c>observations</c>: read the batch, find each uplink's profile, group by codec, decode the groups side by
/// side, map the fields, check the quality, append one batch of observations per Thing. What cannot be processed goes to <c>dead-letters</c>
/// with the reason, as it came. Everything is made from the uplink alone, so a batch that comes again gives the same observations.
/// </summary>
sealed class DecodeUplinks(ProfileStore profiles, CodecStore codecs, CodecRunner runner, ILog log, TimeProvider clock) : ILogConsumer
{
    public static string Topic => Topics.Uplinks;

    public static string Group => "streams";

    public async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        var letters = new DeadLetters(batch.Municipality, log, clock);
        var readable = new List<Pending>(batch.Records.Count);
        foreach (var record in batch.Records)
        {
            if (Read(record) is not { } uplink) letters.Add(record, "uplink_malformed", "The record is no uplink.");
            else if (await profiles.FindReadyAsync(batch.Municipality, uplink.Profile, cancellation) is not { } profile)
                letters.Add(record, uplink, "profile_unknown", $"There is no device profile '{uplink.Profile}'. Create it, then replay.");
            else readable.Add(new Pending(record, uplink, profile));
        }
        await Task.WhenAll(readable.GroupBy(pending => pending.Work).Select(group => HandleGroupAsync(batch.Municipality, group.Key, [.. group], letters, cancellation)));
        await letters.SendAsync(cancellation);
    }

    /// <summary>Uplinks that need the same done to them.</summary>
    /// <param name="Codec">The codec's id; null where none is needed.</param>
    /// <param name="Decoded">Whether the sender decoded them.</param>
    sealed record Work(string? Codec, bool Decoded);

    sealed record Pending(LogRecord Record, Uplink Uplink, ReadyProfile Profile)
    {
        public Work Work { get; } = new(Profile.Profile.Codec, Uplink is { Bytes: null, Data: not null });
    }

    async Task HandleGroupAsync(string municipality, Work work, Pending[] group, DeadLetters letters, CancellationToken cancellation)
    {
        var codec = work.Codec is null ? null : await codecs.FindAsync(municipality, work.Codec, cancellation);
        var observations = new Dictionary<string, List<Observation>>(StringComparer.Ordinal);
        if (work.Decoded && codec?.MayNormalize != true)
            foreach (var pending in group) Map(pending, null, pending.Uplink.Data!.Value, false, observations);
        else if (codec is null)
            foreach (var pending in group)
                letters.Add(pending.Record, pending.Uplink, "codec_unknown", work.Codec is null
                    ? $"The uplink carries bytes, and profile '{pending.Uplink.Profile}' names no codec. Give it one, then replay."
                    : $"There is no codec '{work.Codec}'. Create it, then replay.");
        else
        {
            var calls = Array.ConvertAll(group, pending => Call(pending.Uplink));
            var outcomes = work.Decoded
                ? await runner.NormalizeAsync(municipality, codec, calls, cancellation)
                : await runner.DecodeAsync(municipality, codec, calls, cancellation);
            for (var i = 0; i < group.Length; i++) Take(group[i], outcomes[i], observations, letters);
        }
        await HandOnAsync(municipality, group, observations, cancellation);
    }

    static CodecCall Call(Uplink uplink) => uplink is { Bytes: null, Data: not null }
        ? new CodecCall(Data: uplink.Data)
        : new CodecCall(uplink.FPort, uplink.Bytes ?? [], uplink.Time);

    static void Take(Pending pending, CodecOutcome outcome, Dictionary<string, List<Observation>> observations, DeadLetters letters)
    {
        var fault = outcome.Fault ?? DecodedUplink.FaultOf(outcome.Answer);
        if (fault is not null)
        {
            letters.Add(pending.Record, pending.Uplink, fault.Type, fault.Reason);
            return;
        }
        var decoded = new DecodedUplink(outcome.Answer);
        Map(pending, decoded.Normal, decoded.Data, decoded.Warned, observations);
    }

    static void Map(Pending pending, JsonElement? normal, JsonElement data, bool warned, Dictionary<string, List<Observation>> observations)
    {
        if (!observations.TryGetValue(pending.Uplink.Device, out var ofDevice)) observations.Add(pending.Uplink.Device, ofDevice = []);
        pending.Profile.Map(pending.Uplink, normal, data, warned, ofDevice);
        Telemetry.Uplinks.Add(1, new KeyValuePair<string, object?>("outcome", "decoded"));
    }

    /// <summary>One batch per Thing, in the order of its uplinks. A group is handed on as soon as it is decoded.</summary>
    async Task HandOnAsync(string municipality, Pending[] group, Dictionary<string, List<Observation>> observations, CancellationToken cancellation)
    {
        var received = group.GroupBy(pending => pending.Uplink.Device, StringComparer.Ordinal)
            .ToDictionary(device => device.Key, device => device.Min(pending => pending.Uplink.ReceivedAt), StringComparer.Ordinal);
        await Task.WhenAll(observations.Where(pair => pair.Value.Count > 0).Select(pair => log.AppendAsync(municipality, Topics.Observations, pair.Key,
            ObservationBatch.Write(Observation.Micros(received[pair.Key]), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pair.Value)), cancellation)));
        Telemetry.Observations.Add(observations.Sum(pair => pair.Value.Count));
        if (received.Count > 0) Telemetry.Age.Record((clock.GetUtcNow() - received.Values.Min()).TotalSeconds);
    }

    static Uplink? Read(LogRecord record)
    {
        try
        {
            return JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.Uplink) is { Id: not null, Device: not null, Profile: not null } uplink ? uplink : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The dead letters of one batch; groups add to it side by side.</summary>
    sealed class DeadLetters(string municipality, ILog log, TimeProvider clock)
    {
        readonly List<DeadLetter> letters = [];

        public void Add(LogRecord record, Uplink uplink, string type, string reason) => Add(record, uplink.Id, uplink.Device, type, reason);

        public void Add(LogRecord record, string type, string reason) =>
            Add(record, $"uplinks.{record.Position.Partition}.{record.Position.Major}-{record.Position.Minor}", null, type, reason);

        void Add(LogRecord record, string id, string? device, string type, string reason)
        {
            Telemetry.Uplinks.Add(1, new KeyValuePair<string, object?>("outcome", type));
            lock (letters) letters.Add(new DeadLetter(id, Topic, record.Key, device, type, reason, clock.GetUtcNow(), record.Payload.ToArray()));
        }

        public async Task SendAsync(CancellationToken cancellation) => await Task.WhenAll(letters.Select(letter => log.AppendAsync(municipality, letter, cancellation)));
    }
}
