namespace Allmende.Simulator.Payloads;

/// <summary>Dragino's sensors; the battery's state stands in the highest bits of its voltage.</summary>
static class Dragino
{
    /// <summary>LHT65: temperature and humidity, with a temperature probe (DS18B20) on a cable.</summary>
    /// <param name="temperature">In the housing, °C.</param>
    /// <param name="humidity">In the housing, %.</param>
    /// <param name="probe">At the probe, °C; null when it is torn off, which the device says by its highest number.</param>
    /// <param name="battery">V.</param>
    public static Payload Lht65(double temperature, double humidity, double? probe, double battery) => new(2, new Frame()
        .U16(Battery(battery, 2.45, 2.55, 2.7)).I16(temperature * 100).U16(humidity * 10).U8(1)
        .I16(probe * 100 ?? short.MaxValue).U16(0x7fff).ToArray());

    /// <summary>LSE01: moisture, temperature and conductivity of soil.</summary>
    /// <param name="moisture">%.</param>
    /// <param name="temperature">°C.</param>
    /// <param name="conductivity">µS/cm.</param>
    /// <param name="battery">V.</param>
    public static Payload Lse01(double moisture, double temperature, double conductivity, double battery) => new(2, new Frame()
        .U16(battery * 1000).I16(0).U16(moisture * 100).I16(temperature * 100).U16(conductivity).U8(0x10).ToArray());

    static double Battery(double volt, double ultraLow, double low, double good)
    {
        var state = volt < ultraLow ? 0 : volt < low ? 1 : volt < good ? 2 : 3;
        return (state << 14) | (int)Math.Round(volt * 1000);
    }
}
