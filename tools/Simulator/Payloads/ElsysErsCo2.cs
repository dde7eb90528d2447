namespace Allmende.Simulator.Payloads;

/// <summary>Elsys ERS CO2: room climate as pairs of type and value.</summary>
static class ElsysErsCo2
{
    /// <param name="temperature">°C.</param>
    /// <param name="humidity">%.</param>
    /// <param name="light">lx.</param>
    /// <param name="motion">Movements since the last message.</param>
    /// <param name="co2">ppm.</param>
    /// <param name="battery">V.</param>
    public static Payload Climate(double temperature, double humidity, double light, int motion, double co2, double battery) => new(5, new Frame()
        .U8(1).I16(temperature * 10).U8(2).U8(humidity).U8(4).U16(light).U8(5).U8(motion).U8(6).U16(co2).U8(7).U16(battery * 1000).ToArray());
}
