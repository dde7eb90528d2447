using System.IO.Pipelines;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt;

/// <summary>
/// What goes out on one connection. Anybody may write at any time; what was written while the network was busy goes out as one piece. A connection that rests has
/// no buffer and no task here.
/// </summary>
sealed class MqttSender(PipeWriter output)
{
    /// <summary>With more bytes than this on their way, messages to the client wait in its session.</summary>
    const int Full = 64 * 1024;

    /// <summary>With more than this, nothing more is read from the client either.</summary>
    const int Overfull = 256 * 1024;

    const int LongestReason = 200;

    readonly Lock gate = new();
    PacketBuffer pending = new();
    PacketBuffer spare = new();
    bool flushing, closed;
    long busySince;
    TaskCompletionSource? room;

    /// <summary>The connection's protocol, from its CONNECT on.</summary>
    public ProtocolLevel Level { get; set; } = ProtocolLevel.V311;

    /// <summary>Whether the client wants reasons in words.</summary>
    public bool WantsReasons { get; set; }

    /// <summary>Largest packet that the client takes.</summary>
    public int LargestPacket { get; set; } = int.MaxValue;

    /// <summary>Called when there is room again for messages.</summary>
    public Action? Drained { get; set; }

    /// <summary>False while the client takes less than it is sent.</summary>
    public bool HasRoom => pending.Length < Full;

    /// <summary>How long the client has taken nothing of what was sent to it.</summary>
    public TimeSpan StalledFor => Volatile.Read(ref busySince) is var since && since == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Environment.TickCount64 - since);

    public void Send(ConnAckPacket packet)
    {
        lock (gate) packet.Encode(pending, Level);
        Flush();
    }

    /// <summary>Writes an acknowledgement; <see cref="Flush"/> sends it.</summary>
    public void Write(PacketType type, AckPacket packet, string? reason = null)
    {
        lock (gate) packet.Encode(pending, type, Level, Words(reason));
    }

    public void Send(PacketType type, SubAckPacket packet, string? reason = null)
    {
        lock (gate) packet.Encode(pending, type, Level, Words(reason));
        Flush();
    }

    public void SendPingResponse()
    {
        lock (gate)
        {
            var packet = pending.Append(2);
            packet[0] = (byte)PacketType.PingResp << 4;
            packet[1] = 0;
        }
        Flush();
    }

    public void Send(DisconnectPacket packet, string? reason = null)
    {
        if (Level == ProtocolLevel.V311) return;
        lock (gate) packet.Encode(pending, Words(reason));
        Flush();
    }

    /// <summary>Writes a message; <see cref="Flush"/> sends it. False if it is larger than the client takes, and nothing was written.</summary>
    public bool Write(in Delivery delivery, ushort id, bool dup)
    {
        var message = delivery.Message;
        lock (gate)
        {
            var before = pending.Length;
            var writer = PublishPacket.Begin(pending, message.Topic, delivery.Qos, dup, delivery.Retain, id);
            if (Level == ProtocolLevel.V5)
            {
                var properties = writer.BeginProperties();
                foreach (var identifier in delivery.Identifiers) writer.Property(PropertyId.SubscriptionIdentifier, identifier);
                if (message.ExpiresAt != long.MaxValue)
                    writer.Property(PropertyId.MessageExpiryInterval, (uint)Math.Max(0, (message.ExpiresAt - Environment.TickCount64 + 999) / 1000));
                writer.Raw(message.Forwarded);
                writer.EndProperties(properties);
            }
            writer.Raw(message.Payload.Span);
            writer.End();
            if (pending.Length - before <= LargestPacket) return true;
            pending.Cut(before, pending.Length - before);
            return false;
        }
    }

    /// <summary>Sends what was written.</summary>
    public void Flush()
    {
        lock (gate)
        {
            if (flushing || closed || pending.Length == 0) return;
            flushing = true;
        }
        _ = FlushAsync();
    }

    /// <summary>Waits until so little is on its way that more may be asked for.</summary>
    public Task WhenRoomAsync()
    {
        lock (gate)
        {
            if (closed || pending.Length < Overfull) return Task.CompletedTask;
            return (room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Lets go of who waits for room.</summary>
    public void Release()
    {
        lock (gate) room?.TrySetResult();
    }

    /// <summary>Lets go of what was not sent, and of who waits.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            pending.Clear();
            room?.TrySetResult();
        }
    }

    /// <summary>Waits, not for long, until all is sent.</summary>
    public async Task FlushedAsync(TimeSpan limit)
    {
        var until = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        while (Volatile.Read(ref flushing) && Environment.TickCount64 < until) await Task.Delay(5);
    }

    async Task FlushAsync()
    {
        while (true)
        {
            PacketBuffer sending;
            lock (gate)
            {
                if (closed || pending.Length == 0)
                {
                    flushing = false;
                    return;
                }
                (sending, pending, spare) = (pending, spare, pending);
            }
            Volatile.Write(ref busySince, Environment.TickCount64);
            var gone = false;
            try
            {
                var flushed = await output.WriteAsync(sending.Written);
                gone = flushed.IsCompleted || flushed.IsCanceled;
            }
            catch (Exception)
            {
                // The connection broke; its reader notices too.
                gone = true;
            }
            Volatile.Write(ref busySince, 0);
            lock (gate)
            {
                sending.Clear();
                if (pending.Length < Overfull)
                {
                    room?.TrySetResult();
                    room = null;
                }
            }
            if (gone) Close();
            else Drained?.Invoke();
        }
    }

    string? Words(string? reason) => reason is null || !WantsReasons || LargestPacket < 2 * LongestReason + 64 ? null
        : reason.Length <= LongestReason ? reason : reason[..LongestReason];
}
