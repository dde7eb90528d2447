using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>What a door has read of a message, before it is known whose it is.</summary>
struct UplinkMessage
{
    /// <summary>False for a network server's messages that are no uplink: join, acknowledgement, status.</summary>
    public bool IsUplink;
    /// <summary>The device's id, where the sender uses ours.</summary>
    public string? DeviceId;
    /// <summary>The DevEUI as it was sent.</summary>
    public string? DevEui;
    /// <summary>When it was sent; our own clock where the message does not say.</summary>
    public DateTimeOffset? Time;
    /// <summary>The field that the time came from.</summary>
    public string? TimeField;
    public int FPort;
    public long? FCnt;
    /// <summary>The payload; empty where the network server leaves it out.</summary>
    public byte[]? Bytes;
    /// <summary>What the sender decoded.</summary>
    public JsonElement? Data;
    public Reception Radio;
    /// <summary>The network server's own name for the message, the same if it is sent again.</summary>
    public string? Deduplication;
    /// <summary>The door that it came to, as the counters call it.</summary>
    public string? Door;
    /// <summary>How far ahead its sender may live, who can be made to rest for it.</summary>
    public TimeSpan Credit;
    /// <summary>What the message tells of the device beside or instead of an uplink; of which device, and if need be when, the door fills in.</summary>
    public DeviceSignal? Signal;
}

/// <summary>How gateways heard a message; the one that heard it best speaks for all.</summary>
struct Reception
{
    int gateways;
    double? bestRssi;
    double? bestSnr;

    public int? SpreadingFactor { get; set; }

    public readonly int? Gateways => gateways == 0 ? null : gateways;

    public readonly double? Rssi => bestRssi;

    public readonly double? Snr => bestSnr;

    public void HeardBy(double? rssi, double? snr)
    {
        gateways++;
        if (gateways > 1 && !(rssi > bestRssi)) return;
        bestRssi = rssi;
        bestSnr = snr;
    }

    /// <summary>The reception that was told of before.</summary>
    public static Reception Of(RadioMetadata? told) => new()
    {
        gateways = told?.Gateways ?? 0,
        bestRssi = told?.Rssi,
        bestSnr = told?.Snr,
        SpreadingFactor = told?.SpreadingFactor,
    };

    public readonly RadioMetadata? ToMetadata() =>
        gateways == 0 && SpreadingFactor is null ? null : new RadioMetadata(bestRssi, bestSnr, SpreadingFactor, gateways);
}

/// <summary>Reads one kind of message. What is wrong with it is told to <paramref name="json"/>.</summary>
delegate void UplinkReader(ref JsonFields json, ref UplinkMessage message);
