using System.Text.Json;
using System.Text.RegularExpressions;

namespace Allmende.Ingestion.Devices;

/// <summary>A physical sensor or actuator, as it is described by its municipality; also the body of <c>POST /{m}/devices</c> and <c>PUT /{m}/devices/{id}</c>.</summary>
/// <param name="Id">Lower-case letters, digits and dashes, not digits alone; also the Thing's id.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Profile">Id of a device profile.</param>
/// <param name="DevEui">16 hexadecimal digits, upper case; null where it speaks no LoRaWAN.</param>
/// <param name="Location">GeoJSON Point: longitude, latitude, optional height in metres.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="Dataset">The dataset that its data belongs to, if not the profile's.</param>
/// <param name="ExpectedInterval">Seconds between uplinks, if not the profile's.</param>
/// <param name="Tags">At most 20 words by which it is found; lower-case letters, digits and dashes.</param>
/// <param name="Group">The group that it belongs to, e.g. a site or a project.</param>
/// <param name="Department">Who answers for it.</param>
/// <param name="Notes">For those who look after it; unlike the description never shown outside.</param>
/// <param name="InstalledAt">When it was put up.</param>
/// <param name="ExternalIds">What other systems call it: at most 20 names of systems with the id there.</param>
public sealed partial record Device(
    string Id,
    string Name,
    string Profile,
    string? DevEui = null,
    JsonElement? Location = null,
    string? Description = null,
    string? Dataset = null,
    int? ExpectedInterval = null,
    IReadOnlyList<string>? Tags = null,
    string? Group = null,
    string? Department = null,
    string? Notes = null,
    DateTimeOffset? InstalledAt = null,
    IReadOnlyDictionary<string, string>? ExternalIds = null)
{
    /// <summary>True for what may be a device's id.</summary>
    public static bool IsId(string text) => IdPattern().IsMatch(text);

    /// <summary>True for what may be the id of a profile or a dataset.</summary>
    public static bool IsReference(string text) => ReferencePattern().IsMatch(text);

    /// <summary>True for what may be a tag.</summary>
    public static bool IsTag(string text) => TagPattern().IsMatch(text);

    /// <summary>The DevEUI in the one way of writing that is kept (16 upper-case hexadecimal digits), or null if it is none. Dashes and colons between the bytes are let pass.</summary>
    public static string? NormalizeDevEui(string text)
    {
        if (text.Length is < 16 or > 23) return null;
        Span<char> digits = stackalloc char[16];
        var count = 0;
        foreach (var c in text)
        {
            if (c is '-' or ':') continue;
            if (count == 16 || !char.IsAsciiHexDigit(c)) return null;
            digits[count++] = char.ToUpperInvariant(c);
        }
        return count == 16 ? new string(digits) : null;
    }

    [GeneratedRegex("^(?![0-9]+\\z)[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex IdPattern();

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,63}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex ReferencePattern();

    [GeneratedRegex("^[a-z0-9äöüß](?:[a-z0-9äöüß-]{0,38}[a-z0-9äöüß])?\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex TagPattern();
}

/// <summary>When a device was last heard of, and how.</summary>
/// <param name="At">When our door took its last uplink.</param>
/// <param name="FCnt">LoRaWAN frame counter.</param>
/// <param name="Rssi">Of the gateway that heard it best, dBm.</param>
/// <param name="Snr">Of the same gateway, dB.</param>
/// <param name="SpreadingFactor">7 to 12.</param>
/// <param name="Gateways">How many heard it.</param>
/// <param name="Lost">Frames that never came, in all; missing where it counts none.</param>
/// <param name="Battery">What its battery has left, percent.</param>
public sealed record LastSeen(
    DateTime At, long? FCnt, double? Rssi, double? Snr, int? SpreadingFactor = null, int? Gateways = null, long? Lost = null, double? Battery = null);

/// <summary>Something that is wrong with a device now.</summary>
/// <param name="Kind">silent, battery-low, signal-weak, frames-lost, restarted, replayed, clock-off.</param>
/// <param name="Since">When it was noticed.</param>
/// <param name="Detail">By which numbers it was noticed.</param>
public sealed record OpenCondition(string Kind, DateTime Since, JsonElement Detail);

/// <summary>A device with what the platform knows of it.</summary>
sealed record RegisteredDevice(Device Device, DateTime RegisteredAt, DateTime ChangedAt, LastSeen? LastSeen, bool HasPhoto, string State, DateTime StateSince, IReadOnlyList<OpenCondition> Conditions, string[] PreviousDevEuis);
