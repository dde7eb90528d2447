using System.Text;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Npgsql;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>Brings the commands of the outbox to topic <c>commands</c>, each municipality's in their order. A command goes from the outbox when the log has it.</summary>
sealed class TellCommands(MunicipalDatabases databases, Municipalities municipalities, ILog log, ObservationsOptions options, ILogger<TellCommands> logger)
    : Outbox(municipalities, options.CommandsSweptEvery, logger)
{
    const int ToldAtOnce = 200;

    protected override async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('observations command_outbox'))", connection)) await turn.ExecuteNonQueryAsync(cancellation);
        var found = new List<(long Id, string Device, string Command)>();
        await using (var command = new NpgsqlCommand("SELECT id, device, command FROM command_outbox ORDER BY id LIMIT $1", connection) { Parameters = { new() { Value = ToldAtOnce } } })
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) found.Add((reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        if (found.Count == 0) return false;
        foreach (var (_, device, command) in found) await log.AppendAsync(municipality, Topics.Commands, device, Encoding.UTF8.GetBytes(command), cancellation);
        await using (var told = new NpgsqlCommand("DELETE FROM command_outbox WHERE id = ANY ($1)", connection) { Parameters = { new() { Value = found.ConvertAll(one => one.Id).ToArray() } } })
            await told.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return found.Count == ToldAtOnce;
    }
}
