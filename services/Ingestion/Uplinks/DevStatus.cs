using System.Globalization;
using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>LoRaWAN's DevStatusAns (L2 1.0.4, 5.5): battery 0 is power from outside, 1 to 254 empty to full, 255 not known; margin -32 to 31 dB.</summary>
static class DevStatus
{
    /// <summary>The signal; null if the battery is no such number.</summary>
    public static DeviceSignal? Of(string? battery, string? margin)
    {
        if (!int.TryParse(battery, NumberStyles.None, CultureInfo.InvariantCulture, out var level) || level > 255) return null;
        return new DeviceSignal("", SignalKind.Status, default)
        {
            BatteryLevel = level is 0 or 255 ? null : Math.Round((level - 1) / 253.0 * 100, 1),
            ExternalPower = level == 255 ? null : level == 0,
            Margin = int.TryParse(margin, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var decibels) && decibels is >= -32 and <= 31 ? decibels : null,
        };
    }
}
