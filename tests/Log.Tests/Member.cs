using System.Collections.Concurrent;
using System.Text;
using Allmende.Platform.Log;

namespace Allmende.Log.Tests;

/// <summary>A member of a group that remembers what it has done.</summary>
sealed class Member : IAsyncDisposable
{
    readonly CancellationTokenSource stopping = new();
    readonly ConcurrentQueue<(string Municipality, LogRecord Record)> done = new();
    readonly LogHandler? handle;

    public Member(ILog log, string topic, string group, LogHandler? handle)
    {
        this.handle = handle;
        Running = Task.Run(() => log.ConsumeAsync(topic, group, HandleAsync, stopping.Token));
    }

    public Task Running { get; }

    public IReadOnlyList<(string Municipality, LogRecord Record)> Done => [.. done];

    public IReadOnlyList<string> Values => done.Select(entry => Encoding.UTF8.GetString(entry.Record.Payload.Span)).ToList();

    public IReadOnlyList<string> ValuesOf(string municipality) =>
        done.Where(entry => entry.Municipality == municipality).Select(entry => Encoding.UTF8.GetString(entry.Record.Payload.Span)).ToList();

    public int Count => done.Count;

    async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        if (handle is not null) await handle(batch, cancellation);
        foreach (var record in batch.Records) done.Enqueue((batch.Municipality, record));
    }

    /// <summary>Leaves the group in good order.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
