using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Features;

namespace Allmende.Ingestion.Downlinks;

/// <summary>The way of a downlink into the queue: is there such a device, what does its codec make of it, can its way carry it, is there room.</summary>
sealed class DownlinkDoor(DeviceStore devices, WayStore ways, DownlinkEncoder encoder, DownlinkStore store, DownlinkSender sender, DownlinkOptions options)
{
    /// <summary>A downlink that could be queued.</summary>
    /// <param name="To">To whom.</param>
    /// <param name="Content">What, encoded.</param>
    /// <param name="Way">By which way, as of now.</param>
    /// <param name="Warnings">What the codec has to say.</param>
    internal sealed record Ready(Addressee To, DownlinkContent Content, WayRow Way, IReadOnlyList<string> Warnings);

    /// <summary>Makes it ready to be queued, or says why it cannot be. Nothing is stored.</summary>
    public async Task<(Ready? Ready, IResult? Refusal)> PrepareAsync(string municipality, string id, JsonElement body, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || await devices.FindAsync(municipality, id, cancellation) is not { } device) return (null, Stored.NoSuchDevice.Problem(id));
        if (device.State == DeviceState.Retired) return (null, Retired());
        var form = new DownlinkForm(body, options);
        var content = form.Read(DateTimeOffset.UtcNow);
        IReadOnlyList<string> warnings = [];
        if (form.Faults.Count == 0 && content.Data is { } data)
        {
            var encoded = await encoder.EncodeAsync(municipality, device.Device.Profile, data, content.FPort, cancellation);
            if (encoded.Fault is { } fault) form.Add("data", fault);
            else if (encoded.Bytes is { } bytes && DownlinkForm.FaultOf(encoded.FPort, bytes) is { } unfit) form.Add(unfit.Field, unfit.Fault);
            else (content, warnings) = (content with { FPort = encoded.FPort, Bytes = encoded.Bytes }, encoded.Warnings);
        }
        if (form.Faults.Count > 0) return (null, IngestionErrors.InvalidDownlink.Problem(form.Faults));

        var to = new Addressee(id, device.Device.DevEui, device.Device.ExternalIds);
        var way = await ways.OfDeviceAsync(municipality, id, cancellation);
        return way.Obstacle(to, content) is { } obstacle
            ? (null, IngestionErrors.InvalidDownlink.Problem([obstacle]))
            : (new Ready(to, content, way, warnings), null);
    }

    /// <summary>Queues it, and wakes the sender.</summary>
    public async Task<(Downlink? Queued, IResult? Refusal)> QueueAsync(string municipality, Ready ready, string by, CancellationToken cancellation)
    {
        var (queued, why) = await store.AddAsync(municipality, ready.To.Device, ready.Content, by, options.MostWaiting, cancellation);
        if (queued is null)
            return (null, why switch
            {
                NotQueued.NoSuchDevice => Stored.NoSuchDevice.Problem(ready.To.Device),
                NotQueued.Retired => Retired(),
                _ => IngestionErrors.TooManyDownlinks.Problem($"{options.MostWaiting} wait for this device; cancel one, or wait until one is sent"),
            });
        Telemetry.CountDownlink(municipality, DownlinkState.Queued);
        sender.Wake(municipality);
        return (queued, null);
    }

    /// <summary>What would be sent, and where; as a dry run shows it. Its id is all zeros.</summary>
    public static DownlinkDryRun Show(string municipality, Ready ready)
    {
        const string id = "00000000000000000000000000000000";
        var content = DownlinkContentAnswer.Of(ready.Content);
        var warnings = ready.Warnings;
        if (ready.Way.IsMqtt)
            return new(content, warnings, NameOf(ready.Way), ready.Way.Way.Kind!, null, $"{municipality}/devices/{ready.To.Device}/down", JsonNode.Parse(DeviceTopics.PayloadOf(id, ready.Content))!);
        var (url, body) = NetworkServers.Plan(ready.Way, ready.To, ready.Content, Downlink.CorrelationPrefix + id);
        return new(content, warnings, NameOf(ready.Way), ready.Way.Way.Kind!, url.AbsoluteUri, null, body);
    }

    static string? NameOf(WayRow way) => way.Id.Length == 0 ? null : way.Id;

    static IResult Retired() => IngestionErrors.NoDownlinkNow.Problem("it is retired");
}

/// <summary>What is sent.</summary>
/// <param name="FPort">LoRaWAN port.</param>
/// <param name="Bytes">The payload, hexadecimal.</param>
/// <param name="Data">What it was encoded from.</param>
/// <param name="Confirmed">Whether the device shall confirm it.</param>
/// <param name="Priority">low, normal or high.</param>
/// <param name="ExpiresAt">It is not sent later.</param>
public sealed record DownlinkContentAnswer(int? FPort, string? Bytes, JsonElement? Data, bool Confirmed, string Priority, DateTime ExpiresAt)
{
    internal static DownlinkContentAnswer Of(DownlinkContent content) => new(
        content.FPort, content.Bytes is { } bytes ? Convert.ToHexStringLower(bytes) : null, content.Data, content.Confirmed, DownlinkPriority.All[content.Priority], content.ExpiresAt);
}

/// <summary>What a dry run shows; nothing is stored or sent.</summary>
/// <param name="Downlink">What.</param>
/// <param name="Warnings">What the codec has to say.</param>
/// <param name="Way">By which way; missing where none is configured, and our own broker is it.</param>
/// <param name="Kind"><c>tts</c>, <c>chirpstack</c> or <c>mqtt</c>.</param>
/// <param name="Url">Where it would be posted.</param>
/// <param name="Topic">Where it would be published.</param>
/// <param name="Body">The message as it would be sent, with zeros for the id.</param>
public sealed record DownlinkDryRun(DownlinkContentAnswer Downlink, IReadOnlyList<string> Warnings, string? Way, string Kind, string? Url, string? Topic, JsonNode Body);
