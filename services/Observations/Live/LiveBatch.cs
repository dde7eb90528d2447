using System.Text;
using Allmende.Contracts;
using Allmende.Observations.SensorThings;

namespace Allmende.Observations.Live;

/// <summary>An observation on its way to those who listen.</summary>
/// <param name="Datastream">Whose it is; rights are asked there at the moment of sending.</param>
/// <param name="Box">Where it was observed: its own FeatureOfInterest, else the Datastream's.</param>
/// <param name="Observation">What was observed.</param>
/// <param name="Received">Arrival at the door, microseconds since 1970.</param>
/// <param name="Until">The place after its record if it is the last of it that is known; null otherwise.</param>
readonly record struct LiveObservation(LiveDatastream Datastream, double[]? Box, Observation Observation, long Received, LogPlace? Until);

/// <summary>What came out of the log at once, shared by all who listen.</summary>
sealed class LiveBatch(LogPlace before, LogPlace after)
{
    readonly Lock writing = new();
    LiveFrames? frames;

    /// <summary>Observations of whole records, in order.</summary>
    public IReadOnlyList<LiveObservation> Observations { get; init; } = [];

    /// <summary>Entities that came, changed or went.</summary>
    public IReadOnlyList<EntityChange> Changes { get; init; } = [];

    /// <summary>The place before the batch.</summary>
    public LogPlace Before { get; } = before;

    /// <summary>The place after it.</summary>
    public LogPlace After { get; } = after;

    /// <summary>True if something between the place that was read up to before and this batch is not kept any more.</summary>
    public bool AfterGap { get; init; }

    /// <summary>About what it takes in memory.</summary>
    public long Bytes { get; init; }

    /// <summary>The observations as text, written when the first one needs it and shared from then on.</summary>
    public LiveFrames Frames
    {
        get
        {
            lock (writing) return frames ??= LiveFrames.Write(Observations);
        }
    }
}

/// <summary>Observations as frames of server-sent events, in one buffer; the JSON of each can be had alone.</summary>
sealed class LiveFrames(byte[] bytes, LiveFrames.Place[] places)
{
    /// <summary>Where a frame and the JSON in it stand.</summary>
    public readonly record struct Place(int Start, int End, int JsonStart, int JsonEnd);

    /// <summary>The frame: <c>id</c> where the observation ends its record, <c>event: observation</c>, <c>data</c>.</summary>
    public ReadOnlyMemory<byte> Event(int index) => bytes.AsMemory(places[index].Start..places[index].End);

    /// <summary>
    /// <c>{"datastream":"pegel-1.level","thing":"pegel-1","type":"water_level","unit":"cm","id":"17-1764150000000000","phenomenonTime":"…","resultTime":"…","result":45,
    /// "resultQuality":{"flag":"good","reasons":[]}}</c>; <c>resultTime</c> only where there is one; of a MultiDatastream <c>type</c>, <c>unit</c> and <c>result</c> are arrays.
    /// </summary>
    public ReadOnlyMemory<byte> Json(int index) => bytes.AsMemory(places[index].JsonStart..places[index].JsonEnd);

    public static LiveFrames Write(IReadOnlyList<LiveObservation> observations)
    {
        using var buffer = new JsonBuffer();
        var places = new Place[observations.Count];
        for (var i = 0; i < places.Length; i++)
        {
            var start = buffer.Length;
            if (observations[i].Until is { } place)
            {
                buffer.Raw("id: "u8);
                buffer.Raw(place.ObservationsText);
                buffer.Raw("\n"u8);
            }
            buffer.Raw("event: observation\ndata: "u8);
            var json = buffer.Length;
            WriteJson(buffer, observations[i].Datastream, observations[i].Observation);
            var end = buffer.Length;
            buffer.Raw("\n\n"u8);
            places[i] = new Place(start, buffer.Length, json, end);
        }
        return new LiveFrames(buffer.Slice(0, buffer.Length).ToArray(), places);
    }

    static void WriteJson(JsonBuffer json, LiveDatastream datastream, in Observation observation)
    {
        var time = Observation.Time(observation.PhenomenonTime);
        json.Raw("{\"datastream\":"u8);
        json.Text(datastream.Id);
        json.Raw(",\"thing\":"u8);
        json.Text(datastream.Thing);
        json.Raw(",\"type\":"u8);
        WriteTexts(json, datastream.Types, datastream.IsMulti);
        json.Raw(",\"unit\":"u8);
        WriteTexts(json, datastream.Units, datastream.IsMulti);
        json.Raw(",\"id\":\""u8);
        json.Raw(Ids.OfObservation(datastream.Key, time));
        json.Raw("\",\"phenomenonTime\":"u8);
        json.Interval(time, observation.PhenomenonEnd is { } end ? Observation.Time(end) : null);
        if (observation.ResultTime is { } at)
        {
            json.Raw(",\"resultTime\":"u8);
            json.Time(Observation.Time(at));
        }
        json.Raw(",\"result\":"u8);
        // A line of an event ends where the text does.
        if (observation.Json is { } text) json.Raw(text.ReplaceLineEndings(" ")); else json.Number(observation.Value);
        json.Raw(",\"resultQuality\":"u8);
        QualityJson.Write(json, observation.Quality);
        json.Raw("}"u8);
    }

    static void WriteTexts(JsonBuffer json, string?[] texts, bool asArray)
    {
        if (!asArray)
        {
            json.Text(texts is [var one] ? one : null);
            return;
        }
        json.Raw("["u8);
        for (var i = 0; i < texts.Length; i++)
        {
            if (i > 0) json.Raw(","u8);
            json.Text(texts[i]);
        }
        json.Raw("]"u8);
    }

    /// <summary>Tells a subscriber how far it has come although nothing was for it: an event without data moves <c>Last-Event-ID</c> and is not shown.</summary>
    public static byte[] Progress(LogPlace place) => Encoding.ASCII.GetBytes($"id: {place.ObservationsText}\n\n");
}
