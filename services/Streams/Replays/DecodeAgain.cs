using Allmende.Contracts;
using Allmende.Streams.Codecs;
using Allmende.Streams.Profiles;
using Allmende.Streams.Uplinks;

namespace Allmende.Streams.Replays;

/// <summary>What became of an uplink that was decoded again.</summary>
/// <param name="Uplink">The uplink.</param>
/// <param name="Observations">Made of it.</param>
/// <param name="Fault">Why there are none.</param>
readonly record struct DecodedAgain(Uplink Uplink, List<Observation> Observations, CodecFault? Fault);

/// <summary>Decodes kept uplinks, all with one profile. A codec that has to be stopped is given no more of them, and earns no quarantine for the live ones.</summary>
sealed class DecodeAgain(UplinkDecoder decoder)
{
    /// <summary>The uplinks with what became of them, in their order.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public async Task<DecodedAgain[]> DecodeAsync(string municipality, IReadOnlyList<Uplink> uplinks, ReadyProfile profile, Codec? codec, CancellationToken cancellation)
    {
        var outcomes = new DecodedAgain[uplinks.Count];
        foreach (var group in uplinks.Select((uplink, place) => (uplink, place)).GroupBy(one => UplinkWork.Of(one.uplink, profile.Profile)))
        {
            var places = group.Select(one => one.place).ToArray();
            await decoder.DecodeAsync(municipality, group.Key, codec, Array.ConvertAll(places, place => uplinks[place]),
                (index, fields) =>
                {
                    var uplink = uplinks[places[index]];
                    var observations = new List<Observation>();
                    profile.Map(uplink, fields.Normal, fields.Data, fields.Warned, observations);
                    outcomes[places[index]] = new DecodedAgain(uplink, observations, null);
                },
                (index, fault) => outcomes[places[index]] = new DecodedAgain(uplinks[places[index]], [], fault), isTrial: true, cancellation);
        }
        return outcomes;
    }
}
