namespace Allmende.Simulator.Payloads;

/// <summary>Decentlab's protocol, version 2: device number, flags of the groups that follow, big-endian words.</summary>
static class Decentlab
{
    // Signed quantities are shifted by half of the range.
    const double Zero = 32768;

    /// <summary>DL-LID: distance by laser, from above a water surface; percentiles over <paramref name="samples"/>.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="distance">Median, mm.</param>
    /// <param name="spread">Deviation of single samples, mm: waves.</param>
    /// <param name="samples">How many.</param>
    /// <param name="battery">V.</param>
    public static Payload Lid(int device, double distance, double spread, int samples, double battery) => Message(Head(device, 0b11)
        .U16(distance).U16(distance - 2.4 * spread).U16(distance + 2.4 * spread).U16(distance)
        .U16(distance - 1.28 * spread).U16(distance - 0.67 * spread).U16(distance + 0.67 * spread).U16(distance + 1.28 * spread)
        .U16(distance).U16(samples).U16(samples * 4.1), battery);

    /// <summary>DL-PR26 (0 to 1 bar): pressure and temperature of the water around it.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="pressure">bar.</param>
    /// <param name="temperature">°C.</param>
    /// <param name="battery">V.</param>
    public static Payload Pr26(int device, double pressure, double temperature, double battery) => Message(Head(device, 0b11)
        .U16(pressure * 32768 + 16384).U16((temperature + 50) / 0.003125 + 384), battery);

    /// <summary>DL-TRS12: moisture, temperature and conductivity of soil.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="waterContent">m³/m³ in mineral soil.</param>
    /// <param name="temperature">°C.</param>
    /// <param name="conductivity">µS/cm.</param>
    /// <param name="battery">V.</param>
    public static Payload Trs12(int device, double waterContent, double temperature, double conductivity, double battery) => Message(Head(device, 0b11)
        .U16((waterContent + 0.6956) / 0.0003879 * 10).U16(temperature * 10 + Zero).U16(conductivity), battery);

    /// <summary>DL-TBRG: rain by tipping bucket.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="rain">mm in the interval.</param>
    /// <param name="interval">s.</param>
    /// <param name="total">mm since it was put up.</param>
    /// <param name="battery">V.</param>
    public static Payload Tbrg(int device, double rain, double interval, double total, double battery)
    {
        var tips = (long)Math.Round(total * 10);
        return Message(Head(device, 0b11).U16(rain * 10).U16(interval).U16(tips & 0xffff).U16(tips >> 16), battery);
    }

    /// <summary>What a weather station measures.</summary>
    /// <param name="Radiation">W/m².</param>
    /// <param name="Rain">mm since the last message.</param>
    /// <param name="Strikes">Lightning strikes.</param>
    /// <param name="StrikeDistance">km.</param>
    /// <param name="Wind">m/s.</param>
    /// <param name="WindDirection">Degrees.</param>
    /// <param name="Gust">m/s.</param>
    /// <param name="Temperature">°C.</param>
    /// <param name="VapourPressure">kPa.</param>
    /// <param name="Pressure">kPa.</param>
    /// <param name="Humidity">%.</param>
    public readonly record struct Station(
        double Radiation, double Rain, int Strikes, double StrikeDistance, double Wind, double WindDirection, double Gust,
        double Temperature, double VapourPressure, double Pressure, double Humidity);

    /// <summary>DL-ATM41: weather station.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="sky">What it measured.</param>
    /// <param name="battery">V.</param>
    public static Payload Atm41(int device, in Station sky, double battery)
    {
        var angle = sky.WindDirection * Math.PI / 180;
        return Message(Head(device, 0b11)
            .U16(sky.Radiation + Zero).U16(sky.Rain * 1000 + Zero).U16(sky.Strikes + Zero).U16(sky.StrikeDistance + Zero)
            .U16(sky.Wind * 100 + Zero).U16(sky.WindDirection * 10 + Zero).U16(sky.Gust * 100 + Zero)
            .U16(sky.Temperature * 10 + Zero).U16(sky.VapourPressure * 100 + Zero).U16(sky.Pressure * 100 + Zero).U16(sky.Humidity * 10 + Zero)
            .U16(sky.Temperature * 10 + 3 + Zero).U16(4 + Zero).U16(Zero - 6).U16(Zero)
            .U16(sky.Wind * Math.Cos(angle) * 100 + Zero).U16(sky.Wind * Math.Sin(angle) * 100 + Zero), battery);
    }

    /// <summary>What a particle counter measures.</summary>
    /// <param name="Pm1">µg/m³.</param>
    /// <param name="Pm25">µg/m³.</param>
    /// <param name="Pm10">µg/m³.</param>
    /// <param name="Temperature">°C.</param>
    /// <param name="Humidity">%.</param>
    /// <param name="Pressure">Pa.</param>
    public readonly record struct Particles(double Pm1, double Pm25, double Pm10, double Temperature, double Humidity, double Pressure);

    /// <summary>DL-PM: particulate matter, temperature, humidity, pressure.</summary>
    /// <param name="device">Serial number.</param>
    /// <param name="air">What it measured.</param>
    /// <param name="battery">V.</param>
    public static Payload Pm(int device, in Particles air, double battery) => new(1, Head(device, 0b1111)
        .U16(battery * 1000)
        .U16(air.Pm1 * 10).U16(air.Pm25 * 10).U16((air.Pm25 * 0.6 + air.Pm10 * 0.4) * 10).U16(air.Pm10 * 10).U16(480 + 8 * air.Pm10 / Math.Max(0.1, air.Pm25))
        .U16(air.Pm1 * 61).U16(air.Pm1 * 72).U16(air.Pm25 * 73).U16(air.Pm25 * 73.1).U16(air.Pm25 * 73.2)
        .U16((air.Temperature + 46.85) / 175.72 * 65536).U16((air.Humidity + 6) / 125 * 65536)
        .U16(air.Pressure / 2).ToArray());

    static Frame Head(int device, int groups) => new Frame().U8(2).U16(device).U16(groups);

    static Payload Message(Frame frame, double battery) => new(1, frame.U16(battery * 1000).ToArray());
}
