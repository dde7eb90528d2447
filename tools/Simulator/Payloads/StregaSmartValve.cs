using System.Globalization;

namespace Allmende.Simulator.Payloads;

/// <summary>Strega Smart Valve: a motorised valve. Mostly text: battery, status, then <c>#</c> and four raw bytes of climate.</summary>
static class StregaSmartValve
{
    const double Tamper = 2;

    /// <param name="open">Water flows.</param>
    /// <param name="temperature">°C.</param>
    /// <param name="humidity">%.</param>
    /// <param name="battery">V, from 2.0 (empty) to 3.6.</param>
    public static Payload Status(bool open, double temperature, double humidity, double battery)
    {
        var frame = new Frame();
        foreach (var digit in Math.Clamp((int)Math.Round(battery * 1000), 0, 9999).ToString("0000", CultureInfo.InvariantCulture))
            frame.U8(digit);
        // The tamper bit is set while the lid is closed.
        return new Payload(4, frame.U8('0' + Tamper + (open ? 1 : 0)).U8('#')
            .U16((temperature + 40) / 165 * 65536).U16(humidity / 100 * 65536).ToArray());
    }
}
