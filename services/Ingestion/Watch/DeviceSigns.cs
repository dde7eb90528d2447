namespace Allmende.Ingestion.Watch;

/// <summary>What one uplink says of its device's condition.</summary>
/// <param name="At">When our door took it.</param>
/// <param name="Uplink">Its id.</param>
/// <param name="SentAt">When it says that it was sent; as <paramref name="At"/> where it does not say.</param>
/// <param name="FCnt">LoRaWAN frame counter.</param>
/// <param name="Rssi">dBm.</param>
/// <param name="Snr">dB.</param>
/// <param name="SpreadingFactor">7 to 12.</param>
/// <param name="Gateways">How many heard it.</param>
/// <param name="Frames">How many frames it stands for: a flood is not kept one by one.</param>
readonly record struct UplinkSign(
    DateTime At, string Uplink, DateTime SentAt, long? FCnt = null, double? Rssi = null, double? Snr = null, int? SpreadingFactor = null, int? Gateways = null, int Frames = 1);

/// <summary>What is known of a device's condition from all its uplinks; the rules by which each uplink changes that.</summary>
sealed record DeviceSigns
{
    /// <summary>Counters of 16 bits go on at 0.</summary>
    const int Wrap = 0x10000, NearWrap = 0x100;

    public DateTime At { get; init; }
    public long? FCnt { get; init; }
    public double? Rssi { get; init; }
    public double? Snr { get; init; }
    public int? SpreadingFactor { get; init; }
    public int? Gateways { get; init; }
    /// <summary>The uplink that the frame counter is of.</summary>
    public string? Uplink { get; init; }
    public DateTime? SentAt { get; init; }
    /// <summary>Seconds by which its clock is ahead.</summary>
    public double? ClockOff { get; init; }
    /// <summary>How many uplinks in a row were weak; negative: good.</summary>
    public int SignalStreak { get; init; }
    /// <summary>Frames that never came, in all.</summary>
    public long Lost { get; init; }
    public long? Jump { get; init; }
    public DateTime? JumpedAt { get; init; }
    public DateTime? RestartedAt { get; init; }
    public DateTime? ReplayedAt { get; init; }
    /// <summary>The counter of the frame that was not newer; if the next goes on from there, it was a restart.</summary>
    public long? ReplayedFCnt { get; init; }
    public double? Battery { get; init; }
    public DateTime? BatteryAt { get; init; }

    /// <summary>What is known after one more uplink.</summary>
    public DeviceSigns After(in UplinkSign sign, WatchOptions limits)
    {
        var next = this with
        {
            At = sign.At > At ? sign.At : At,
            ClockOff = (sign.SentAt - sign.At).TotalSeconds,
            SignalStreak = StreakAfter(sign, limits),
            Rssi = sign.Rssi,
            Snr = sign.Snr,
            SpreadingFactor = sign.SpreadingFactor,
            Gateways = sign.Gateways,
        };
        return sign.FCnt is { } counter ? next.AfterFrame(counter, sign, limits) : next;
    }

    /// <summary>
    /// A frame that is not newer than the last is noted, not refused: network servers refuse replays themselves, and what comes twice by the plain doors has
    /// the same id. What is left are devices that count wrongly, whose data is good.
    /// </summary>
    DeviceSigns AfterFrame(long counter, in UplinkSign sign, WatchOptions limits)
    {
        if (FCnt is not { } last || counter > last) return Newer(counter, counter - (FCnt ?? counter - sign.Frames), sign, limits);
        if (counter == last) return sign.Uplink == Uplink ? this : this with { ReplayedAt = sign.At, ReplayedFCnt = counter };
        // What was delayed on its way is no loss any more.
        if (sign.SentAt <= SentAt) return this with { Lost = Math.Max(0, Lost - 1) };
        if (last < Wrap && last >= Wrap - NearWrap && counter < NearWrap) return Newer(counter, counter + Wrap - last, sign, limits);
        if (counter <= limits.RestartsAtMost || (ReplayedFCnt < counter && counter - ReplayedFCnt <= limits.MostLostAtOnce + 1))
            return this with { FCnt = counter, Uplink = sign.Uplink, SentAt = sign.SentAt, RestartedAt = sign.At, ReplayedFCnt = null };
        return this with { ReplayedAt = sign.At, ReplayedFCnt = counter };
    }

    DeviceSigns Newer(long counter, long steps, in UplinkSign sign, WatchOptions limits)
    {
        var lost = Math.Max(0, steps - sign.Frames);
        var next = this with { FCnt = counter, Uplink = sign.Uplink, SentAt = sign.SentAt, Lost = Lost + lost, ReplayedFCnt = null };
        return lost > limits.MostLostAtOnce ? next with { Jump = lost, JumpedAt = sign.At } : next;
    }

    int StreakAfter(in UplinkSign sign, WatchOptions limits)
    {
        if (sign is { Rssi: null, Snr: null, SpreadingFactor: null }) return SignalStreak;
        var weak = sign.Rssi <= limits.WeakRssi || sign.SpreadingFactor >= limits.WeakSpreadingFactor
            || sign.Snr < LeastSnr(sign.SpreadingFactor) + limits.WeakSnrMargin;
        return weak ? Math.Min(Math.Max(SignalStreak, 0) + 1, 1000) : Math.Max(Math.Min(SignalStreak, 0) - 1, -1000);
    }

    /// <summary>The signal to noise ratio, in dB, that LoRa needs: 2.5 dB less with each greater spreading factor.</summary>
    static double LeastSnr(int? spreadingFactor) => -7.5 - 2.5 * ((spreadingFactor ?? 12) - 7);
}
