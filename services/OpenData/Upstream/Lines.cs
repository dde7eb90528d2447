using System.Buffers;
using System.IO.Pipelines;
using System.Net;

namespace Allmende.OpenData.Upstream;

/// <summary>Takes one line; says whether it wants more.</summary>
delegate bool LineHandler(in ReadOnlySequence<byte> line);

/// <summary>
/// An NDJSON answer, read no faster than its reader writes. Disposing of it before its end closes the connection, by which Observations learns that
/// its query is no longer wanted.
/// </summary>
sealed class Lines(HttpResponseMessage response, TimeSpan longestSilence) : IDisposable
{
    const int BufferSize = 64 * 1024;

    /// <summary>What the caller has is still right.</summary>
    public bool NotModified => response.StatusCode == HttpStatusCode.NotModified;

    /// <summary>Entity tag of the data, if Observations gave one.</summary>
    public string? EntityTag => response.Headers.ETag?.ToString();

    /// <summary>When the data last changed, if Observations said so.</summary>
    public DateTimeOffset? LastModified => response.Content.Headers.LastModified;

    /// <summary>Hands over line by line, and calls <paramref name="written"/> after each buffer: the place to wait for a slow client.</summary>
    /// <exception cref="HttpRequestException">The answer broke off.</exception>
    /// <exception cref="TimeoutException">Nothing came for too long.</exception>
    public async Task ReadAsync(LineHandler handle, Func<CancellationToken, Task> written, CancellationToken cancellation)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: BufferSize, minimumReadSize: BufferSize / 4));
        try
        {
            while (true)
            {
                var read = await NextAsync(reader, cancellation);
                var rest = read.Buffer;
                var more = true;
                while (more && rest.PositionOf((byte)'\n') is { } end)
                {
                    var line = rest.Slice(0, end);
                    rest = rest.Slice(rest.GetPosition(1, end));
                    if (!line.IsEmpty) more = handle(line);
                }
                if (more && read.IsCompleted && !rest.IsEmpty) more = handle(rest);
                reader.AdvanceTo(rest.Start, rest.End);
                await written(cancellation);
                if (!more || read.IsCompleted) return;
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    async Task<ReadResult> NextAsync(PipeReader reader, CancellationToken cancellation)
    {
        var pending = reader.ReadAsync(cancellation);
        if (pending.IsCompletedSuccessfully) return pending.Result;
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var next = pending.AsTask();
        if (await Task.WhenAny(next, Task.Delay(longestSilence, silence.Token)) != next && !cancellation.IsCancellationRequested)
        {
            response.Dispose();
            throw new TimeoutException($"Observations has said nothing for {longestSilence.TotalSeconds:0} s");
        }
        await silence.CancelAsync();
        return await next;
    }

    public void Dispose() => response.Dispose();
}
