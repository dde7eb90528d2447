using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt;

/// <summary>A PUBLISH whose answer is due.</summary>
/// <param name="Type">PUBACK or PUBREC; <see langword="default"/> for QoS 0.</param>
/// <param name="PacketId">Its id.</param>
/// <param name="Outcome">What becomes of it. Does not fail.</param>
/// <param name="Topic">Whose subscribers get it; null if it was sent before, and they have it.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="IsRestedFor">Its sender rests for it already.</param>
readonly record struct PendingAck(PacketType Type, ushort PacketId, Task<PublishOutcome> Outcome, MqttTopic? Topic, int Bytes, bool IsRestedFor = false);

/// <summary>
/// The messages of one client that are on their way. They go side by side; they are answered, and brought to subscribers, in the order in which they came (4.6).
/// While there is none, there is no task.
/// </summary>
/// <param name="options">How many, and how many bytes.</param>
/// <param name="done">Is told of each, in its turn, also when the connection is over. The next one waits for it.</param>
/// <param name="flush">Sends the answers.</param>
sealed class AckQueue(MqttOptions options, Func<PendingAck, PublishOutcome, ValueTask> done, Action flush)
{
    readonly Lock gate = new();
    readonly Queue<PendingAck> queue = new();
    int bytes, acknowledgements;
    bool running, closed;
    TaskCompletionSource? room;
    TaskCompletionSource? empty;

    bool HasRoom => closed || (queue.Count < options.ReceiveMaximum && bytes < options.MostBytesOnTheWay);

    /// <summary>How many wait for a PUBACK.</summary>
    public int Unacknowledged => Volatile.Read(ref acknowledgements);

    public void Add(PendingAck pending)
    {
        lock (gate)
        {
            queue.Enqueue(pending);
            bytes += pending.Bytes;
            if (pending.Type == PacketType.PubAck) acknowledgements++;
            if (running) return;
            running = true;
        }
        _ = RunAsync();
    }

    /// <summary>Waits until another message may be read.</summary>
    public Task WhenRoomAsync()
    {
        lock (gate) return HasRoom ? Task.CompletedTask : (room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Waits until all are answered.</summary>
    public Task WhenEmptyAsync()
    {
        lock (gate) return running ? (empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
    }

    /// <summary>Lets go of who waits for room.</summary>
    public void Release()
    {
        lock (gate) room?.TrySetResult();
    }

    /// <summary>No more is read; what is on its way goes on.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            room?.TrySetResult();
        }
    }

    async Task RunAsync()
    {
        while (true)
        {
            PendingAck next;
            lock (gate)
            {
                if (queue.Count == 0)
                {
                    running = false;
                    empty?.TrySetResult();
                    empty = null;
                    break;
                }
                next = queue.Peek();
            }
            if (!next.Outcome.IsCompleted) flush();
            var outcome = await next.Outcome;
            lock (gate)
            {
                // Before the answer is written: who has it may send the next message at once.
                queue.Dequeue();
                bytes -= next.Bytes;
                if (next.Type == PacketType.PubAck) acknowledgements--;
                if (room is not null && HasRoom)
                {
                    room.TrySetResult();
                    room = null;
                }
            }
            await done(next, outcome);
        }
        flush();
    }
}
