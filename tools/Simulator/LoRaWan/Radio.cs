using Allmende.Simulator.Town;
using Allmende.Simulator.World;

namespace Allmende.Simulator.LoRaWan;

/// <summary>A LoRaWAN gateway on a roof.</summary>
sealed record Gateway(string Id, string Eui, Spot Spot);

/// <summary>One gateway's reception of a frame.</summary>
/// <param name="Gateway">Who heard it.</param>
/// <param name="Rssi">dBm.</param>
/// <param name="Snr">dB.</param>
readonly record struct Reception(Gateway Gateway, int Rssi, double Snr);

/// <summary>The town's radio network: which gateways hear a device, how well, and what is lost on the way.</summary>
sealed class Radio
{
    const double TransmitPower = 14;
    const double NoiseFloor = -117;

    // What each spreading factor, 7 to 12, needs above the noise (Semtech SX1276), dB.
    static readonly double[] Demodulation = [-7.5, -10, -12.5, -15, -17.5, -20];

    readonly IReadOnlyList<Gateway> gateways;

    public Radio(TownPlan plan, Noise noise)
    {
        string[] roofs = plan.Radius > 1200 ? ["rathaus", "wasserturm", "klinikum", "feuerwehr"] : ["kirchturm"];
        gateways = [.. roofs.Select((roof, i) => new Gateway(
            $"gw-{roof}", $"58A0CBFFFE{noise.Of("gateway").Bits(i) & 0xFFFFFF:X6}",
            i == 0 ? new Spot(-40, 30) : new Spot(0, 0).Go(0.7 + i * 2.1, plan.Radius * 0.55)))];
    }

    /// <summary>The spreading factor that adaptive data rate settles on for a device here: the fastest with 6 dB to spare.</summary>
    public int SpreadingFactor(Spot spot, Noise device)
    {
        var best = gateways.Max(gateway => Strength(spot, gateway, device)) - NoiseFloor;
        var fast = Array.FindIndex(Demodulation, needed => best - 6 >= needed);
        return fast < 0 ? 12 : 7 + fast;
    }

    /// <summary>Who hears the frame <paramref name="index"/> of a device; nobody when it is lost.</summary>
    public List<Reception> Receive(Spot spot, int spreadingFactor, Noise device, long index)
    {
        var receptions = new List<Reception>(gateways.Count);
        for (var i = 0; i < gateways.Count; i++)
        {
            var draws = device.Of(7000 + i);
            // Cars, leaves, other senders at the same time.
            var fading = 3.2 * draws.Normal(index);
            var collided = draws.Uniform(index) < 0.008 * (spreadingFactor - 5);
            var rssi = Strength(spot, gateways[i], device) + fading;
            var snr = Math.Min(rssi - NoiseFloor, 9.5 + 0.8 * draws.Normal(index + 1));
            if (!collided && rssi - NoiseFloor >= Demodulation[spreadingFactor - 7])
                receptions.Add(new Reception(gateways[i], (int)Math.Round(rssi), Math.Round(snr * 4) / 4));
        }
        return receptions;
    }

    // Log distance path loss of a small town, with a shadow that each device has for good.
    static double Strength(Spot spot, Gateway gateway, Noise device) =>
        TransmitPower - 101 - 10 * 3.4 * Math.Log10(Math.Max(40, spot.DistanceTo(gateway.Spot)) / 100) + 5 * device.Of(gateway.Id).Normal(0);
}
