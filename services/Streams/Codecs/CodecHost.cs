using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Allmende.Streams.Codecs;

/// <summary>
/// One Node.js process that runs codecs (<c>codec-host/host.mjs</c>, which describes the lines exchanged). It has no rights but to read its
/// own program and to start a thread, and none of our environment. It takes one piece of work at a time; when it dies, it stays dead.
/// </summary>
sealed class CodecHost : IAsyncDisposable
{
    static readonly string Program = Path.Combine(AppContext.BaseDirectory, "codec-host");

    readonly Process process;
    readonly TimeSpan silence;
    long lastId;

    CodecHost(Process process, TimeSpan silence)
    {
        this.process = process;
        this.silence = silence;
        // Native crashes write their stack there; nobody wants it, but an unread pipe would stop the process.
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
    }

    /// <summary>Starts a process.</summary>
    /// <exception cref="CodecsUnavailableException">Node.js cannot be started.</exception>
    public static CodecHost Start(CodecOptions options)
    {
        var start = new ProcessStartInfo(options.Node)
        {
            ArgumentList = { "--experimental-permission", $"--allow-fs-read={Program}/*", "--allow-worker", "--no-warnings", "--v8-pool-size=1", Path.Combine(Program, "host.mjs") },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        var path = start.Environment["PATH"];
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["CODEC_MILLISECONDS"] = options.ProcessorTime.TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
        start.Environment["CODEC_MEGABYTES"] = options.Megabytes.ToString(CultureInfo.InvariantCulture);
        try
        {
            return new CodecHost(Process.Start(start)!, options.Silence);
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw new CodecsUnavailableException($"'{options.Node}' cannot be started; codecs need Node.js 20 or later", fault);
        }
    }

    /// <summary>Runs some calls of one codec and hands each answer to <paramref name="answered"/> as it comes. Fewer answers than calls: the last one was killed.</summary>
    /// <returns>False when the process died (or had to be killed for its silence); the first call without an answer is the suspect.</returns>
    public async Task<bool> RunAsync(Codec codec, CodecOperation operation, IReadOnlyList<string> calls, Action<int, string> answered, CancellationToken cancellation)
    {
        var id = ++lastId;
        try
        {
            await process.StandardInput.WriteLineAsync(Line(id, codec, operation, calls).AsMemory(), cancellation);
            await process.StandardInput.FlushAsync(cancellation);
            while (await ReadLineAsync(cancellation) is { } line)
            {
                var first = line.IndexOf('\t', StringComparison.Ordinal);
                var second = line.IndexOf('\t', first + 1);
                if (long.Parse(line.AsSpan(0, first), CultureInfo.InvariantCulture) != id) continue;
                if (second < 0) return true;
                answered(int.Parse(line.AsSpan(first + 1, second - first - 1), CultureInfo.InvariantCulture), line[(second + 1)..]);
            }
        }
        catch (IOException)
        {
            // The pipe broke: it died.
        }
        return false;
    }

    async ValueTask<string?> ReadLineAsync(CancellationToken cancellation)
    {
        var read = process.StandardOutput.ReadLineAsync(cancellation);
        if (read.IsCompleted) return await read;
        try
        {
            return await read.AsTask().WaitAsync(silence, cancellation);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    static string Line(long id, Codec codec, CodecOperation operation, IReadOnlyList<string> calls)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(codec.Text.Length + 64 * calls.Count + 256);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("key", codec.Key);
            json.WriteString("text", codec.Text);
            json.WriteBoolean("library", codec.Municipality is null);
            json.WriteString("operation", JsonNamingPolicy.CamelCase.ConvertName(operation.ToString()));
            json.WriteStartArray("calls");
            foreach (var call in calls) json.WriteStringValue(call);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
        process.Dispose();
    }
}
