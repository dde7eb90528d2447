using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Downlinks;

/// <summary>The body of <c>POST /{m}/devices/{id}/downlinks</c>.</summary>
/// <param name="FPort">LoRaWAN port, 1 to 223; with <c>data</c> the codec's, where that says one.</param>
/// <param name="Bytes">The payload, hexadecimal, at most 242 bytes; or an array of numbers.</param>
/// <param name="Data">In place of <c>bytes</c>: the fields that the device's codec encodes.</param>
/// <param name="Confirmed">Whether the device shall confirm it.</param>
/// <param name="ExpiresAt">It is not sent later.</param>
/// <param name="ValidFor">In place of <c>expiresAt</c>: for how many seconds it is worth sending; 86400 where neither is said.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c> or <c>high</c>.</param>
public sealed record DownlinkRequest(int? FPort, JsonElement? Bytes, JsonElement? Data, bool? Confirmed, DateTimeOffset? ExpiresAt, int? ValidFor, string? Priority);

/// <summary>Reads it, and finds all faults at once.</summary>
sealed class DownlinkForm(JsonElement body, DownlinkOptions options) : JsonForm(body)
{
    public const int LongestPayload = 242, LeastPort = DownlinkSettings.LeastPort, GreatestPort = DownlinkSettings.GreatestPort;

    /// <summary>What is to be sent; of <c>data</c> nothing is encoded yet. Means nothing where there are faults.</summary>
    public DownlinkContent Read(DateTimeOffset now)
    {
        var (bytes, data) = (Bytes(), Data());
        if (IsGiven("bytes", out _) == IsGiven("data", out _)) Add("bytes", IsGiven("data", out _) ? "cannot be sent together with data" : "is missing; send bytes or data");
        var port = Number("fPort", LeastPort, GreatestPort);
        if (bytes is not null && !IsGiven("fPort", out _)) Add("fPort", "is missing");
        var priority = Text("priority", 10) is { } word ? DownlinkPriority.All.ToList().IndexOf(word) : DownlinkPriority.Normal;
        if (priority < 0) Add("priority", $"must be one of {string.Join(", ", DownlinkPriority.All)}");
        return new(port, bytes, data, Flag("confirmed"), Math.Max(priority, 0), Expiry(now).UtcDateTime);
    }

    /// <summary>What is wrong with a port or a payload, wherever they are from.</summary>
    public static (string Field, string Fault)? FaultOf(int? port, byte[] bytes)
    {
        if (port is null) return ("fPort", "is missing: the codec says none");
        if (port is < LeastPort or > GreatestPort) return ("fPort", $"must be {LeastPort} to {GreatestPort}; the codec says {port}");
        return bytes.Length > LongestPayload ? ("data", $"makes {bytes.Length} bytes; at most {LongestPayload} can be sent") : null;
    }

    DateTimeOffset Expiry(DateTimeOffset now)
    {
        var expiresAt = Time("expiresAt");
        var seconds = Number("validFor", 1, (int)options.LongestValidFor.TotalSeconds);
        if (IsGiven("expiresAt", out _) && IsGiven("validFor", out _)) Add("validFor", "cannot be sent together with expiresAt");
        if (expiresAt <= now) Add("expiresAt", "is over already");
        if (expiresAt > now + options.LongestValidFor) Add("expiresAt", $"must be at most {options.LongestValidFor.TotalDays:0.#} days ahead");
        return expiresAt ?? now + (seconds is { } some ? TimeSpan.FromSeconds(some) : options.ValidFor);
    }

    int? Number(string field, int least, int greatest)
    {
        if (!IsGiven(field, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= greatest) return number;
        Add(field, $"must be a whole number from {least} to {greatest}");
        return null;
    }

    JsonElement? Data()
    {
        if (!IsGiven("data", out var data)) return null;
        if (data.ValueKind == JsonValueKind.Object && data.IsUnicode()) return data;
        Add("data", "must be an object");
        return null;
    }

    byte[]? Bytes()
    {
        if (!IsGiven("bytes", out var value)) return null;
        if (BytesOf(value) is { } bytes) return bytes;
        Add("bytes", $"must be hexadecimal text or an array of numbers from 0 to 255, at most {LongestPayload} bytes");
        return null;
    }

    static byte[]? BytesOf(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            var text = value.TextOrNull();
            return text is null || text.Length > 2 * LongestPayload || text.Length % 2 > 0 || !text.All(char.IsAsciiHexDigit) ? null : Convert.FromHexString(text);
        }
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > LongestPayload) return null;
        var bytes = new byte[value.GetArrayLength()];
        for (var i = 0; i < bytes.Length; i++)
            if (value[i].ValueKind != JsonValueKind.Number || !value[i].TryGetByte(out bytes[i])) return null;
        return bytes;
    }
}
