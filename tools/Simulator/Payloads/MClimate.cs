namespace Allmende.Simulator.Payloads;

/// <summary>MClimate's sensors.</summary>
static class MClimate
{
    /// <summary>CO2 sensor: room climate.</summary>
    /// <param name="co2">ppm.</param>
    /// <param name="temperature">°C.</param>
    /// <param name="humidity">%.</param>
    /// <param name="battery">V.</param>
    public static Payload Co2(double co2, double temperature, double humidity, double battery) => new(2, new Frame()
        .U8(1).U16(co2).U16(temperature * 10 + 400).U8(humidity * 2.56).U8((battery * 1000 - 1600) / 8).ToArray());

    /// <summary>Flood sensor: water at its feet.</summary>
    /// <param name="reason">Why it speaks.</param>
    /// <param name="flood">It stands in water.</param>
    /// <param name="battery">V.</param>
    public static Payload Flood(FloodReason reason, bool flood, double battery) => new(2, new Frame()
        .U8(((int)reason << 5) | (flood ? 2 : 0)).U8(battery * 1000 / 16).ToArray());
}

/// <summary>Why a flood sensor speaks.</summary>
enum FloodReason
{
    Keepalive,
    TestButton,
    Flood,
}
