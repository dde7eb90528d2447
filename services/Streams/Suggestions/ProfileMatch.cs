using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Codecs;
using Allmende.Streams.Profiles;
using Allmende.Streams.Uplinks;

namespace Allmende.Streams.Suggestions;

/// <summary>A message of a device that nobody has named yet.</summary>
readonly record struct UnknownMessage(int FPort, ReadOnlyMemory<byte> Bytes);

/// <summary>How well a profile fits a device's messages.</summary>
/// <param name="Score">0 to 1.</param>
/// <param name="Data">What the codec made of the message that shows most.</param>
/// <param name="Observations">What the profile would make of it.</param>
/// <param name="Reasons">What speaks for it: <c>port</c>, <c>length</c>, <c>fields</c>, <c>in range</c>, each if it holds for all messages.</param>
sealed record ProfileMatch(double Score, JsonElement Data, IReadOnlyList<Observation> Observations, IReadOnlyList<string> Reasons)
{
    // Together 1. The port says little where many makers take the first; a trial that gives plausible values of most fields says most.
    const double PortCounts = 0.25, LengthCounts = 0.2, FieldsCount = 0.25, RangeCounts = 0.3;
    const double NothingKnown = 0.5, WarnedCounts = 0.5, OtherLengthCounts = 0.8;

    // Any bit is a plausible truth value; only numbers can be out of range.
    const double WithoutNumbers = 0.6;

    readonly record struct Trial(double Score, JsonElement Data, List<Observation> Observations, bool Port, bool Length, bool InRange);

    /// <summary>The match; null if the codec makes nothing of any of the messages.</summary>
    /// <param name="profile">The profile that is tried.</param>
    /// <param name="known">What is known of its codec's messages; null if nothing is.</param>
    /// <param name="messages">The device's messages.</param>
    /// <param name="outcomes">What the codec made of each.</param>
    public static ProfileMatch? Of(ReadyProfile profile, KnownMessages? known, IReadOnlyList<UnknownMessage> messages, IReadOnlyList<CodecOutcome> outcomes)
    {
        var trials = messages.Zip(outcomes, (message, outcome) => Try(profile, known, message, outcome)).OfType<Trial>().ToList();
        if (trials.Count == 0) return null;
        var best = trials.MaxBy(trial => trial.Observations.Count);
        var all = trials.Count == messages.Count;
        var reasons = new List<string>();
        if (all && trials.All(trial => trial.Port)) reasons.Add("port");
        if (all && trials.All(trial => trial.Length)) reasons.Add("length");
        if (trials.Any(trial => trial.Observations.Count > 0)) reasons.Add("fields");
        if (all && trials.All(trial => trial.InRange)) reasons.Add("in range");
        return new ProfileMatch(Math.Round(trials.Sum(trial => trial.Score) / messages.Count, 3), best.Data, best.Observations, reasons);
    }

    static Trial? Try(ReadyProfile profile, KnownMessages? known, UnknownMessage message, CodecOutcome outcome)
    {
        if ((outcome.Fault ?? DecodedUplink.FaultOf(outcome.Answer)) is not null) return null;
        var decoded = new DecodedUplink(outcome.Answer);
        var observations = new List<Observation>();
        var time = DateTimeOffset.UnixEpoch;
        profile.Map(new Uplink("", "", profile.Profile.Id, time, time, message.FPort), decoded.Normal, decoded.Data, decoded.Warned, observations);
        var port = known?.HasPort(message.FPort);
        var length = known?.Length(message.FPort, message.Bytes.Length);
        var fields = (double)observations.Count / profile.Profile.Fields.Count;
        var inRange = observations.Count == 0 ? 0 : (double)observations.Count(observation => (observation.Quality & Quality.OutOfRange) == 0) / observations.Count;
        var numbers = observations.Exists(observation => profile.Profile.Fields.Any(field => field.Range is not null && observation.Datastream.AsSpan(1).SequenceEqual(field.Field)));
        var score = PortCounts * (port is { } knownPort ? Convert.ToDouble(knownPort) : NothingKnown) + LengthCounts * (length ?? NothingKnown)
            + FieldsCount * fields + RangeCounts * inRange * (numbers ? 1 : WithoutNumbers);
        if (length == 0) score *= OtherLengthCounts;
        // Where one value cannot be right, the others are right by chance.
        if (observations.Count > 0) score *= 0.4 + 0.6 * inRange;
        return new Trial(decoded.Warned ? score * WarnedCounts : score, decoded.Data, observations, port == true, length == 1, inRange == 1);
    }
}
