namespace Allmende.Simulator.Payloads;

/// <summary>ESP32-Paxcounter: phones around it, by Wi-Fi and by Bluetooth; little-endian.</summary>
static class Paxcounter
{
    public static Payload Count(int wifi, int bluetooth) => new(1, new Frame().U16Little(wifi).U16Little(bluetooth).ToArray());
}
