namespace Allmende.Simulator.Payloads;

/// <summary>What a device sends: LoRaWAN port and bytes.</summary>
readonly record struct Payload(int Port, byte[] Bytes);
