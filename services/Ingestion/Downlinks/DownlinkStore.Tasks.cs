using Allmende.Contracts;
using Npgsql;

namespace Allmende.Ingestion.Downlinks;

/// <summary>What becomes of the commands of Tasks. Each is written down with what came of it in one transaction, so that one that comes twice finds that it is done.</summary>
sealed partial class DownlinkStore
{
    /// <summary>Whether a command was taken before.</summary>
    public async Task<bool> IsTakenAsync(string municipality, Guid command, CancellationToken cancellation)
    {
        await using var known = databases.Of(municipality).CreateCommand("SELECT 1 FROM task_command WHERE id = $1");
        known.Parameters.Add(new() { Value = command });
        return await known.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>Queues the downlink of a Task's command, if it was not taken before.</summary>
    /// <returns>Whether it is queued now, or was taken before; else why it cannot be queued, of which nothing is written yet.</returns>
    public async Task<(bool IsDone, NotQueued Why)> AddForTaskAsync(string municipality, DeviceCommand command, DownlinkContent content, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await TakeCommandAsync(connection, command, null, cancellation)) return (true, default);
        var (added, why) = await InsertAsync(connection, command.Id, command.Device, content, command.By, command.Task, most, cancellation);
        if (added is null) return (false, why);
        await transaction.CommitAsync(cancellation);
        outbox.Wake(municipality);
        return (true, default);
    }

    /// <summary>Writes down that a command is not carried out, and tells it.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="command">Which.</param>
    /// <param name="state">The state that its Task is in then.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>False if it was taken before.</returns>
    public async Task<bool> RefuseForTaskAsync(string municipality, DeviceCommand command, string state, string reason, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // A codec's words may hold what no text in the database can.
        reason = reason.Replace("\0", "", StringComparison.Ordinal);
        if (!await TakeCommandAsync(connection, command, reason, cancellation)) return false;
        await using (var tell = new NpgsqlCommand("""
            INSERT INTO outbox (type, device, data)
            VALUES ($1, $2, jsonb_build_object('command', $3::uuid, 'place', nextval('task_change_place'), 'state', $4::text, 'since', now(), 'reason', $5::text))
            """, connection) { Parameters = { Text(EventTypes.TaskChanged), Text(command.Device), new() { Value = command.Id }, Text(state), Text(reason) } })
            await tell.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        outbox.Wake(municipality);
        return true;
    }

    /// <summary>Cancels what a command made, as far as it waits. Of one that has not come yet nothing will be made.</summary>
    /// <returns>Whether a downlink was cancelled.</returns>
    public async Task<bool> CancelForTaskAsync(string municipality, DeviceCommand command, CancellationToken cancellation)
    {
        await using (var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation))
            if (await TakeCommandAsync(connection, command, "cancelled", cancellation)) return false;
        return await CancelAsync(municipality, command.Device, command.Id, command.By, cancellation);
    }

    static async Task<bool> TakeCommandAsync(NpgsqlConnection connection, DeviceCommand command, string? refused, CancellationToken cancellation)
    {
        // Who comes second waits here until the first is through.
        await using var take = new NpgsqlCommand("INSERT INTO task_command (id, device, refused) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING", connection)
        {
            Parameters = { new() { Value = command.Id }, Text(command.Device), Text(refused) },
        };
        return await take.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
