namespace Allmende.Observations.SensorThings.Writes;

/// <summary>What OGC 18-088 section 13 asks of a MultiDatastream beyond what its properties ask each for themselves.</summary>
static class CheckMultiDatastream
{
    /// <summary>As many units and ObservedProperties as types.</summary>
    /// <exception cref="SensorThingsException">400 if they do not fit together.</exception>
    public static async Task CheckAsync(WriteSession session, long key, string place, CancellationToken cancellation)
    {
        await using var command = session.Command("""
            SELECT 1 FROM datastream d WHERE d.key = $1 AND jsonb_array_length(d.multi_types) > 0 AND jsonb_array_length(d.unit) = jsonb_array_length(d.multi_types)
              AND (SELECT count(*) FROM multi_datastream_observed_property m WHERE m.datastream = d.key) = jsonb_array_length(d.multi_types)
            """, key);
        if (await command.ExecuteScalarAsync(cancellation) is null)
            throw Fault.At(place, "multiObservationDataTypes", "must have as many items as 'unitOfMeasurements' and 'ObservedProperties', and at least one");
    }

    /// <summary>As many values in a result.</summary>
    /// <exception cref="SensorThingsException">400 if the result is no such array.</exception>
    public static async Task CheckResultAsync(WriteSession session, EntityRow row, int? places, string place, CancellationToken cancellation)
    {
        await using var command = session.Command("SELECT jsonb_array_length(multi_types) FROM datastream WHERE key = $1", row.Key);
        var expected = (int)(await command.ExecuteScalarAsync(cancellation))!;
        if (places != expected) throw Fault.At(place, "result", $"must be an array of {expected} values");
    }
}
