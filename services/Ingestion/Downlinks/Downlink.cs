using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// The life of a downlink: queued → sending → sent → acknowledged or failed; expired and cancelled where it was not sent. A failed attempt leads from sending back
/// to queued.
/// </summary>
static class DownlinkState
{
    public const string Queued = "queued", Sending = "sending", Sent = "sent", Acknowledged = "acknowledged", Failed = "failed", Expired = "expired", Cancelled = "cancelled";

    /// <summary>
    /// The states in which a report still changes something, and the state that it leads to. A device that has acknowledged has the downlink, whatever we believed
    /// before; whoever tells that it waits or is in the air tells us at least that it need not be sent again.
    /// </summary>
    public static (string To, string[] From) After(DownlinkReport report) => report switch
    {
        DownlinkReport.Taken or DownlinkReport.Sent => (Sent, [Queued, Sending]),
        DownlinkReport.Acknowledged => (Acknowledged, [Queued, Sending, Sent, Failed, Expired, Cancelled]),
        DownlinkReport.Unacknowledged or DownlinkReport.Failed => (Failed, [Queued, Sending, Sent]),
        _ => throw new ArgumentOutOfRangeException(nameof(report)),
    };
}

/// <summary>What a network server or a device tells of a downlink.</summary>
enum DownlinkReport
{
    /// <summary>The network server has it in its own queue.</summary>
    Taken,
    /// <summary>It is in the air.</summary>
    Sent,
    /// <summary>The device has it.</summary>
    Acknowledged,
    /// <summary>The device was asked to confirm it and has not.</summary>
    Unacknowledged,
    /// <summary>The network server could not send it.</summary>
    Failed,
}

/// <summary>Which of a device's waiting downlinks goes first.</summary>
static class DownlinkPriority
{
    /// <summary>The lowest first; a priority's number is its place.</summary>
    public static IReadOnlyList<string> All => DownlinkSettings.Priorities;

    public const int Normal = 1;
}

/// <summary>What is to be sent to a device.</summary>
/// <param name="FPort">LoRaWAN port, 1 to 223; null for JSON that goes by MQTT.</param>
/// <param name="Bytes">The payload; null for JSON that goes by MQTT.</param>
/// <param name="Data">What it means, where it was given so.</param>
/// <param name="Confirmed">Whether the device shall confirm it.</param>
/// <param name="Priority">Place in <see cref="DownlinkPriority.All"/>.</param>
/// <param name="ExpiresAt">It is not sent later, UTC.</param>
sealed record DownlinkContent(int? FPort, byte[]? Bytes, JsonElement? Data, bool Confirmed, int Priority, DateTime ExpiresAt)
{
    /// <summary>As in RFC 3339.</summary>
    public string ExpiresAtText => ExpiresAt.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A downlink as it is kept.</summary>
/// <param name="Id">Its id; ids of later ones are greater.</param>
/// <param name="Device">Whose.</param>
/// <param name="Content">What.</param>
/// <param name="By">The client that queued it.</param>
/// <param name="QueuedAt">When.</param>
/// <param name="State">One of <see cref="DownlinkState"/>.</param>
/// <param name="StateSince">Since when.</param>
/// <param name="Reason">Why it is in this state.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="DueAt">The next attempt, while it is queued.</param>
/// <param name="Way">The way that the last attempt took.</param>
/// <param name="Task">The Task of SensorThings that it carries out.</param>
sealed record Downlink(
    Guid Id, string Device, DownlinkContent Content, string By, DateTime QueuedAt, string State, DateTime StateSince, string? Reason, int Attempts, DateTime DueAt, string? Way,
    string? Task = null)
{
    /// <summary>As it is written in the API and in messages.</summary>
    public string Name => Id.ToString("N");

    /// <summary>As it is called among a network server's correlation ids; the same for each attempt.</summary>
    public string Correlation => CorrelationPrefix + Name;

    public const string CorrelationPrefix = "allmende:";

    /// <summary>The id, or null if the text is none.</summary>
    public static Guid? IdOf(string text) => text.Length == 32 && Guid.TryParseExact(text, "N", out var id) ? id : null;
}

/// <summary>A downlink that this process is to send.</summary>
/// <param name="Downlink">What; its <see cref="Downlink.Attempts"/> count this attempt.</param>
/// <param name="To">To whom.</param>
sealed record TakenDownlink(Downlink Downlink, Addressee To);

/// <summary>The device, as network servers need it.</summary>
/// <param name="Device">Its id.</param>
/// <param name="DevEui">Its DevEUI, upper case.</param>
/// <param name="ExternalIds">What other systems call it.</param>
sealed record Addressee(string Device, string? DevEui, IReadOnlyDictionary<string, string>? ExternalIds);

/// <summary>A change of a downlink's state.</summary>
/// <param name="At">When.</param>
/// <param name="From">The state before; missing for the first.</param>
/// <param name="To">The state after.</param>
/// <param name="By">The client that asked for it; <c>platform</c>, or who told of it.</param>
/// <param name="Reason">Why.</param>
public sealed record DownlinkChange(DateTime At, string? From, string To, string By, string? Reason);
