using Allmende.Observations.Store.Packed;

namespace Allmende.Observations;

/// <summary>Configuration of Observations; section <c>Observations</c>.</summary>
public sealed class ObservationsOptions
{
    /// <summary>How long a SensorThings client's query may run in the database; then it is cancelled there and answered with 503.</summary>
    public TimeSpan LongestRead { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>A month is packed when it has been over for so long; at least <see cref="PackStore.Youngest"/>. Late data costs more afterwards.</summary>
    public TimeSpan PackAfter { get; set; } = TimeSpan.FromDays(45);

    /// <summary>How often is looked for months to pack.</summary>
    public TimeSpan CompactEvery { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often what datasets no longer keep is deleted.</summary>
    public TimeSpan RetainEvery { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Where MQTT is spoken, as clients reach it, e.g. <c>mqtts://mqtt.example.org:8883</c>: said in SensorThings' root document; nowhere if empty.</summary>
    public IList<string> MqttEndpoints { get; } = [];

    /// <summary>How often is looked for commands to devices that another instance left behind; what is commanded here is told at once.</summary>
    public TimeSpan CommandsSweptEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <exception cref="InvalidOperationException">With all faults.</exception>
    public ObservationsOptions Validated()
    {
        var faults = Faults().ToList();
        return faults.Count == 0 ? this : throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
    }

    IEnumerable<string> Faults()
    {
        if (LongestRead < TimeSpan.FromSeconds(1) || LongestRead > TimeSpan.FromMinutes(10)) yield return "Observations:LongestRead must be 1 second to 10 minutes";
        if (PackAfter < PackStore.Youngest) yield return $"Observations:PackAfter must be at least {PackStore.Youngest.TotalDays:0} days";
        if (RetainEvery <= TimeSpan.Zero) yield return "Observations:RetainEvery must be longer than nothing";
        if (CommandsSweptEvery <= TimeSpan.Zero) yield return "Observations:CommandsSweptEvery must be longer than nothing";
        foreach (var endpoint in MqttEndpoints)
            if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address) || address.Scheme is not ("mqtt" or "mqtts" or "ws" or "wss")) yield return $"Observations:MqttEndpoints: '{endpoint}' is no address of mqtt, mqtts, ws or wss";
        if (CompactEvery <= TimeSpan.Zero) yield return "Observations:CompactEvery must be longer than nothing";
    }
}
