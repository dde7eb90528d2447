using Allmende.Simulator.Payloads;
using Allmende.Simulator.Sensors;

namespace Allmende.Simulator.LoRaWan;

/// <summary>One message on its way to the platform.</summary>
/// <param name="Sensor">Who sent it.</param>
/// <param name="Time">When it was sent, by the town's clock.</param>
/// <param name="ClockError">What its own clock adds, for devices that post by themselves.</param>
/// <param name="Counter">Frame counter since it joined.</param>
/// <param name="Payload">What it says.</param>
/// <param name="SpreadingFactor">7 to 12.</param>
/// <param name="Receptions">Who heard it.</param>
sealed record Transmission(
    Sensor Sensor, DateTime Time, TimeSpan ClockError, uint Counter, Payload Payload, int SpreadingFactor, IReadOnlyList<Reception> Receptions);
