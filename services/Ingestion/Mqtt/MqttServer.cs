using System.Collections.Concurrent;
using System.Net;
using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Tls;
using Allmende.Ingestion.Uplinks;
using Microsoft.AspNetCore.Connections;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Takes connections, as many as there is room for, and gives each its <see cref="MqttConnection"/>.</summary>
sealed class MqttServer(
    MqttOptions options, MqttLogin login, MqttSessions sessions, SessionKeeper keeper, MqttBroker broker, PublishDoor door, RateLimits limits, ILogger<MqttConnection> logger)
{
    readonly ConcurrentDictionary<IPAddress, int> waiting = new();
    readonly ConcurrentDictionary<IPAddress, int> anonymous = new();
    int anonymousInAll;

    public MqttOptions Options => options;

    public MqttLogin Login => login;

    public MqttSessions Sessions => sessions;

    public SessionKeeper Keeper => keeper;

    public MqttBroker Broker => broker;

    public PublishDoor Door => door;

    public RateLimits Limits => limits;

    public ILogger<MqttConnection> Logger => logger;

    /// <summary>Goes before a handshake: who is in it waits like who has not sent its CONNECT.</summary>
    public async Task SecureAsync(ConnectionContext context, ConnectionDelegate next)
    {
        var address = AddressOf(context);
        if (!TryWait(context, address)) return;
        var client = new TlsClient();
        context.Features.Set(client);
        try
        {
            await next(context);
        }
        finally
        {
            if (!client.HasArrived) Give(waiting, address);
        }
    }

    /// <summary>Serves a connection to its end.</summary>
    public async Task HandleAsync(ConnectionContext context)
    {
        var address = AddressOf(context);
        if (context.Features.Get<TlsClient>() is { } client) client.HasArrived = true;
        else if (!TryWait(context, address)) return;
        var connection = new MqttConnection(context, address, this);
        await connection.RunAsync();
    }

    /// <summary>A connection no longer waits for its CONNECT.</summary>
    public void Arrived(IPAddress address) => Give(waiting, address);

    /// <summary>Counts a client without a credential; false if there are too many.</summary>
    public bool TryTakeAnonymous(IPAddress address)
    {
        if (Interlocked.Increment(ref anonymousInAll) <= options.MostAnonymous && TryTake(anonymous, address, options.MostAnonymousOfAddress)) return true;
        Interlocked.Decrement(ref anonymousInAll);
        return false;
    }

    public void GiveAnonymous(IPAddress address)
    {
        Give(anonymous, address);
        Interlocked.Decrement(ref anonymousInAll);
    }

    bool TryWait(ConnectionContext context, IPAddress address)
    {
        if (TryTake(waiting, address, options.MostWaitingOfAddress)) return true;
        Telemetry.CountMqttRefusal("too_many_waiting");
        context.Abort();
        return false;
    }

    static IPAddress AddressOf(ConnectionContext context) => (context.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;

    static bool TryTake(ConcurrentDictionary<IPAddress, int> counts, IPAddress address, int most)
    {
        if (counts.AddOrUpdate(address, 1, static (_, count) => count + 1) <= most) return true;
        Give(counts, address);
        return false;
    }

    static void Give(ConcurrentDictionary<IPAddress, int> counts, IPAddress address)
    {
        if (counts.AddOrUpdate(address, 0, static (_, count) => count - 1) == 0) counts.TryRemove(KeyValuePair.Create(address, 0));
    }
}
