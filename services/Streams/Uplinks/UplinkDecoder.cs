using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Codecs;

namespace Allmende.Streams.Uplinks;

/// <summary>Uplinks that need the same done to them.</summary>
/// <param name="Codec">The codec's id; null where none is needed.</param>
/// <param name="Decoded">Whether the sender decoded them.</param>
sealed record UplinkWork(string? Codec, bool Decoded)
{
    public static UplinkWork Of(Uplink uplink, DeviceProfile profile) => new(profile.Codec, uplink is { Bytes: null, Data: not null });
}

/// <summary>The fields of an uplink, before a profile takes some of them.</summary>
/// <param name="Normal">What <c>normalizeUplink</c> made.</param>
/// <param name="Data">What <c>decodeUplink</c> or the sender gave.</param>
/// <param name="Warned">Whether the codec warned.</param>
readonly record struct UplinkFields(JsonElement? Normal, JsonElement Data, bool Warned);

/// <summary>Makes fields of uplinks.</summary>
sealed class UplinkDecoder(CodecRunner runner)
{
    /// <summary>Decodes uplinks that need the same; each is either taken or has failed.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="work">What they need.</param>
    /// <param name="codec">The codec; null if there is none of that id.</param>
    /// <param name="uplinks">The uplinks.</param>
    /// <param name="taken">Is given the place of an uplink and its fields.</param>
    /// <param name="failed">Is given the place of an uplink and why there are none.</param>
    /// <param name="isTrial">Whether a codec that has to be stopped is given no more and not put in quarantine.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public async Task DecodeAsync(
        string municipality, UplinkWork work, Codec? codec, IReadOnlyList<Uplink> uplinks, Action<int, UplinkFields> taken, Action<int, CodecFault> failed, bool isTrial,
        CancellationToken cancellation)
    {
        if (work.Decoded && codec?.MayNormalize != true)
        {
            for (var i = 0; i < uplinks.Count; i++) taken(i, new UplinkFields(null, uplinks[i].Data!.Value, false));
            return;
        }
        if (codec is null)
        {
            for (var i = 0; i < uplinks.Count; i++)
                failed(i, new CodecFault("codec_unknown", work.Codec is null
                    ? $"The uplink carries bytes, and profile '{uplinks[i].Profile}' names no codec. Give it one, then replay."
                    : $"There is no codec '{work.Codec}'. Create it, then replay."));
            return;
        }
        var outcomes = await RunAsync(municipality, work, codec, uplinks.Select(Call).ToArray(), isTrial, cancellation);
        for (var i = 0; i < uplinks.Count; i++)
        {
            if ((outcomes[i].Fault ?? DecodedUplink.FaultOf(outcomes[i].Answer)) is { } fault) failed(i, fault);
            else
            {
                var decoded = new DecodedUplink(outcomes[i].Answer);
                taken(i, new UplinkFields(decoded.Normal, decoded.Data, decoded.Warned));
            }
        }
    }

    Task<IReadOnlyList<CodecOutcome>> RunAsync(string municipality, UplinkWork work, Codec codec, CodecCall[] calls, bool isTrial, CancellationToken cancellation) =>
        work.Decoded ? runner.NormalizeAsync(municipality, codec, calls, cancellation, isTrial)
        : isTrial ? runner.TryAsync(municipality, codec, calls, cancellation)
        : runner.DecodeAsync(municipality, codec, calls, cancellation);

    static CodecCall Call(Uplink uplink) => uplink is { Bytes: null, Data: not null }
        ? new CodecCall(Data: uplink.Data)
        : new CodecCall(uplink.FPort, uplink.Bytes ?? [], uplink.Time);
}
