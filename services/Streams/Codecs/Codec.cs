using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Allmende.Streams.Layouts;

namespace Allmende.Streams.Codecs;

/// <summary>A payload codec: JavaScript as in The Things Network's device repository, or a binary layout.</summary>
/// <param name="Id">Slug.</param>
/// <param name="Text">The JavaScript: any of <c>decodeUplink</c>, <c>normalizeUplink</c>, <c>encodeDownlink</c>, <c>decodeDownlink</c>; or the layout's JSON.</param>
/// <param name="Municipality">Whose codec it is; null if it ships with the platform.</param>
/// <param name="Version">Counts the changes of a municipality's codec, from 1.</param>
/// <param name="ChangedAt">When this version came; null for the library's.</param>
public sealed record Codec(string Id, string Text, string? Municipality = null, int Version = 1, DateTimeOffset? ChangedAt = null)
{
    /// <summary>Stands for this text of this owner; a changed codec has another key, so nothing held against the old text burdens the new.</summary>
    public string Key { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Municipality}/{Id}\n{Text}")))[..32];

    readonly bool namesNormalize = Text.Contains("normalizeUplink", StringComparison.Ordinal);

    /// <summary>The layout, where it is one: read by the service itself, not in the sandbox.</summary>
    internal BinaryLayout? Layout { get; init; }

    /// <summary>Whether it may define <c>normalizeUplink</c>; spares the calls to those that do not.</summary>
    public bool MayNormalize => Layout is null && namesNormalize;

    /// <summary>What it is written in: one of <see cref="CodecKinds"/>.</summary>
    public string Kind => Layout is null ? CodecKinds.JavaScript : CodecKinds.Layout;
}

/// <summary>What codecs are written in.</summary>
public static class CodecKinds
{
    /// <summary>Functions, run in the sandbox.</summary>
    public const string JavaScript = "javascript";
    /// <summary>A declarative binary layout, in JSON.</summary>
    public const string Layout = "layout";

    /// <summary>The media type of a text of this kind.</summary>
    public static string MediaType(string kind) => kind == Layout ? "application/json; charset=utf-8" : "text/javascript; charset=utf-8";
}

/// <summary>What a codec is asked to do.</summary>
public enum CodecOperation
{
    /// <summary><c>decodeUplink</c>, then <c>normalizeUplink</c> if there is one.</summary>
    Uplink,
    /// <summary><c>normalizeUplink</c> alone, on data that came decoded.</summary>
    Normalize,
    /// <summary><c>encodeDownlink</c>.</summary>
    Encode,
    /// <summary><c>decodeDownlink</c>.</summary>
    DecodeDownlink,
    /// <summary>Parses the text, runs nothing.</summary>
    Check,
}

/// <summary>The input of one call.</summary>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="Bytes">The payload.</param>
/// <param name="RecvTime">When the uplink was received; a <c>Date</c> in the codec.</param>
/// <param name="Data">Fields, where the operation takes such.</param>
public readonly record struct CodecCall(int FPort = 0, ReadOnlyMemory<byte> Bytes = default, DateTimeOffset? RecvTime = null, JsonElement? Data = null)
{
    internal string ToJson()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(64 + Bytes.Length * 4);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (Data is { } data)
            {
                json.WritePropertyName("data");
                data.WriteTo(json);
            }
            else
            {
                json.WriteNumber("fPort", FPort);
                json.WriteStartArray("bytes");
                foreach (var one in Bytes.Span) json.WriteNumberValue(one);
                json.WriteEndArray();
                if (RecvTime is { } time) json.WriteString("recvTime", time.UtcDateTime);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>Why a call gave nothing.</summary>
/// <param name="Type">Stable name, snake_case: one of <see cref="CodecFaults"/>.</param>
/// <param name="Reason">For people.</param>
public sealed record CodecFault(string Type, string Reason);

/// <summary>Names of the faults.</summary>
public static class CodecFaults
{
    /// <summary>An exception left the codec, or what it returned has not the form asked for.</summary>
    public const string Threw = "codec_threw";
    /// <summary>It took more processor time or memory than a call may.</summary>
    public const string Killed = "codec_killed";
    /// <summary>It lacks the function asked for.</summary>
    public const string LacksFunction = "codec_lacks_function";
    /// <summary>What it returned has no usable data.</summary>
    public const string NoData = "codec_returned_no_data";
    /// <summary>It says itself that the payload is wrong.</summary>
    public const string ReportedErrors = "codec_reported_errors";
    /// <summary>It was killed repeatedly and is given no calls for a while.</summary>
    public const string Quarantined = "codec_quarantined";
}

/// <summary>The result of one call: either <see cref="Fault"/> or <see cref="Answer"/>.</summary>
/// <param name="Answer">
/// What the codec returned. For <see cref="CodecOperation.Uplink"/> and <see cref="CodecOperation.Normalize"/>
/// an object of <c>decoded</c> and, if the codec normalises, <c>normal</c>.
/// </param>
/// <param name="Fault">Why there is none.</param>
public readonly record struct CodecOutcome(JsonElement Answer, CodecFault? Fault)
{
    internal static CodecOutcome Failed(string type, string reason) => new(default, new CodecFault(type, reason));
}

/// <summary>Where a codec's text does not parse.</summary>
public sealed record CodecSyntaxError(string Message, int Line, int Column);

/// <summary>Codecs cannot be run now; nobody's fault but the installation's, so it is worth trying again.</summary>
public sealed class CodecsUnavailableException(string message, Exception? inner = null) : IOException(message, inner);
