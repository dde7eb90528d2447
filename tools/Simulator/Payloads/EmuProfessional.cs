namespace Allmende.Simulator.Payloads;

/// <summary>EMU Professional II: electricity meter. Its own clock, registers with their number, a check sum.</summary>
static class EmuProfessional
{
    /// <param name="clock">The meter's clock.</param>
    /// <param name="importTariff1">Wh by day.</param>
    /// <param name="importTariff2">Wh by night.</param>
    /// <param name="power">W over all phases.</param>
    public static Payload Reading(DateTime clock, double importTariff1, double importTariff2, double power)
    {
        var seconds = Math.Floor((clock - DateTime.UnixEpoch).TotalSeconds);
        var frame = new Frame().U32Little(seconds).U8(0x01).U32Little(seconds)
            .U8(0x03).U32Little(importTariff1).U8(0x04).U32Little(importTariff2).U8(0x0b).I32Little(power);
        return new Payload(1, frame.U8(Crc8(frame.Written)).ToArray());
    }

    /// <summary>CRC-8, polynomial x⁸ + x² + x + 1.</summary>
    static byte Crc8(ReadOnlySpan<byte> bytes)
    {
        byte crc = 0;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (byte)((crc & 0x80) != 0 ? (crc << 1) ^ 0x07 : crc << 1);
        }
        return crc;
    }
}
