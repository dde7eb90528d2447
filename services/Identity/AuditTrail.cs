using System.Diagnostics;
using System.Security.Claims;
using Allmende.Platform.Data;
using Allmende.Platform.Security;
using Npgsql;

namespace Allmende.Identity;

/// <summary>Who did what to rights and secrets. Never a secret itself.</summary>
sealed class AuditTrail(MunicipalDatabases databases)
{
    /// <summary>An entry, to be written in the transaction of the act itself.</summary>
    public static NpgsqlBatchCommand Entry(string municipality, ClaimsPrincipal actor, string action, string subject) => new(
        "INSERT INTO identity.audit (municipality, actor, action, subject, trace) VALUES ($1, $2, $3, $4, $5)")
    {
        Parameters =
        {
            new() { Value = municipality },
            new() { Value = actor.Name() },
            new() { Value = action },
            new() { Value = subject },
            new() { Value = (object?)Activity.Current?.TraceId.ToString() ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
        },
    };

    /// <summary>Writes an entry about an act that happened elsewhere, in the identity provider.</summary>
    public async Task WriteAsync(string municipality, ClaimsPrincipal actor, string action, string subject, CancellationToken cancel)
    {
        await using var batch = databases.Installation.CreateBatch();
        batch.BatchCommands.Add(Entry(municipality, actor, action, subject));
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The newest entries before <paramref name="before"/>, newest first.</summary>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(string municipality, long before, int limit, CancellationToken cancel)
    {
        await using var command = databases.Installation.CreateCommand(
            "SELECT id, at, actor, action, subject, trace FROM identity.audit WHERE municipality = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        command.Parameters.Add(new() { Value = municipality });
        command.Parameters.Add(new() { Value = before });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var entries = new List<AuditEntry>();
        while (await reader.ReadAsync(cancel))
            entries.Add(new(reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1), reader.GetString(2), reader.GetString(3), reader.GetString(4),
                await reader.IsDBNullAsync(5, cancel) ? null : reader.GetString(5)));
        return entries;
    }
}

/// <summary>One act.</summary>
/// <param name="Id">Ascending.</param>
/// <param name="At">When.</param>
/// <param name="Actor">The client that did it, or <c>key:{id}</c>.</param>
/// <param name="Action">Past tense with a dot: <c>api-key.created</c>.</param>
/// <param name="Subject">What it was done to.</param>
/// <param name="Trace">Trace id of the request.</param>
public sealed record AuditEntry(long Id, DateTimeOffset At, string Actor, string Action, string Subject, string? Trace);
