using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Keeping;

/// <summary>Brings to life what was on disk: before a municipality is served, and when another process that had its sessions has ended.</summary>
sealed class KeptSessions : IPrepareMunicipality
{
    readonly SessionKeeper keeper;
    readonly MqttSessions sessions;
    readonly MqttBroker broker;

    public KeptSessions(SessionKeeper keeper, MqttSessions sessions, MqttBroker broker)
    {
        (this.keeper, this.sessions, this.broker) = (keeper, sessions, broker);
        keeper.Restore = Restore;
    }

    public async Task PrepareAsync(Municipality municipality, CancellationToken cancellation)
    {
        foreach (var (topic, message) in await keeper.BeginAsync(municipality.Id, cancellation)) broker.RestoreRetained(topic, message);
    }

    void Restore(string municipality, IReadOnlyList<KeptSession> kept)
    {
        foreach (var one in kept)
            if (sessions.Restore(one) is { } session)
                foreach (var subscription in one.State.Subscriptions) broker.Restore(session, subscription);
    }
}
