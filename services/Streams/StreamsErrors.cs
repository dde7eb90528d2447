using Allmende.Platform;

namespace Allmende.Streams;

/// <summary>Errors of this service's API; the names are part of it.</summary>
static class StreamsErrors
{
    public static readonly ApiError CodecSyntax = new("codec_syntax", 422, "The codec does not parse");
    public static readonly ApiError LayoutInvalid = new("layout_invalid", 422, "The binary layout is not valid");
    public static readonly ApiError CodecTooLarge = new("codec_too_large", 413, "The codec is too large");
    public static readonly ApiError CodecEmpty = new("codec_empty", 422, "There is no codec in the body");
    public static readonly ApiError CodecInUse = new("codec_in_use", 409, "Device profiles use the codec");
    public static readonly ApiError CodecCall = new("codec_call_invalid", 422, "The codec cannot be called with this");
    public static readonly ApiError ProfileInvalid = new("device_profile_invalid", 422, "The device profile is not valid");
    public static readonly ApiError SuggestionInvalid = new("suggestion_invalid", 422, "No profile can be suggested for this");
    public static readonly ApiError ReplayInvalid = new("replay_invalid", 422, "This cannot be replayed");
    public static readonly ApiError ReplaysWaiting = new("replays_waiting", 409, "Too many replays are waiting");
    public static readonly ApiError ReplayOver = new("replay_over", 409, "The replay is over");
    public static readonly ApiError IdInvalid = new("id_invalid", 422, "This cannot be an id");

    /// <summary>A codec failed; the name is the fault's.</summary>
    public static ApiError CodecFailed(string type) => new(type, 422, "The codec failed");
}
