using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace Allmende.Dashboards;

/// <summary>
/// A base map from a GeoJSON file of the operator's: features whose property <c>kind</c> is <c>district</c>, <c>park</c>, <c>water</c>, <c>building</c>
/// or <c>road</c> (through roads with <c>main</c>: true), with <c>name</c> where they have one. It is read and compressed once.
/// </summary>
sealed class BaseMap
{
    /// <summary>The largest file: what a phone on a bus can load and draw.</summary>
    public const int MostBytes = 16 * 1024 * 1024;

    BaseMap(byte[] content)
    {
        Content = content;
        Version = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal)) gzip.Write(content);
        Compressed = compressed.ToArray();
    }

    public byte[] Content { get; }

    /// <summary>The content in gzip.</summary>
    public byte[] Compressed { get; }

    /// <summary>A short name of the content, for its address and ETag.</summary>
    public string Version { get; }

    /// <summary>Why the file cannot be a base map, or null.</summary>
    public static string? FaultOf(string file)
    {
        if (!File.Exists(file)) return "is no file";
        if (new FileInfo(file).Length > MostBytes) return $"is larger than {MostBytes / 1024 / 1024} MiB";
        try
        {
            using var stream = File.OpenRead(file);
            using var json = JsonDocument.Parse(stream);
            return json.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("type", out var type) && type.ValueEquals("FeatureCollection")
                && root.TryGetProperty("features", out var features) && features.ValueKind == JsonValueKind.Array
                ? null : "is no GeoJSON FeatureCollection";
        }
        catch (Exception fault) when (fault is JsonException or IOException or UnauthorizedAccessException)
        {
            return "cannot be read: " + fault.Message;
        }
    }

    public static BaseMap Read(string file) => new(File.ReadAllBytes(file));
}

/// <summary>The base maps that are configured, by their files.</summary>
sealed class BaseMaps
{
    readonly ConcurrentDictionary<string, BaseMap> read = new(StringComparer.Ordinal);

    /// <summary>The base map of a portal; null where none is configured, or a style of its own draws the ground.</summary>
    public BaseMap? Of(PortalOptions options) =>
        options is { Basemap: { } file, MapStyle: null } ? read.GetOrAdd(file, BaseMap.Read) : null;
}
