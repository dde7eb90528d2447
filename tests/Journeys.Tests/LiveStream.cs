using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Allmende.Journeys.Tests;

/// <summary>A subscriber of <c>/live</c>.</summary>
sealed class LiveStream : IAsyncDisposable
{
    readonly Channel<JsonObject> events = Channel.CreateUnbounded<JsonObject>();
    readonly CancellationTokenSource stop = new();
    readonly TaskCompletionSource ready = new();
    readonly HttpClient http;
    readonly Task listening;

    LiveStream(HttpClient http, string query)
    {
        this.http = http;
        listening = Task.Run(() => ListenAsync(query));
    }

    /// <summary>Subscribes, and returns when everything from now on will be heard.</summary>
    public static async Task<LiveStream> OpenAsync(HttpClient http, string query = "")
    {
        http.Timeout = Timeout.InfiniteTimeSpan;
        var stream = new LiveStream(http, query);
        await stream.ready.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return stream;
    }

    /// <summary>The next observation; fails after 20 s.</summary>
    public async Task<JsonObject> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return await events.Reader.ReadAsync(patience.Token);
    }

    /// <summary>What was heard so far.</summary>
    public IReadOnlyList<JsonObject> Heard()
    {
        var heard = new List<JsonObject>();
        while (events.Reader.TryRead(out var one))
            heard.Add(one);
        return heard;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await listening;
        http.Dispose();
        stop.Dispose();
    }

    async Task ListenAsync(string query)
    {
        try
        {
            using var answer = await http.GetAsync($"live{query}", HttpCompletionOption.ResponseHeadersRead, stop.Token);
            answer.EnsureSuccessStatusCode();
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(stop.Token));
            while (await lines.ReadLineAsync(stop.Token) is { } line)
                if (line == "event: ready")
                    ready.TrySetResult();
                else if (line.StartsWith("data: {\"", StringComparison.Ordinal))
                    await events.Writer.WriteAsync(JsonNode.Parse(line[6..])!.AsObject(), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Enough heard.
        }
        catch (Exception fault)
        {
            ready.TrySetException(fault);
            events.Writer.TryComplete(fault);
        }
    }
}
