using Allmende.Ingestion.Tests.Mqtt;

namespace Allmende.Ingestion.Tests.Sources;

static class Peers
{
    /// <summary>A client that comes back to the session of that name, and ends it when it goes.</summary>
    public static Task<Peer> ConnectAsync(Mosquitto broker, string clientId) =>
        Peer.ConnectAsync(broker.Port, Mosquitto.User, Mosquitto.Password, clientId: clientId, with: packet => packet with { CleanStart = false });
}
