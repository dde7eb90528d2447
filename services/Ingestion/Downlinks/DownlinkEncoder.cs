using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Downlinks;

/// <summary>What a codec made of a downlink's data.</summary>
/// <param name="FPort">The port that the codec chose, or that was given.</param>
/// <param name="Bytes">The payload; null where the profile has no codec, or there is a fault.</param>
/// <param name="Warnings">What the codec has to say.</param>
/// <param name="Fault">Why there is no payload.</param>
readonly record struct Encoded(int? FPort, byte[]? Bytes, IReadOnlyList<string> Warnings, string? Fault = null)
{
    public static Encoded Failed(string fault) => new(null, null, [], fault);
}

/// <summary>Lets Streams encode, by the codec of a device's profile.</summary>
sealed class DownlinkEncoder(DeviceProfiles profiles, IHttpClientFactory http)
{
    const int MostSaid = 10, LongestSaid = 300;

    /// <summary>Encodes. A profile without a codec makes no bytes of it, which is no fault.</summary>
    /// <exception cref="HttpRequestException">Streams cannot be asked.</exception>
    public async Task<Encoded> EncodeAsync(string municipality, string profile, JsonElement data, int? fPort, CancellationToken cancellation)
    {
        if (await profiles.FindAsync(municipality, profile, cancellation) is not { } known) return Encoded.Failed($"there is no profile '{profile}' any more");
        if (known.Codec is not { } codec) return new(fPort, null, []);
        var call = new JsonObject { ["data"] = JsonNode.Parse(data.GetRawText()) };
        if (fPort is { } port) call["fPort"] = port;
        using var streams = http.CreateClient("streams");
        using var body = new StringContent(call.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await streams.PostAsync(new Uri($"internal/{municipality}/codecs/{codec}/encode", UriKind.Relative), body, cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound) return Encoded.Failed($"there is no codec '{codec}' any more");
        if (answer.StatusCode != HttpStatusCode.UnprocessableEntity) answer.EnsureSuccessStatusCode();
        using var said = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return answer.IsSuccessStatusCode ? Read(said.RootElement, fPort) : Encoded.Failed($"cannot be encoded: {Detail(said.RootElement)}");
    }

    /// <summary>What a codec returned is the codec's: anything may be in it.</summary>
    static Encoded Read(JsonElement returned, int? given)
    {
        if (Texts(returned, "errors") is { Count: > 0 } errors) return Encoded.Failed($"cannot be encoded: {string.Join("; ", errors)}");
        if (!returned.TryGetProperty("bytes", out var list) || list.ValueKind != JsonValueKind.Array) return Encoded.Failed("cannot be encoded: the codec returned no bytes");
        var bytes = new List<byte>();
        foreach (var one in list.EnumerateArray())
            if (one.ValueKind == JsonValueKind.Number && one.TryGetByte(out var value)) bytes.Add(value);
            else return Encoded.Failed("cannot be encoded: among the codec's bytes is something else than a number from 0 to 255");
        var port = returned.TryGetProperty("fPort", out var chosen) && chosen.ValueKind == JsonValueKind.Number && chosen.TryGetInt32(out var number) ? number : given;
        return new(port, [.. bytes], Texts(returned, "warnings"));
    }

    static string Detail(JsonElement problem) =>
        problem.ValueKind == JsonValueKind.Object && problem.TryGetProperty("detail", out var detail) && detail.ValueKind == JsonValueKind.String ? detail.GetString()! : "the codec fails";

    static List<string> Texts(JsonElement returned, string field) => returned.TryGetProperty(field, out var list) && list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Take(MostSaid).Select(one => one.ValueKind == JsonValueKind.String ? one.TextOrNull() ?? "" : one.GetRawText()).Select(text => text.Length <= LongestSaid ? text : text[..LongestSaid])]
        : [];
}
