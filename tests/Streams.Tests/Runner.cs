using System.Text.Json;
using Allmende.Streams.Codecs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Allmende.Streams.Tests;

/// <summary>A real runner with its process, shared by the tests that do not kill it.</summary>
static class Runner
{
    public const string Municipality = "musterstadt";

    public static CodecRunner Start(Action<CodecOptions>? configure = null, TimeProvider? clock = null)
    {
        var options = new CodecOptions();
        configure?.Invoke(options);
        return new CodecRunner(options, clock ?? TimeProvider.System, NullLoggerFactory.Instance);
    }

    public static Codec Codec(string text, string id = "mine") => new(id, text, Municipality);

    public static async Task<CodecOutcome> DecodeAsync(this CodecRunner runner, string text, params byte[] bytes) =>
        (await runner.DecodeAsync(Municipality, Codec(text), [new CodecCall(1, bytes)], CancellationToken.None))[0];

    public static Task<IReadOnlyList<CodecOutcome>> DecodeAllAsync(this CodecRunner runner, string text, params byte[] firstBytes) =>
        runner.DecodeAsync(Municipality, Codec(text), firstBytes.Select(first => new CodecCall(1, new[] { first })).ToList(), CancellationToken.None);

    /// <summary>Data of <c>decodeUplink</c> as JSON.</summary>
    public static string Data(this CodecOutcome outcome) => outcome.Fault?.ToString() ?? outcome.Answer.GetProperty("decoded").GetProperty("data").GetRawText();

    public static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement.Clone();
}
