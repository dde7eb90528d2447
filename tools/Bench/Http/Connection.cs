using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace Allmende.Bench.Http;

/// <summary>
/// One HTTP/1.1 connection that is kept open: one request out, its answer in. Nothing more than that, because the load generator lives on the same
/// processors as what it measures.
/// </summary>
sealed class Connection : IDisposable
{
    readonly Socket socket;
    byte[] buffer = new byte[64 * 1024];

    Connection(Socket socket) => this.socket = socket;

    /// <summary>The last answer's bytes, head and body.</summary>
    public ReadOnlyMemory<byte> Answer { get; private set; }

    public static async Task<Connection> OpenAsync(Uri address, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), cancellation);
        return new Connection(socket);
    }

    /// <summary>Sends a request and reads its whole answer; returns the status.</summary>
    /// <exception cref="IOException">The connection ended, or what came is not HTTP.</exception>
    public async ValueTask<int> ExchangeAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        while (request.Length > 0)
            request = request[await socket.SendAsync(request, SocketFlags.None, cancellation)..];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            var read = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellation);
            if (read == 0)
                throw new IOException("the connection was closed");
            length += read;
            if (Ends(buffer.AsSpan(0, length)) is not { } end)
                continue;
            Answer = buffer.AsMemory(0, end);
            return Status(buffer);
        }
    }

    public void Dispose() => socket.Dispose();

    static int Status(ReadOnlySpan<byte> answer) =>
        answer.StartsWith("HTTP/1.1 "u8) && Utf8Parser.TryParse(answer[9..12], out int status, out _) ? status : throw new IOException("the answer is not HTTP/1.1");

    /// <summary>Where the answer ends; null when there is more to come.</summary>
    static int? Ends(ReadOnlySpan<byte> received)
    {
        var head = received.IndexOf("\r\n\r\n"u8);
        if (head < 0)
            return null;
        var body = head + 4;
        if (Header(received[..body], "\r\nContent-Length: "u8) is { IsEmpty: false } length && Utf8Parser.TryParse(length, out int bytes, out _))
            return received.Length >= body + bytes ? body + bytes : null;
        if (Header(received[..body], "\r\nTransfer-Encoding: "u8).StartsWith("chunked"u8))
            return Chunks(received, body);
        return body;
    }

    // Kestrel writes these names in this case.
    static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name) => head.IndexOf(name) is >= 0 and var at ? head[(at + name.Length)..] : default;

    static int? Chunks(ReadOnlySpan<byte> received, int at)
    {
        while (true)
        {
            var line = received[at..].IndexOf("\r\n"u8);
            if (line < 0)
                return null;
            if (!Utf8Parser.TryParse(received.Slice(at, line), out int size, out _, 'x'))
                throw new IOException("a chunk has no size");
            at += line + 2 + size + 2;
            if (at > received.Length)
                return null;
            if (size == 0)
                return at;
        }
    }
}
