using System.Globalization;

namespace Allmende.Ingestion.Devices;

/// <summary>By what a list of devices is put in order.</summary>
enum DeviceOrder
{
    Id,
    Name,
    LastSeen,
}

/// <summary>The last device of the page before.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Key">Its name or time, where the list is in that order.</param>
readonly record struct DevicePlace(string Id, string? Key)
{
    /// <summary>As it stands in links: the time of a device that was never heard of is before all others.</summary>
    public static string KeyOf(DateTime? lastSeen) => (lastSeen ?? DateTime.MinValue).ToString("O", CultureInfo.InvariantCulture);

    /// <summary>The time that <see cref="KeyOf"/> wrote.</summary>
    public static bool TryReadTime(string key, out DateTime time) =>
        DateTime.TryParseExact(key, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out time);
}

/// <summary>Which devices, in which order.</summary>
sealed record DeviceFilter
{
    /// <summary>Whatever is wrong: silent, faulty, or with a condition that is not over.</summary>
    public const string AnyCondition = "any";

    /// <summary>Part of id, name, DevEUI, profile, dataset, description, group, department, or a whole tag.</summary>
    public string? Search { get; init; }
    public string? Profile { get; init; }
    /// <summary>Only those with all of these tags.</summary>
    public string[] Tags { get; init; } = [];
    public string? Group { get; init; }
    public string? Department { get; init; }
    public string? State { get; init; }
    /// <summary>Only those of which this is true now, a <see cref="Watch.ConditionKind"/>; or <see cref="AnyCondition"/>.</summary>
    public string? Condition { get; init; }
    /// <summary>Only those not heard of since then, or never.</summary>
    public DateTime? SilentSince { get; init; }
    /// <summary>West, south, east, north in degrees; west is greater than east across the date line.</summary>
    public double[]? Bbox { get; init; }
    public DeviceOrder Order { get; init; }
    public bool Descending { get; init; }
    public DevicePlace? After { get; init; }
}
