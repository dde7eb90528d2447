using System.Text.Json;
using NpgsqlTypes;

namespace Allmende.Ingestion.Downlinks;

/// <summary>What the sender does with downlinks, and what others tell of them.</summary>
sealed partial class DownlinkStore
{
    /// <summary>Who changes a state when no client does.</summary>
    public const string Platform = "platform";

    const int ExpiredAtOnce = 500, MostDevicesWaiting = 10_000;

    /// <summary>The way that a waiting downlink goes: the device's own, else that of all, else our own broker, which has no id.</summary>
    const string WayOf = "coalesce(w.way, (SELECT id FROM downlink_way WHERE is_default), '')";

    /// <summary>
    /// One after the other to each device: what opens must not overtake what closes. A waiting one is due if none is being sent, and none of a higher priority, or
    /// of the same and older, waits.
    /// </summary>
    const string Due = """
        d.state IN ('queued', 'sending') AND d.due_at <= now() AND d.expires_at > now()
        AND NOT EXISTS (SELECT FROM downlink o WHERE o.device = d.device AND o.id <> d.id AND (o.state = 'sending'
          OR (o.state = 'queued' AND d.state = 'queued' AND (o.priority, d.place) > (d.priority, o.place))))
        """;

    /// <summary>The ways that something waits for, and whether it is due; ours without an id is empty.</summary>
    public async Task<List<(string Way, bool IsDue)>> WaitingAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT {WayOf} AS way, bool_or(d.due_at <= now()) FROM downlink d LEFT JOIN downlink_way_device w ON w.device = d.device
            WHERE d.state IN ('queued', 'sending') GROUP BY 1
            """);
        return await ReadAsync(command, row => (row.GetString(0), row.GetBoolean(1)), cancellation);
    }

    /// <summary>The devices that something waits for on a way.</summary>
    public async Task<List<string>> DueDevicesAsync(string municipality, string way, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT DISTINCT d.device FROM downlink d LEFT JOIN downlink_way_device w ON w.device = d.device
            WHERE d.state IN ('queued', 'sending') AND d.due_at <= now() AND {WayOf} = $1 LIMIT {MostDevicesWaiting}
            """);
        command.Parameters.Add(new() { Value = way });
        return await ReadAsync(command, row => row.GetString(0), cancellation);
    }

    /// <summary>
    /// Takes some that are due: they are <see cref="DownlinkState.Sending"/> then, and whoever took them says what came of it within the lease. If nobody does,
    /// they are taken again.
    /// </summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="way">The way that they go.</param>
    /// <param name="devices">Only of these; null for all.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="lease">How long they are the taker's.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<TakenDownlink>> TakeAsync(string municipality, string way, string[]? devices, int most, TimeSpan lease, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH due AS (
              SELECT d.id, d.state FROM downlink d LEFT JOIN downlink_way_device w ON w.device = d.device
              WHERE {Due} AND {WayOf} = $1 AND ($2::text[] IS NULL OR d.device = ANY ($2)) ORDER BY d.due_at LIMIT $3 FOR UPDATE OF d SKIP LOCKED),
            taken AS (
              UPDATE downlink d SET state = 'sending', state_since = now(), reason = NULL, attempts = attempts + 1, due_at = now() + $4, way = $1
              FROM due WHERE d.id = due.id RETURNING {Columns}, due.state AS before, d.place),
            noted AS (
              INSERT INTO downlink_change (downlink, from_state, to_state, by, reason)
              SELECT id, before, 'sending', '{Platform}', CASE before WHEN 'sending' THEN 'whoever was sending it has not said what came of it; it is sent again' END FROM taken)
            SELECT d.*, device.dev_eui, device.external_ids FROM taken d JOIN device ON device.id = d.device ORDER BY d.priority DESC, d.place
            """);
        command.Parameters.Add(new() { Value = way });
        command.Parameters.Add(new() { Value = (object?)devices ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = most });
        command.Parameters.Add(new() { Value = lease });
        var taken = await ReadAsync(command, row => new TakenDownlink(Kept(row), new Addressee(
            row.GetString(1), Value<string>(row, 19), Value<string>(row, 20) is { } ids ? JsonSerializer.Deserialize(ids, WayJson.Default.DictionaryStringString) : null)), cancellation);
        Told(municipality, taken.Exists(one => one.Downlink.Task is not null));
        return taken;
    }

    /// <summary>Says what came of an attempt; false if it is no longer the taker's, or others have told already.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="taken">The attempt.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="pause">Of one that is tried again: when.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<bool> RecordAsync(string municipality, TakenDownlink taken, SendingOutcome outcome, TimeSpan pause, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (
              UPDATE downlink SET state = $3, state_since = now(), reason = $4, due_at = now() + $5, told_as = CASE WHEN $6::text IS NULL THEN told_as ELSE array_append(told_as, $6) END
              WHERE id = $1 AND attempts = $2 AND state = 'sending' RETURNING id)
            INSERT INTO downlink_change (downlink, from_state, to_state, by, reason) SELECT id, 'sending', $3, '{Platform}', $4 FROM changed
            """);
        command.Parameters.Add(new() { Value = taken.Downlink.Id });
        command.Parameters.Add(new() { Value = taken.Downlink.Attempts });
        command.Parameters.Add(new() { Value = outcome.State });
        command.Parameters.Add(Text(outcome.Reason));
        command.Parameters.Add(new() { Value = pause });
        command.Parameters.Add(Text(outcome.ToldAs));
        var isRecorded = await command.ExecuteNonQueryAsync(cancellation) > 0;
        Told(municipality, isRecorded && taken.Downlink.Task is not null);
        return isRecorded;
    }

    /// <summary>Ends what is not worth sending any more.</summary>
    public async Task ExpireAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH late AS (
              SELECT id, state, CASE state WHEN 'sending' THEN 'it may have been sent: whoever was sending it has not said what came of it' ELSE reason END AS why FROM downlink
              WHERE expires_at <= now() AND (state = 'queued' OR (state = 'sending' AND due_at <= now())) LIMIT {ExpiredAtOnce} FOR UPDATE SKIP LOCKED),
            changed AS (UPDATE downlink d SET state = '{DownlinkState.Expired}', state_since = now(), reason = late.why FROM late WHERE d.id = late.id RETURNING d.id, late.state, late.why)
            INSERT INTO downlink_change (downlink, from_state, to_state, by, reason) SELECT id, state, '{DownlinkState.Expired}', '{Platform}', why FROM changed
            """);
        Told(municipality, await command.ExecuteNonQueryAsync(cancellation) > 0);
    }

    /// <summary>
    /// Takes what a network server or the device itself tells of a downlink. False if it changes nothing: nobody knows that downlink, it was never sent, or what is
    /// told is known.
    /// </summary>
    /// <param name="municipality">Whose device.</param>
    /// <param name="device">The device.</param>
    /// <param name="correlation"><c>allmende:{id}</c>, or what the network server called the downlink when it took it.</param>
    /// <param name="report">What is told.</param>
    /// <param name="at">When it happened; later than now is now.</param>
    /// <param name="by">Who tells it.</param>
    /// <param name="reason">Why, in the teller's words.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<bool> ToldAsync(
        string municipality, string device, string correlation, DownlinkReport report, DateTimeOffset at, string by, string? reason, CancellationToken cancellation)
    {
        var own = correlation.StartsWith(Downlink.CorrelationPrefix, StringComparison.Ordinal) ? Downlink.IdOf(correlation[Downlink.CorrelationPrefix.Length..]) : null;
        var (to, from) = DownlinkState.After(report);
        await using var command = databases.Of(municipality).CreateCommand("""
            WITH told AS (
              SELECT id, state FROM downlink WHERE device = $1 AND (id = $2 OR $3 = ANY (told_as)) AND attempts > 0 AND state = ANY ($4) ORDER BY place DESC LIMIT 1 FOR UPDATE),
            changed AS (UPDATE downlink d SET state = $5, state_since = now(), reason = $8 FROM told WHERE d.id = told.id RETURNING d.id, told.state)
            INSERT INTO downlink_change (downlink, at, from_state, to_state, by, reason) SELECT id, least(now(), $6), state, $5, $7, $8 FROM changed
            """);
        command.Parameters.Add(new() { Value = device });
        command.Parameters.Add(new() { Value = (object?)own ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = correlation });
        command.Parameters.Add(new() { Value = from });
        command.Parameters.Add(new() { Value = to });
        command.Parameters.Add(new() { Value = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = by });
        command.Parameters.Add(Text(reason));
        return Told(municipality, await command.ExecuteNonQueryAsync(cancellation) > 0);
    }
}

/// <summary>What came of an attempt.</summary>
/// <param name="State">Sent; queued, where it is worth another attempt; or failed.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="ToldAs">What the network server will call it when it tells of it.</param>
/// <param name="RetryAfter">When the network server wants to be asked again.</param>
readonly record struct SendingOutcome(string State, string? Reason = null, string? ToldAs = null, TimeSpan? RetryAfter = null)
{
    public static SendingOutcome Again(string reason, TimeSpan? after = null) => new(DownlinkState.Queued, reason, RetryAfter: after);

    public static SendingOutcome Never(string reason) => new(DownlinkState.Failed, reason);
}
