using Allmende.Contracts;

namespace Allmende.Ingestion.Devices;

/// <summary>Another physical device in the place of one that broke.</summary>
sealed partial class DeviceStore
{
    /// <summary>
    /// Gives the device another DevEUI, profile and key, in one statement with all that this entails: the old DevEUI is remembered, the maintenance log says it, what was
    /// known of the old one's certificate, battery, signal and counter is forgotten, and what the new one has sent already is to be taken.
    /// </summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device as it is from now on.</param>
    /// <param name="profile">Its profile.</param>
    /// <param name="keyHash">SHA-256 of its new key.</param>
    /// <param name="unchangedSince">Only if nobody has changed it since: its <c>changedAt</c>.</param>
    /// <param name="by">Who replaces it.</param>
    /// <param name="text">Why, for the maintenance log.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Stored> ReplaceHardwareAsync(
        string municipality, Device device, DeviceProfile profile, string keyHash, DateTime unchangedSince, string by, string text, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH before AS (SELECT id, dev_eui, state, previous_dev_euis FROM device WHERE id = $1 AND changed_at = $7 FOR UPDATE),
            changed AS (
              UPDATE device d SET dev_eui = $2, profile = $3, decoded_by_sender = $4, profile_interval = $5, key_hash = $6, certificate_hash = NULL, certificate_since = NULL, changed_at = now(),
                previous_dev_euis = CASE WHEN b.dev_eui IS NULL THEN d.previous_dev_euis
                  ELSE (array_prepend(b.dev_eui, array_remove(array_remove(d.previous_dev_euis, $2), b.dev_eui)))[:20] END,
                state = CASE WHEN b.state IN ('silent', 'faulty', 'retired') THEN 'installed' ELSE b.state END,
                state_since = CASE WHEN b.state IN ('silent', 'faulty', 'retired') THEN now() ELSE d.state_since END
              FROM before b WHERE d.id = b.id RETURNING d.id, b.state),
            history AS (
              INSERT INTO device_state_change (device, from_state, to_state, by, reason)
              SELECT id, state, 'installed', $8, $9 FROM changed WHERE state IN ('silent', 'faulty', 'retired')),
            log AS (INSERT INTO device_maintenance (device, at, kind, text, by) SELECT id, now(), '{MaintenanceKind.Replaced}', $9, $8 FROM changed),
            signs AS (
              UPDATE last_seen s SET f_cnt = NULL, uplink = NULL, sent_at = NULL, clock_off = NULL, signal_streak = 0, lost = 0, jump = NULL, jumped_at = NULL,
                restarted_at = NULL, replayed_at = NULL, replayed_f_cnt = NULL, battery = NULL, battery_at = NULL
              FROM changed c WHERE s.device = c.id),
            over AS (UPDATE device_condition o SET until = now() FROM changed c WHERE o.device = c.id AND o.until IS NULL),
            adopted AS (UPDATE unknown_device u SET adopted_by = c.id FROM changed c WHERE u.name = $2)
            INSERT INTO outbox (type, device, traceparent) SELECT '{EventTypes.DeviceChanged}', id, $10 FROM changed
            """);
        command.Parameters.Add(new() { Value = device.Id });
        command.Parameters.Add(Text(device.DevEui));
        command.Parameters.Add(new() { Value = device.Profile });
        AddTraits(command, profile);
        command.Parameters.Add(new() { Value = keyHash });
        command.Parameters.Add(Time(unchangedSince));
        command.Parameters.Add(new() { Value = by });
        command.Parameters.Add(new() { Value = text });
        command.Parameters.Add(Trace());
        return await StoreAsync(command, cancellation);
    }
}
