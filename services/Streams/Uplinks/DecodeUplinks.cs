using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Streams.Codecs;
using Allmende.Streams.Profiles;
using Allmende.Streams.Replays;

namespace Allmende.Streams.Uplinks;

/// <summary>
/// Topic <c>uplinks</c> becomes topic <c>observations</c>: read the batch, find each uplink's profile, group by codec, decode the groups side by
/// side, map the fields, check the quality, append one batch of observations per Thing. What cannot be processed goes to <c>dead-letters</c>
/// with the reason, as it came. Beside that all uplinks are kept for replays. Everything is made from the uplink alone, so a batch that comes again
/// gives the same observations.
/// </summary>
sealed class DecodeUplinks(ProfileStore profiles, CodecStore codecs, UplinkDecoder decoder, UplinkStore kept, ILog log, TimeProvider clock) : ILogConsumer
{
    public static string Topic => Topics.Uplinks;

    public static string Group => "streams";

    public async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        var letters = new DeadLetters(batch.Municipality, log, clock);
        var readable = new List<Pending>(batch.Records.Count);
        var uplinks = new List<Uplink>(batch.Records.Count);
        foreach (var record in batch.Records)
        {
            if (Read(record) is not { } uplink)
            {
                letters.Add(record, "uplink_malformed", "The record is no uplink.");
                continue;
            }
            uplinks.Add(uplink);
            if (await profiles.FindReadyAsync(batch.Municipality, uplink.Profile, cancellation) is not { } profile)
                letters.Add(record, uplink, "profile_unknown", $"There is no device profile '{uplink.Profile}'. Create it, then replay.");
            else readable.Add(new Pending(record, uplink, profile));
        }
        var decoding = readable.GroupBy(pending => pending.Work).Select(group => HandleGroupAsync(batch.Municipality, group.Key, [.. group], letters, cancellation));
        await Task.WhenAll(decoding.Append(kept.KeepAsync(batch.Municipality, uplinks, cancellation)));
        await letters.SendAsync(cancellation);
    }

    sealed record Pending(LogRecord Record, Uplink Uplink, ReadyProfile Profile)
    {
        public UplinkWork Work { get; } = UplinkWork.Of(Uplink, Profile.Profile);
    }

    async Task HandleGroupAsync(string municipality, UplinkWork work, Pending[] group, DeadLetters letters, CancellationToken cancellation)
    {
        var codec = work.Codec is null ? null : await codecs.FindAsync(municipality, work.Codec, cancellation);
        var observations = new Dictionary<string, List<Observation>>(StringComparer.Ordinal);
        await decoder.DecodeAsync(municipality, work, codec, Array.ConvertAll(group, pending => pending.Uplink),
            (index, fields) => Map(group[index], fields, observations),
            (index, fault) => letters.Add(group[index].Record, group[index].Uplink, fault.Type, fault.Reason), isTrial: false, cancellation);
        await HandOnAsync(municipality, group, observations, cancellation);
    }

    static void Map(Pending pending, UplinkFields fields, Dictionary<string, List<Observation>> observations)
    {
        if (!observations.TryGetValue(pending.Uplink.Device, out var ofDevice)) observations.Add(pending.Uplink.Device, ofDevice = []);
        pending.Profile.Map(pending.Uplink, fields.Normal, fields.Data, fields.Warned, ofDevice);
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
