using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Allmende.Simulator.Payloads;

namespace Allmende.Simulator.Tests;

/// <summary>The codecs that the platform ships, run by Node.</summary>
static class Codecs
{
    static readonly string Folder = Path.Combine(Repository(), "services/Streams/Library/codecs");

    /// <summary>What the codec makes of a message: the maker's fields, or the plain ones where it normalises.</summary>
    public static async Task<JsonElement> DecodeAsync(string profile, Payload payload, bool normalized = true)
    {
        var start = new ProcessStartInfo("node",
        [
            Path.Combine(AppContext.BaseDirectory, "decode.mjs"), Path.Combine(Folder, $"{profile}.js"),
            payload.Port.ToString(CultureInfo.InvariantCulture), Convert.ToHexString(payload.Bytes),
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using var node = Process.Start(start)!;
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = await node.StandardError.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.That(node.ExitCode, Is.Zero, errors);
        var answer = JsonDocument.Parse(await output).RootElement;
        if (answer.TryGetProperty("errors", out var faults))
            Assert.That(faults.GetArrayLength(), Is.Zero, faults.ToString());
        if (answer.TryGetProperty("warnings", out var warnings))
            Assert.That(warnings.GetArrayLength(), Is.Zero, warnings.ToString());
        return normalized && answer.TryGetProperty("normalized", out var plain) ? plain : answer.GetProperty("data");
    }

    public static bool Ships(string profile) => File.Exists(Path.Combine(Folder, $"{profile}.js"));

    /// <summary>A number or the text of one.</summary>
    public static double Number(this JsonElement data, string field)
    {
        var value = data.GetProperty(field);
        return value.ValueKind == JsonValueKind.String ? double.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetDouble();
    }

    static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Platform.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("No Platform.sln above the tests.");
        return folder.FullName;
    }
}
