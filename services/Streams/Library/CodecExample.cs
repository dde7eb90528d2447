using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allmende.Streams.Library;

/// <summary>A message with what a codec must make of it, mostly the maker's own: a test, and an example for people.</summary>
/// <param name="Description">What it shows. What begins with <c>Own example</c> is not the maker's.</param>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="Bytes">Hexadecimal.</param>
/// <param name="Data">What <c>decodeUplink</c> returns; of a downlink what is encoded, and decoded again.</param>
/// <param name="Downlink">Whether it goes to the device.</param>
/// <param name="Normalized">What <c>normalizeUplink</c> returns, where that is to be shown.</param>
public sealed record CodecExample(string Description, int FPort, string Bytes, JsonElement Data, bool Downlink = false, JsonElement? Normalized = null)
{
    /// <summary>The message.</summary>
    [JsonIgnore]
    public byte[] Payload => Convert.FromHexString(Bytes);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CodecExample[]))]
[JsonSerializable(typeof(double))]
sealed partial class LibraryJson : JsonSerializerContext;
