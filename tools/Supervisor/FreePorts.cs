using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Allmende.Supervisor;

/// <summary>Ports for private installations and engines of tests.</summary>
public static class FreePorts
{
    // Below the range from which the kernel takes ports of outgoing connections (32768 and up).
    const int Lowest = 18000;
    const int Highest = 32000;

    /// <summary>The first of <paramref name="count"/> consecutive ports that are free now; at random, so that parallel test runs seldom meet.</summary>
    public static int Block(int count)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var first = RandomNumberGenerator.GetInt32(Lowest, Highest - count);
            if (Enumerable.Range(first, count).All(IsFree))
                return first;
        }
        throw new InstallationException($"There are no {count} consecutive free ports between {Lowest} and {Highest}.");
    }

    /// <summary>Whether nothing listens on the port on loopback.</summary>
    public static bool IsFree(int port)
    {
        // With SO_REUSEADDR, as servers bind: connections that linger from an earlier run do not count.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
