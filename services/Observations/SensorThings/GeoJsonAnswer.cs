using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// Entities as a FeatureCollection (RFC 7946), after FROST's extension: whatever an entity and its expansions hold is a property named by its path
/// (<c>Datastreams/0/Observations/0/result</c>); the geometry is the first that is found in them.
/// </summary>
static class GeoJsonAnswer
{
    const int FlushFrom = 64 * 1024;

    public static async Task WriteAsync(PipeWriter output, EntityReader reader, string address, CancellationToken cancellation)
    {
        using var json = new JsonBuffer();
        json.Raw("{\"type\":\"FeatureCollection\","u8);
        reader.WriteHead(json, address);
        json.Raw("\"features\":["u8);
        var entity = new ArrayBufferWriter<byte>(4096);
        for (var i = 0; i < reader.Top.Rows.Count; i++)
        {
            entity.ResetWrittenCount();
            reader.WriteEntity(entity, i);
            if (i > 0) json.Raw(","u8);
            WriteFeature(json, reader.Top, entity.WrittenSpan);
            if (json.Length < FlushFrom) continue;
            output.Write(json.Slice(0, json.Length));
            json.Clear();
            await output.FlushAsync(cancellation);
        }
        json.Raw("]}"u8);
        output.Write(json.Slice(0, json.Length));
    }

    static void WriteFeature(JsonBuffer json, Level level, ReadOnlySpan<byte> entity)
    {
        json.Raw("{\"type\":\"Feature\",\"properties\":{"u8);
        var flattening = new Flattening(json, entity);
        var reader = new Utf8JsonReader(entity);
        reader.Read();
        flattening.Entity(ref reader, level, "");
        if (json.Slice(json.Length - 1, 1)[0] == ',') json.Back();
        json.Raw("},\"geometry\":"u8);
        json.Raw(flattening.Geometry is { Length: > 0 } geometry ? geometry : "null"u8);
        json.Raw("}"u8);
    }

    ref struct Flattening(JsonBuffer json, ReadOnlySpan<byte> source)
    {
        readonly JsonBuffer json = json;
        readonly ReadOnlySpan<byte> source = source;

        /// <summary>The first geometry that was found.</summary>
        public ReadOnlySpan<byte> Geometry { get; private set; }

        /// <summary>Writes the members of an entity, the reader standing at its beginning.</summary>
        public void Entity(ref Utf8JsonReader reader, Level level, string prefix)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (name.Contains("@iot.", StringComparison.Ordinal) && name != "@iot.id") reader.Skip();
                else if (name == "@iot.id") Value(ref reader, prefix + "id");
                else if (level.Children.Find(child => child.Via!.Name == name) is { } child) Expansion(ref reader, child, prefix + name);
                else if (level.Set.Property(name) is { Geometry: not null } && TryGeometry(ref reader)) { }
                else Value(ref reader, prefix + name);
            }
        }

        void Expansion(ref Utf8JsonReader reader, Level level, string name)
        {
            if (reader.TokenType == JsonTokenType.StartObject) Entity(ref reader, level, name + "/");
            else if (reader.TokenType == JsonTokenType.StartArray)
            {
                for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
                    Entity(ref reader, level, string.Create(CultureInfo.InvariantCulture, $"{name}/{i}/"));
            }
        }

        void Value(ref Utf8JsonReader reader, string name)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var member = name + "/" + reader.GetString();
                    reader.Read();
                    Value(ref reader, member);
                }
            }
            else if (reader.TokenType == JsonTokenType.StartArray)
            {
                for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++) Value(ref reader, string.Create(CultureInfo.InvariantCulture, $"{name}/{i}"));
            }
            else
            {
                json.Text(name);
                json.Raw(":"u8);
                json.Raw(source[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
                json.Raw(","u8);
            }
        }

        /// <summary>Takes a GeoJSON geometry, or that of a GeoJSON Feature; the first is kept. False if it is none.</summary>
        bool TryGeometry(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return false;
            var ahead = reader;
            string? type = null;
            (int Start, int End) inner = default;
            while (ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName)
            {
                var isGeometry = ahead.ValueTextEquals("geometry"u8);
                var isType = ahead.ValueTextEquals("type"u8);
                ahead.Read();
                var start = (int)ahead.TokenStartIndex;
                if (isType && ahead.TokenType == JsonTokenType.String) type = ahead.GetString();
                var isObject = ahead.TokenType == JsonTokenType.StartObject;
                ahead.Skip();
                if (isGeometry && isObject) inner = (start, (int)ahead.BytesConsumed);
            }
            var whole = (Start: (int)reader.TokenStartIndex, End: (int)ahead.BytesConsumed);
            var found = type switch
            {
                "Point" or "MultiPoint" or "LineString" or "MultiLineString" or "Polygon" or "MultiPolygon" or "GeometryCollection" => whole,
                "Feature" => inner,
                _ => default,
            };
            if (found.End == 0) return false;
            if (Geometry.Length == 0) Geometry = source[found.Start..found.End];
            reader = ahead;
            return true;
        }
    }
}
