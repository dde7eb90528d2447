using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Allmende.Bench.Mqtt;

/// <summary>An MQTT 3.1.1 client that publishes with QoS 1, and no more than that: the load generator lives on the same processors as what it measures.</summary>
sealed class Client : IDisposable
{
    readonly Socket socket;
    readonly byte[] received = new byte[4096];
    int length;

    Client(Socket socket) => this.socket = socket;

    /// <summary>Connects, from an address of its own where one address has not ports enough.</summary>
    /// <exception cref="IOException">The server says no.</exception>
    public static async Task<Client> ConnectAsync(int port, IPAddress from, string userName, string password, string clientId, int keepAlive)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(Connect(userName, password, clientId, keepAlive));
            var answer = new byte[4];
            for (var read = 0; read < answer.Length;)
                read += await socket.ReceiveAsync(answer.AsMemory(read)) is > 0 and var some ? some : throw new IOException("the connection was closed");
            return answer is [0x20, 2, _, 0] ? new Client(socket) : throw new IOException($"CONNACK {Convert.ToHexString(answer)}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> packets)
    {
        while (packets.Length > 0)
            packets = packets[await socket.SendAsync(packets, SocketFlags.None)..];
    }

    /// <summary>Waits for PUBACKs and returns how many came.</summary>
    /// <exception cref="IOException">The connection ended, or something else came.</exception>
    public async ValueTask<int> AcknowledgedAsync()
    {
        while (true)
        {
            var read = await socket.ReceiveAsync(received.AsMemory(length), SocketFlags.None);
            if (read == 0)
                throw new IOException("the connection was closed");
            length += read;
            var count = length / 4;
            if (count == 0)
                continue;
            for (var i = 0; i < count; i++)
                if (received[4 * i] != 0x40)
                    throw new IOException("something else than PUBACK came");
            length -= 4 * count;
            received.AsSpan(4 * count, length).CopyTo(received);
            return count;
        }
    }

    public void Dispose() => socket.Dispose();

    static byte[] Connect(string userName, string password, string clientId, int keepAlive)
    {
        var body = new List<byte> { 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 0xC2, (byte)(keepAlive >> 8), (byte)keepAlive };
        foreach (var text in new[] { clientId, userName, password })
            body.AddRange([0, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)]);
        return [0x10, .. body.Count < 128 ? new[] { (byte)body.Count } : [(byte)(body.Count | 0x80), (byte)(body.Count >> 7)], .. body];
    }
}
