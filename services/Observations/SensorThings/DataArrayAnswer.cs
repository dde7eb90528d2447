using System.Buffers;

namespace Allmende.Observations.SensorThings;

/// <summary>Observations as arrays of values, grouped by Datastream or MultiDatastream (OGC 18-088 section 12.1).</summary>
static class DataArrayAnswer
{
    public static void Write(IBufferWriter<byte> output, EntityReader reader, string address)
    {
        using var json = new JsonBuffer();
        json.Raw("{"u8);
        reader.WriteHead(json, address);
        json.Raw("\"value\":["u8);
        var components = string.Join(',', reader.Top.Components.Select(name => $"\"{name}\""));
        foreach (var (key, rows) in ByDatastream(reader.Top))
        {
            var (id, isMulti) = reader.Datastreams[key];
            json.Raw(isMulti ? "{\"MultiDatastream@iot.navigationLink\":"u8 : "{\"Datastream@iot.navigationLink\":"u8);
            json.Text($"{reader.Root}{(isMulti ? "MultiDatastreams" : "Datastreams")}({id})");
            json.Raw(",\"components\":["u8);
            json.Raw(components);
            json.Raw("],\"dataArray@iot.count\":"u8);
            json.Number((long)rows.Count);
            json.Raw(",\"dataArray\":["u8);
            foreach (var row in rows)
            {
                json.Raw(reader.Top.Buffer.Slice(row.Start, row.Length));
                json.Raw(","u8);
            }
            json.Back();
            json.Raw("]},"u8);
        }
        if (reader.Top.Rows.Count > 0) json.Back();
        json.Raw("]}"u8);
        output.Write(json.Slice(0, json.Length));
    }

    /// <summary>The rows of each, in the order in which they first come.</summary>
    static List<(long Key, List<Row> Rows)> ByDatastream(Level level)
    {
        var groups = new List<(long Key, List<Row> Rows)>();
        var places = new Dictionary<long, int>();
        foreach (var row in level.Rows)
        {
            Ids.TryObservation(row.ObservationId, out var key, out _);
            if (!places.TryGetValue(key, out var place))
            {
                places[key] = place = groups.Count;
                groups.Add((key, []));
            }
            groups[place].Rows.Add(row);
        }
        return groups;
    }
}
