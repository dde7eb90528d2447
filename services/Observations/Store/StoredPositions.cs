using System.Collections.Concurrent;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>
/// Lets a door wait until what it appended to the log can be read back. Where this process stores the partition itself the wait ends with the commit;
/// where another instance does, the place that it records in the database is asked for.
/// </summary>
public sealed class StoredPositions(MunicipalDatabases databases)
{
    static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(25);
    readonly ConcurrentDictionary<(string Municipality, int Partition), Place> places = new();

    /// <summary>Says that all up to <paramref name="position"/> is stored.</summary>
    public void Advance(string municipality, LogPosition position) => PlaceOf(municipality, position.Partition).Advance(position);

    /// <summary>True when <paramref name="position"/> is stored; false if that took longer than <paramref name="limit"/>.</summary>
    public async ValueTask<bool> WaitAsync(string municipality, LogPosition position, TimeSpan limit, CancellationToken cancellation)
    {
        var place = PlaceOf(municipality, position.Partition);
        var waiting = place.WaitFor(position);
        if (waiting.IsCompleted) return true;
        var giveUp = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        // Usually the commit is a few milliseconds away; only then is it worth asking whether somebody else stores this partition.
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = AskEvery)
        {
            try
            {
                await waiting.WaitAsync(pause, cancellation);
                return true;
            }
            catch (TimeoutException)
            {
                if (await StoredElsewhereAsync(municipality, position, cancellation)) return true;
                if (Environment.TickCount64 > giveUp) return false;
            }
        }
    }

    async Task<bool> StoredElsewhereAsync(string municipality, LogPosition position, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT major, minor FROM stored_until WHERE partition = $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = position.Partition });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation)) return false;
        var until = new LogPosition(position.Partition, reader.GetInt64(0), reader.GetInt64(1));
        if (until < position) return false;
        Advance(municipality, until);
        return true;
    }

    Place PlaceOf(string municipality, int partition) => places.GetOrAdd((municipality, partition), _ => new Place());

    sealed class Place
    {
        readonly PriorityQueue<TaskCompletionSource, LogPosition> waiting = new();
        LogPosition until = LogPosition.BeforeFirst(0);

        public Task WaitFor(LogPosition position)
        {
            lock (waiting)
            {
                if (position <= until) return Task.CompletedTask;
                var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting.Enqueue(source, position);
                return source.Task;
            }
        }

        public void Advance(LogPosition position)
        {
            lock (waiting)
            {
                if (position <= until) return;
                until = position;
                while (waiting.TryPeek(out var source, out var at) && at <= position)
                {
                    waiting.Dequeue();
                    source.SetResult();
                }
            }
        }
    }
}
