using System.Collections.Frozen;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Codecs;

namespace Allmende.Streams.Library;

/// <summary>
/// The codecs and device profiles that ship with the platform: files <c>Library/codecs/{id}.js</c>, <c>Library/profiles/{id}.json</c> and
/// <c>Library/examples/{codec}.json</c>.
/// Every municipality can use them without copying; one of its own with the same id comes first.
/// </summary>
public sealed class DeviceLibrary
{
    const string Uses = "// uses ";

    /// <summary>Reads the files; a faulty one stops the start.</summary>
    public DeviceLibrary()
    {
        var directory = Path.Combine(AppContext.BaseDirectory, "Library");
        Codecs = Directory.EnumerateFiles(Path.Combine(directory, "codecs"), "*.js")
            .Select(file => new Codec(Path.GetFileNameWithoutExtension(file), Compose(file)))
            .ToFrozenDictionary(codec => codec.Id, StringComparer.Ordinal);
        Profiles = Directory.EnumerateFiles(Path.Combine(directory, "profiles"), "*.json")
            .Select(file => JsonSerializer.Deserialize(File.ReadAllText(file), ContractsJson.Default.DeviceProfile)!)
            .ToFrozenDictionary(profile => profile.Id, StringComparer.Ordinal);
        Examples = Directory.EnumerateFiles(Path.Combine(directory, "examples"), "*.json")
            .ToFrozenDictionary(file => Path.GetFileNameWithoutExtension(file), file => JsonSerializer.Deserialize(File.ReadAllText(file), LibraryJson.Default.CodecExampleArray)!, StringComparer.Ordinal);
    }

    /// <summary>Codecs by id.</summary>
    public FrozenDictionary<string, Codec> Codecs { get; }

    /// <summary>Profiles by id.</summary>
    public FrozenDictionary<string, DeviceProfile> Profiles { get; }

    /// <summary>Messages with what they mean, by the codec's id.</summary>
    public FrozenDictionary<string, CodecExample[]> Examples { get; }

    /// <summary>A codec is one text; what several of a maker's share is put before it where the first line says <c>// uses {file}</c>.</summary>
    static string Compose(string file)
    {
        var text = File.ReadAllText(file);
        if (!text.StartsWith(Uses, StringComparison.Ordinal)) return text;
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, text[Uses.Length..end].Trim())) + "\n" + text[(end + 1)..];
    }
}
