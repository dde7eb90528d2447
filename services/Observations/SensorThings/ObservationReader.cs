using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;

namespace Allmende.Observations.SensorThings;

/// <summary>An Observation as a client posts it; the Datastream is named by the body or by the path.</summary>
/// <param name="Datastream">Id of the Datastream or MultiDatastream.</param>
/// <param name="Feature">Id of the FeatureOfInterest.</param>
/// <param name="Observation">The rest.</param>
/// <param name="IsMulti">It is one of a MultiDatastream.</param>
/// <param name="Places">How many values the result has, if it is an array.</param>
/// <param name="IsDeep">Datastream or FeatureOfInterest stand in it as entities that are to be made first.</param>
readonly record struct PostedObservation(
    string? Datastream, string? Feature, Observation Observation, bool IsMulti = false, int? Places = null, bool IsDeep = false);

/// <summary>Reads Observations from JSON (OGC 18-088 sections 8.2.8 and 12) without building a document of them.</summary>
static class ObservationReader
{
    static readonly JsonReaderOptions Options = new() { MaxDepth = 64 };

    /// <summary>Reads one Observation entity.</summary>
    public static PostedObservation ReadOne(ReadOnlySequence<byte> body)
    {
        var reader = new Utf8JsonReader(body, Options);
        return Guarded(ref reader, static (ref Utf8JsonReader reader) =>
        {
            reader.Read();
            var posted = ReadEntity(ref reader);
            if (reader.Read()) throw new SensorThingsException(400, "there is more than one JSON value in the body");
            return posted;
        });
    }

    /// <summary>Reads the body of <c>CreateObservations</c>: data arrays of one or several Datastreams.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="most">Most observations of one request.</param>
    public static List<PostedObservation> ReadDataArrays(ReadOnlySequence<byte> body, int most)
    {
        var reader = new Utf8JsonReader(body, Options);
        return Guarded(ref reader, (ref Utf8JsonReader reader) =>
        {
            var posted = new List<PostedObservation>(128);
            reader.Read();
            Expect(ref reader, JsonTokenType.StartArray, "an array of data arrays");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) ReadDataArray(ref reader, posted, most);
            return posted;
        });
    }

    delegate T Reading<T>(ref Utf8JsonReader reader);

    static T Guarded<T>(ref Utf8JsonReader reader, Reading<T> read)
    {
        try
        {
            return read(ref reader);
        }
        catch (JsonException fault)
        {
            throw new SensorThingsException(400, $"no valid JSON at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}");
        }
        catch (InvalidOperationException)
        {
            throw new SensorThingsException(400, $"a text in the JSON before byte {reader.BytesConsumed} is not valid Unicode");
        }
    }

    static PostedObservation ReadEntity(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, "an Observation as a JSON object");
        var draft = new Draft();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("result"u8)) { reader.Read(); draft.ReadResult(ref reader); }
            else if (reader.ValueTextEquals("phenomenonTime"u8)) { reader.Read(); draft.ReadPhenomenonTime(ref reader); }
            else if (reader.ValueTextEquals("resultTime"u8)) { reader.Read(); draft.ReadResultTime(ref reader); }
            else if (reader.ValueTextEquals("Datastream"u8)) { reader.Read(); draft.Datastream = draft.ReadLink(ref reader, "Datastream"); }
            else if (reader.ValueTextEquals("MultiDatastream"u8)) { reader.Read(); (draft.Datastream, draft.IsMulti) = (draft.ReadLink(ref reader, "MultiDatastream"), true); }
            else if (reader.ValueTextEquals("FeatureOfInterest"u8)) { reader.Read(); draft.Feature = draft.ReadLink(ref reader, "FeatureOfInterest"); }
            else if (reader.ValueTextEquals("parameters"u8) || reader.ValueTextEquals("validTime"u8) || reader.ValueTextEquals("resultQuality"u8))
            {
                var name = reader.GetString()!;
                reader.Read();
                draft.ReadExtra(name, ref reader);
            }
            else
            {
                var name = reader.GetString()!;
                if (!name.StartsWith('@') && !name.Contains("@iot.", StringComparison.Ordinal)) throw new SensorThingsException(400, $"an Observation has no property '{name}'");
                reader.Read();
                reader.Skip();
            }
        }
        return draft.Finish();
    }

    static void ReadDataArray(ref Utf8JsonReader reader, List<PostedObservation> posted, int most)
    {
        Expect(ref reader, JsonTokenType.StartObject, "a data array as a JSON object");
        string? datastream = null;
        var isMulti = false;
        List<string>? components = null;
        var first = posted.Count;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("Datastream"u8)) { reader.Read(); datastream = ReadReference(ref reader, "Datastream"); }
            else if (reader.ValueTextEquals("MultiDatastream"u8)) { reader.Read(); (datastream, isMulti) = (ReadReference(ref reader, "MultiDatastream"), true); }
            else if (reader.ValueTextEquals("components"u8)) { reader.Read(); components = ReadComponents(ref reader); }
            else if (reader.ValueTextEquals("dataArray"u8))
            {
                reader.Read();
                ReadRows(ref reader, components ?? throw new SensorThingsException(400, "'components' must stand before 'dataArray'"), posted, most);
            }
            else { reader.Read(); reader.Skip(); }
        }
        if (datastream is null) throw new SensorThingsException(400, "a data array names no Datastream");
        for (var i = first; i < posted.Count; i++) posted[i] = posted[i] with { Datastream = datastream, IsMulti = isMulti };
    }

    static List<string> ReadComponents(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartArray, "'components' as an array of texts");
        var components = new List<string>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.String, "a component as text");
            var name = reader.GetString()!;
            components.Add(name is "phenomenonTime" or "result" or "resultTime" or "resultQuality" or "validTime" or "parameters" or "FeatureOfInterest/id" or "FeatureOfInterest/@iot.id"
                ? name
                : throw new SensorThingsException(400, $"there is no component '{name}'"));
        }
        return components;
    }

    static void ReadRows(ref Utf8JsonReader reader, List<string> components, List<PostedObservation> posted, int most)
    {
        Expect(ref reader, JsonTokenType.StartArray, "'dataArray' as an array of arrays");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartArray, "a row of 'dataArray' as an array");
            var draft = new Draft();
            foreach (var component in components)
            {
                if (!reader.Read() || reader.TokenType == JsonTokenType.EndArray) throw new SensorThingsException(400, $"a row of 'dataArray' is shorter than 'components' (row {posted.Count + 1})");
                switch (component)
                {
                    case "result": draft.ReadResult(ref reader); break;
                    case "phenomenonTime": draft.ReadPhenomenonTime(ref reader); break;
                    case "resultTime": draft.ReadResultTime(ref reader); break;
                    case "FeatureOfInterest/id" or "FeatureOfInterest/@iot.id": draft.Feature = ReadId(ref reader); break;
                    default: draft.ReadExtra(component, ref reader); break;
                }
            }
            reader.Read();
            Expect(ref reader, JsonTokenType.EndArray, $"the end of row {posted.Count + 1} of 'dataArray'");
            posted.Add(draft.Finish());
            if (posted.Count > most) throw new SensorThingsException(413, $"more than {most} observations in one request");
        }
    }

    static string ReadReference(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, $"'{name}' as {{\"@iot.id\":…}}");
        string? id = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isId = reader.ValueTextEquals("@iot.id"u8);
            reader.Read();
            if (isId) id = ReadId(ref reader); else reader.Skip();
        }
        return id ?? throw new SensorThingsException(400, $"'{name}' must be given by its @iot.id");
    }

    static string ReadId(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString()!,
        JsonTokenType.Number when reader.TryGetInt64(out var number) => number.ToString(CultureInfo.InvariantCulture),
        _ => throw new SensorThingsException(400, "an @iot.id is a number or a text"),
    };

    static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type) throw new SensorThingsException(400, $"{what} expected at byte {reader.TokenStartIndex + 1}");
    }

    /// <summary>What has been read of an Observation so far.</summary>
    ref struct Draft
    {
        long? time, end, resultTime;
        double value;
        string? json;
        bool hasResult;
        int? places;
        StringBuilder? extra;

        bool isDeep;

        public string? Datastream { get; set; }
        public string? Feature { get; set; }
        public bool IsMulti { get; set; }

        /// <summary>A link by id, or an entity to be made, of which only that it is there is noted here.</summary>
        public string? ReadLink(ref Utf8JsonReader reader, string name)
        {
            Expect(ref reader, JsonTokenType.StartObject, $"'{name}' as {{\"@iot.id\":…}}");
            string? id = null;
            var more = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isId = reader.ValueTextEquals("@iot.id"u8);
                more |= !isId && reader.GetString()!.IndexOf('@', StringComparison.Ordinal) < 0;
                reader.Read();
                if (isId) id = ReadId(ref reader); else reader.Skip();
            }
            if (id is null && !more) throw new SensorThingsException(400, $"'{name}' must be given by its @iot.id or as an entity");
            isDeep |= more || id is ['$', ..];
            return more ? null : id;
        }

        public void ReadResult(ref Utf8JsonReader reader)
        {
            hasResult = true;
            places = reader.TokenType == JsonTokenType.StartArray ? CountPlaces(reader) : null;
            if (reader.TokenType == JsonTokenType.Number) value = reader.GetDouble();
            else json = RawText(ref reader);
            if (!double.IsFinite(value)) throw new SensorThingsException(400, "a result lies outside the range of numbers");
        }

        public void ReadPhenomenonTime(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.Null) return;
            Expect(ref reader, JsonTokenType.String, "phenomenonTime as text");
            if (reader.TryGetDateTimeOffset(out var instant)) { time = Observation.Micros(instant); return; }
            var text = reader.GetString()!;
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            time = Parse(slash < 0 ? text : text[..slash], "phenomenonTime");
            if (slash >= 0) end = Parse(text[(slash + 1)..], "phenomenonTime");
            if (end < time) throw new SensorThingsException(400, "phenomenonTime ends before it begins");
        }

        public void ReadResultTime(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.Null) return;
            Expect(ref reader, JsonTokenType.String, "resultTime as text");
            resultTime = reader.TryGetDateTimeOffset(out var instant) ? Observation.Micros(instant) : Parse(reader.GetString()!, "resultTime");
        }

        public void ReadExtra(string name, ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.Null) return;
            extra ??= new StringBuilder("{");
            if (extra.Length > 1) extra.Append(',');
            extra.Append('"').Append(name).Append("\":").Append(RawText(ref reader));
        }

        public readonly PostedObservation Finish()
        {
            if (!hasResult) throw new SensorThingsException(400, "an Observation needs a result");
            var observation = new Observation("", time ?? ServerClock.Next(), value, json, Quality.Good, end, resultTime, extra?.Append('}').ToString());
            return new PostedObservation(Datastream, Feature, observation, IsMulti, places, isDeep);
        }

        static int CountPlaces(Utf8JsonReader ahead)
        {
            var count = 0;
            for (; ahead.Read() && ahead.TokenType != JsonTokenType.EndArray; count++) ahead.Skip();
            return count;
        }

        static string RawText(ref Utf8JsonReader reader)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var text = document.RootElement.GetRawText();
            // PostgreSQL keeps no NUL in texts, so it is refused at the door and not behind it.
            return text.Contains("\\u0000", StringComparison.Ordinal) ? throw new SensorThingsException(400, "a text holds a NUL character") : text;
        }

        static long Parse(string text, string name) =>
            DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? Observation.Micros(at)
                : throw new SensorThingsException(400, $"{name}: '{(text.Length > 60 ? text[..60] + "…" : text)}' is no time");
    }
}

/// <summary>The time for observations that come without one: never the same twice, or the second would count as a repetition of the first.</summary>
static class ServerClock
{
    static long last;

    /// <summary>Microseconds since 1970.</summary>
    public static long Next()
    {
        while (true)
        {
            var before = Volatile.Read(ref last);
            var next = Math.Max(before + 1, Observation.Micros(DateTimeOffset.UtcNow));
            if (Interlocked.CompareExchange(ref last, next, before) == before) return next;
        }
    }
}
