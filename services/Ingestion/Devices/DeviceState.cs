namespace Allmende.Ingestion.Devices;

/// <summary>
/// The life of a device: planned → installed → active → silent / faulty → retired. <c>active</c> comes by an uplink and <c>silent</c> by the watch; the rest is
/// said by people.
/// </summary>
static class DeviceState
{
    public const string Planned = "planned", Installed = "installed", Active = "active", Silent = "silent", Faulty = "faulty", Retired = "retired";

    public static IReadOnlyList<string> All { get; } = [Planned, Installed, Active, Silent, Faulty, Retired];

    /// <summary>Who has changed a state when nobody has.</summary>
    public const string Platform = "platform";

    /// <summary>What people may make of a device that is in <paramref name="state"/>.</summary>
    public static IReadOnlyList<string> After(string state) => state switch
    {
        Planned => [Installed, Retired],
        Installed => [Planned, Faulty, Retired],
        Active or Silent => [Faulty, Retired],
        Faulty => [Installed, Retired],
        // Retired by mistake, or put up again.
        Retired => [Planned, Installed],
        _ => [],
    };
}

/// <summary>A change of a device's state.</summary>
/// <param name="At">When.</param>
/// <param name="From">The state before.</param>
/// <param name="To">The state after.</param>
/// <param name="By">The client that asked for it; <c>platform</c> where an uplink or its absence did.</param>
/// <param name="Reason">Why, in people's words.</param>
public sealed record StateChange(DateTime At, string From, string To, string By, string? Reason);
