namespace Allmende.Simulator.Payloads;

/// <summary>Bosch TPS110: is a car on the bay. It reports changes on port 1, and on port 2 that it lives.</summary>
static class BoschTps110
{
    public static Payload Status(bool occupied) => new(1, new Frame().U8(occupied ? 1 : 0).ToArray());

    /// <param name="occupied">A car stands here.</param>
    /// <param name="temperature">°C, whole degrees.</param>
    public static Payload Heartbeat(bool occupied, double temperature) => new(2, new Frame().U8(occupied ? 1 : 0).I8(temperature).ToArray());
}
