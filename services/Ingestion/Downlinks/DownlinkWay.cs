using System.Net;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Allmende.Ingestion.Devices;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Downlinks;

/// <summary>How downlinks get to devices; the body of <c>PUT /{m}/downlink-ways/{id}</c>.</summary>
/// <param name="Name">For people.</param>
/// <param name="Kind"><c>tts</c> (The Things Stack v3), <c>chirpstack</c> (ChirpStack v4's REST interface) or <c>mqtt</c> (our own broker).</param>
/// <param name="Url">For <c>tts</c> and <c>chirpstack</c>: where the network server is, <c>https://host[:port]</c>.</param>
/// <param name="Application">For <c>tts</c>: the application's id there.</param>
/// <param name="Secret">The API key that we show; never answered back. Left out, the one that is kept stays.</param>
/// <param name="Devices">Whose way it is, ids. Left out: of all devices that have no other.</param>
public sealed partial record DownlinkWay(string? Name, string? Kind, string? Url = null, string? Application = null, string? Secret = null, IReadOnlyList<string?>? Devices = null)
{
    internal const string TheThingsStack = "tts", ChirpStack = "chirpstack", Mqtt = "mqtt";
    const int LongestName = 200, LongestUrl = 300, LongestSecret = 1000, MostDevices = 5000;

    /// <summary>What is wrong with it; whether the devices exist and a secret is kept is not asked here.</summary>
    internal IEnumerable<(string Field, string Fault)> Faults(bool allowPrivateAddresses)
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > LongestName || !IsText(Name)) yield return ("name", $"must be a text of 1 to {LongestName} characters");
        if (Kind is not (TheThingsStack or ChirpStack or Mqtt)) yield return ("kind", "must be tts, chirpstack or mqtt");
        if (Kind is TheThingsStack or ChirpStack && FaultOfUrl(allowPrivateAddresses) is { } url) yield return ("url", url);
        if (Kind == TheThingsStack && (Application is null || !ApplicationPattern().IsMatch(Application)))
            yield return ("application", "must be the application's id at The Things Stack: lower-case letters, digits and dashes, at most 36");
        if (Kind == ChirpStack && Application is not null) yield return ("application", "is for tts alone");
        if (Kind == Mqtt && (Url ?? Application ?? Secret) is not null) yield return ("kind", "mqtt has no url, application and secret: it is our own broker");
        // As it goes into a header.
        if (Secret is not null && (Secret.Length > LongestSecret || Secret.Any(c => c is <= ' ' or > '~'))) yield return ("secret", $"must have at most {LongestSecret} printable ASCII characters, without spaces");
        if (Devices is null) yield break;
        if (Devices.Count > MostDevices) yield return ("devices", $"must be at most {MostDevices}");
        else
            for (var i = 0; i < Devices.Count; i++)
                if (Devices[i] is not { } device || !Device.IsId(device)) yield return ($"devices[{i}]", "is no device's id");
    }

    string? FaultOfUrl(bool allowPrivateAddresses)
    {
        if (Url is null) return "is missing";
        if (Url.Length > LongestUrl || !Uri.TryCreate(Url, UriKind.Absolute, out var url) || !(url.Scheme == "https" || (url.Scheme == "http" && allowPrivateAddresses))
            || url.AbsolutePath != "/" || url.Query.Length > 0 || url.Fragment.Length > 0 || url.UserInfo.Length > 0 || url.IdnHost.Length == 0)
            return "must be https://host or https://host:port, without anything else";
        return !allowPrivateAddresses && IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out var ip) && PrivateAddresses.Contains(ip)
            ? "is a private address; the operator may allow those" : null;
    }

    static bool IsText(string text) => !text.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    [GeneratedRegex("^[a-z0-9](?:-?[a-z0-9]){1,35}\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ApplicationPattern();
}

/// <summary>A way as it is kept.</summary>
/// <param name="Id">Its id; empty for the one that needs no configuration.</param>
/// <param name="Way">What it is; without secret and devices.</param>
/// <param name="Secret">What we show to the network server.</param>
/// <param name="Devices">Whose it is; null: of all that have no other.</param>
/// <param name="ChangedAt">When it was put last.</param>
sealed record WayRow(string Id, DownlinkWay Way, string? Secret, IReadOnlyList<string>? Devices, DateTime ChangedAt)
{
    /// <summary>Where nothing is configured: our own broker.</summary>
    public static readonly WayRow Native = new("", new DownlinkWay("MQTT", DownlinkWay.Mqtt), null, null, DateTime.UnixEpoch);

    public bool IsMqtt => Way.Kind == DownlinkWay.Mqtt;

    /// <summary>Why a downlink cannot go this way to the device, whatever is tried; null where it can.</summary>
    public (string Field, string Fault)? Obstacle(Addressee to, DownlinkContent content)
    {
        if (IsMqtt) return null;
        if (content.Bytes is null || content.FPort is null) return ("data", $"cannot be encoded: the device's profile has no codec; by '{Id}' only bytes can be sent");
        return Way.Kind == DownlinkWay.ChirpStack && to.DevEui is null ? ("device", $"has no DevEUI, by which '{Id}' knows it") : null;
    }
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DownlinkWay))]
[JsonSerializable(typeof(Dictionary<string, string>))]
sealed partial class WayJson : JsonSerializerContext;
