namespace Allmende.Simulator.Payloads;

/// <summary>Milesight AM107: room climate as channel, type, value; little-endian.</summary>
static class MilesightAm107
{
    /// <summary>What it measures in a room.</summary>
    /// <param name="Temperature">°C.</param>
    /// <param name="Humidity">%.</param>
    /// <param name="Activity">Movements since the last message.</param>
    /// <param name="Illumination">lx.</param>
    /// <param name="Co2">ppm.</param>
    /// <param name="Tvoc">ppb.</param>
    /// <param name="Pressure">hPa.</param>
    public readonly record struct Room(
        double Temperature, double Humidity, int Activity, double Illumination, double Co2, double Tvoc, double Pressure);

    /// <param name="room">What it measured.</param>
    /// <param name="battery">%.</param>
    public static Payload Climate(in Room room, double battery) => new(85, new Frame()
        .U8(0x01).U8(0x75).U8(battery)
        .U8(0x03).U8(0x67).I16Little(room.Temperature * 10)
        .U8(0x04).U8(0x68).U8(room.Humidity * 2)
        .U8(0x05).U8(0x6a).U16Little(room.Activity)
        .U8(0x06).U8(0x65).U16Little(room.Illumination).U16Little(room.Illumination * 4).U16Little(room.Illumination * 0.7)
        .U8(0x07).U8(0x7d).U16Little(room.Co2)
        .U8(0x08).U8(0x7d).U16Little(room.Tvoc)
        .U8(0x09).U8(0x73).U16Little(room.Pressure * 10).ToArray());
}
