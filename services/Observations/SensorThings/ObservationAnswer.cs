using System.Text.Json;
using Allmende.Contracts;

namespace Allmende.Observations.SensorThings;

/// <summary>A posted Observation as GET gives it, made of what was posted: reading it back would cost a query for each.</summary>
static class ObservationAnswer
{
    public static byte[] Of(string id, string link, bool isMulti, in Observation observation)
    {
        using var json = new JsonBuffer();
        json.Raw("{\"@iot.id\":"u8);
        json.Text(id);
        json.Raw(",\"@iot.selfLink\":"u8);
        json.Text(link);
        json.Raw(",\"phenomenonTime\":"u8);
        json.Interval(Observation.Time(observation.PhenomenonTime), observation.PhenomenonEnd is { } end ? Observation.Time(end) : null);
        json.Raw(",\"resultTime\":"u8);
        if (observation.ResultTime is { } resultTime) json.Time(Observation.Time(resultTime)); else json.Raw("null"u8);
        json.Raw(",\"result\":"u8);
        if (observation.Json is { } result) json.Raw(result); else json.Number(observation.Value);
        using var extra = observation.Extra is { } text ? JsonDocument.Parse(text) : null;
        json.Raw(",\"resultQuality\":"u8);
        if (extra is not null && extra.RootElement.TryGetProperty("resultQuality", out var quality)) json.Raw(quality.GetRawText());
        else QualityJson.Write(json, observation.Quality);
        foreach (var name in new[] { "validTime", "parameters" })
            if (extra is not null && extra.RootElement.TryGetProperty(name, out var value)) json.Raw($",\"{name}\":{value.GetRawText()}");
        foreach (var navigation in Model.Observations.Navigations.Where(navigation => navigation.Name != (isMulti ? "Datastream" : "MultiDatastream")))
        {
            json.Raw($",\"{navigation.Name}@iot.navigationLink\":");
            json.Text($"{link}/{navigation.Name}");
        }
        json.Raw("}"u8);
        return json.Slice(0, json.Length).ToArray();
    }
}
