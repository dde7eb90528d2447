using System.Text.Json;

namespace Allmende.Contracts;

/// <summary>
/// What a device is to be told, or is not to be told any more: the command of a Task of SensorThings (OGC 17-079r1); payload of topic <c>commands</c>, keyed by the
/// device. The same one twice is carried out once.
/// </summary>
/// <param name="Id">The command's; its downlink has the same. Those of later commands are greater.</param>
/// <param name="Kind"><see cref="Send"/> or <see cref="Cancel"/>.</param>
/// <param name="Device">The device's id.</param>
/// <param name="Task">The Task's id, as clients see it.</param>
/// <param name="At">When it was commanded.</param>
/// <param name="By">The client that commanded it.</param>
/// <param name="Data">The Task's parameters, which the device's codec encodes; with <see cref="Send"/> alone.</param>
/// <param name="Downlink">How it is sent.</param>
public sealed record DeviceCommand(Guid Id, string Kind, string Device, string Task, DateTimeOffset At, string By, JsonElement? Data = null, DownlinkSettings? Downlink = null)
{
    public const string Send = "send";

    /// <summary>What waits is not sent; what was sent already has been told.</summary>
    public const string Cancel = "cancel";
}

/// <summary>How a Task's downlink is sent; what is absent is as of any other downlink.</summary>
/// <param name="FPort">LoRaWAN port, 1 to 223, where the codec says none.</param>
/// <param name="Confirmed">Whether the device shall confirm it.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c> or <c>high</c>.</param>
/// <param name="ValidFor">For how many seconds after it was commanded it is worth sending, at most 30 days.</param>
public sealed record DownlinkSettings(int? FPort = null, bool? Confirmed = null, string? Priority = null, int? ValidFor = null)
{
    public const int LeastPort = 1, GreatestPort = 223, LongestValidFor = 30 * 24 * 3600;

    /// <summary>The lowest first.</summary>
    public static IReadOnlyList<string> Priorities { get; } = ["low", "normal", "high"];

    /// <summary>What is wrong with them, by member.</summary>
    public IEnumerable<(string Member, string Fault)> Faults()
    {
        if (FPort is < LeastPort or > GreatestPort) yield return ("fPort", $"must be {LeastPort} to {GreatestPort}");
        if (Priority is not null && !Priorities.Contains(Priority)) yield return ("priority", $"must be one of {string.Join(", ", Priorities)}");
        if (ValidFor is < 1 or > LongestValidFor) yield return ("validFor", $"must be 1 to {LongestValidFor} seconds");
    }
}

/// <summary>Data of <c>task.changed</c>: what has become of a Task's command.</summary>
/// <param name="Command">Which; see <see cref="DeviceCommand.Id"/>.</param>
/// <param name="Place">Of one command, a later change has a greater one; they may come in any order, and twice.</param>
/// <param name="State">queued, sending, sent, acknowledged, failed, expired or cancelled.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record TaskChanged(Guid Command, long Place, string State, DateTimeOffset Since, string? Reason);

/// <summary>What devices of a profile can be told to do: such a device's Thing has a TaskingCapability <c>{device}.{id}</c>.</summary>
/// <param name="Id">As the last part of an id, e.g. <c>switch</c>.</param>
/// <param name="Name">German name.</param>
/// <param name="Parameters">What is said with it: the members of what the codec's <c>encodeDownlink</c> gets as <c>data</c>.</param>
/// <param name="NameEn">English name.</param>
/// <param name="Description">What it does, for people.</param>
/// <param name="Downlink">How it is sent.</param>
/// <param name="Example">Parameters that fit, to show and to try.</param>
public sealed record ProfileTask(
    string Id, string Name, IReadOnlyList<TaskParameter> Parameters, string? NameEn = null, string? Description = null, DownlinkSettings? Downlink = null, JsonElement? Example = null);

/// <summary>A parameter; a field of the SWE Common DataRecord that clients see.</summary>
/// <param name="Name">The member of <c>data</c>.</param>
/// <param name="Type">One of <see cref="Types"/>.</param>
/// <param name="Label">German name.</param>
/// <param name="Unit">UCUM code, of a Quantity.</param>
/// <param name="Values">What a Category or Text may be.</param>
/// <param name="Range">Lowest and highest, of a Count or Quantity.</param>
/// <param name="Optional">May be left out.</param>
/// <param name="LabelEn">English name.</param>
public sealed record TaskParameter(
    string Name, string Type, string? Label = null, string? Unit = null, IReadOnlyList<string>? Values = null, double[]? Range = null, bool? Optional = null, string? LabelEn = null)
{
    /// <summary>Simple components of SWE Common (OGC 08-094r1 section 7.2).</summary>
    public static IReadOnlyList<string> Types { get; } = ["Boolean", "Category", "Count", "Quantity", "Text"];
}
