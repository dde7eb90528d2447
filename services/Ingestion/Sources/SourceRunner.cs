using System.Security.Claims;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Sources;

/// <summary>
/// Runs one source: connects, subscribes, takes message after message, and acknowledges each, in their order, when it is durable. What breaks is begun again
/// with growing pauses. While the log is away the connection stays, and nothing more is read than is on its way.
/// </summary>
sealed partial class SourceRunner(string municipality, SourceRow row, SourceMessages messages, SourceStore store, SourceOptions options, ILogger logger)
{
    static readonly TimeSpan DrainTakes = TimeSpan.FromSeconds(5), SteadyAfter = TimeSpan.FromSeconds(30);

    readonly ClaimsPrincipal caller = Caller.Of(new ApiKeyHolder("mqtt-source:" + row.Id, municipality, [Roles.WriteUplinks]));
    readonly SourceStatus status = new(row.State);
    readonly CancellationTokenSource stop = new();
    ProtocolLevel level = row.Source.Kind == "tts" ? ProtocolLevel.V311 : ProtocolLevel.V5;
    Task running = Task.CompletedTask;
    volatile bool isForgotten;

    public long Version => row.Version;

    /// <summary>True if it has ended by itself, which it should not.</summary>
    public bool HasEnded => running.IsCompleted;

    public void Start() => running = Task.Run(RunAsync);

    /// <summary>Ends it; what is on its way is acknowledged first, if that takes no longer than some seconds.</summary>
    /// <param name="forget">The source is removed: the broker shall keep nothing for it.</param>
    public async Task StopAsync(bool forget)
    {
        isForgotten = forget;
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    async Task RunAsync()
    {
        using var over = new CancellationTokenSource();
        var telling = TellAsync(over.Token);
        try
        {
            for (var failures = 0; !stop.IsCancellationRequested;)
            {
                var since = Environment.TickCount64;
                var isOfLevel = await FollowAsync();
                if (stop.IsCancellationRequested) break;
                failures = Environment.TickCount64 - since > SteadyAfter.TotalMilliseconds ? 1 : failures + 1;
                // Another level is tried at once, but only every second time, so that two that do not fit are no loop.
                if (isOfLevel && failures % 2 == 1) continue;
                await Task.Delay(Pause(failures), stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception fault)
        {
            LogEnded(row.Id, municipality, fault);
        }
        status.Disconnected(null);
        await over.CancelAsync();
        await telling;
    }

    /// <summary>Doubles with each failure; half of it is chance, so that sources are not all back at once.</summary>
    TimeSpan Pause(int failures)
    {
        var longest = Math.Min(options.LongestPause.TotalSeconds, options.FirstPause.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        return TimeSpan.FromSeconds(longest * (0.5 + Random.Shared.NextDouble() / 2));
    }

    /// <summary>One connection from its beginning to its end. True if another protocol level may help.</summary>
    async Task<bool> FollowAsync()
    {
        try
        {
            await using var connection = await BrokerConnection.OpenAsync(row, level, options, stop.Token);
            await UseAsync(connection);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception fault)
        {
            var text = fault is BrokerException ? fault.Message : "the connection broke off";
            if (fault is not BrokerException) LogBroken(row.Id, municipality, fault);
            else LogLost(row.Id, municipality, text);
            status.Disconnected(text);
            if (fault is not BrokerException { IsOfLevel: true } || row.Source.Kind == "tts") return false;
            level = level == ProtocolLevel.V5 ? ProtocolLevel.V311 : ProtocolLevel.V5;
            return true;
        }
        return false;
    }

    async Task UseAsync(BrokerConnection connection)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        // Acknowledgements outlast the reading: what is durable should not come again.
        using var drained = new CancellationTokenSource();
        var pending = Channel.CreateBounded<(Incoming Message, Task<SourceOutcome> Outcome)>(new BoundedChannelOptions(options.ReceiveMaximum) { SingleReader = true, SingleWriter = true });
        var reading = connection.ReadAsync(message => pending.Writer.WriteAsync((message, messages.TakeAsync(municipality, row.Source, caller, message)), end.Token), end.Token);
        var pinging = connection.PingAsync(end.Token);
        var acknowledging = AcknowledgeAsync(connection, pending.Reader, drained.Token);
        try
        {
            await SubscribeAsync(connection, end.Token);
            status.Connected();
            LogConnected(row.Id, municipality);
            await await Task.WhenAny(reading, pinging, acknowledging);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(Quietly(reading), Quietly(pinging));
            pending.Writer.TryComplete();
            drained.CancelAfter(DrainTakes);
            await Quietly(acknowledging);
            if (stop.IsCancellationRequested) await Quietly(LeaveAsync(connection));
        }
    }

    async Task SubscribeAsync(BrokerConnection connection, CancellationToken cancellation)
    {
        var wanted = row.Source.Topics!.OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        var had = connection.IsSessionPresent ? status.Subscribed : [];
        var (fresh, stale) = (wanted.Except(had, StringComparer.Ordinal).ToList(), had.Except(wanted, StringComparer.Ordinal).ToList());
        if (stale.Count > 0) await connection.UnsubscribeAsync(stale, cancellation);
        var refused = fresh.Count == 0 ? [] : await connection.SubscribeAsync(fresh, cancellation);
        status.Subscribed = [.. wanted.Except(refused, StringComparer.Ordinal)];
        if (refused.Count == wanted.Count) throw new BrokerException("the broker refuses the topics");
        if (refused.Count > 0) status.Fault($"the broker refuses the topic {refused[0]}");
    }

    /// <summary>In the order of their arrival (4.6). One that cannot be taken now is tried until it can, and those behind it wait.</summary>
    async Task AcknowledgeAsync(BrokerConnection connection, ChannelReader<(Incoming Message, Task<SourceOutcome> Outcome)> pending, CancellationToken cancellation)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, cancellation);
        var notBefore = Environment.TickCount64;
        await foreach (var (message, first) in pending.ReadAllAsync(cancellation))
        {
            // What was refused while another one was waited for has waited as well.
            var isFresh = !first.IsCompleted;
            var outcome = await first.WaitAsync(cancellation);
            while (outcome.Verdict == Verdict.Later)
            {
                status.Fault(outcome.Reason!);
                if (isFresh) notBefore = Environment.TickCount64 + (long)outcome.Pause.TotalMilliseconds;
                // Given up, it is not acknowledged, and the broker sends it again.
                if (notBefore - Environment.TickCount64 is > 0 and var pause) await Task.Delay(TimeSpan.FromMilliseconds(pause), giveUp.Token);
                outcome = await messages.TakeAsync(municipality, row.Source, caller, message);
                isFresh = true;
            }
            status.Count(outcome.Verdict == Verdict.Taken, outcome.Reason is null ? null : $"{message.Topic}: {outcome.Reason}");
            if (message.PacketId != 0) await connection.AcknowledgeAsync(message.PacketId, cancellation);
        }
    }

    async Task LeaveAsync(BrokerConnection connection)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        if (isForgotten && status.Subscribed.Count > 0) await connection.SayUnsubscribeAsync(status.Subscribed, limit.Token);
        await connection.DisconnectAsync(isForgotten, limit.Token);
    }

    /// <summary>Writes how it stands whenever that has changed, and for the last time at the end.</summary>
    async Task TellAsync(CancellationToken over)
    {
        while (true)
        {
            var isOver = over.IsCancellationRequested;
            if (status.Take() is { } news)
                try
                {
                    using var limit = new CancellationTokenSource(options.AnswerAwaited);
                    await store.TellAsync(municipality, row.Id, news.State, news.Taken, news.Refused, limit.Token);
                }
                catch (Exception fault)
                {
                    status.GiveBack(news.Taken, news.Refused);
                    if (isOver) LogNotTold(row.Id, municipality, fault.Message);
                }
            if (isOver) return;
            await Quietly(status.WhenNewsAsync(options.StateWrittenEvery, over));
        }
    }

    static async Task Quietly(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception)
        {
            // Told by whoever waits for it first.
        }
    }

    [LoggerMessage(2080, LogLevel.Information, "MQTT source {Source} of {Municipality} is connected")]
    partial void LogConnected(string source, string municipality);

    [LoggerMessage(2081, LogLevel.Warning, "MQTT source {Source} of {Municipality} is disconnected: {Reason}")]
    partial void LogLost(string source, string municipality, string reason);

    [LoggerMessage(2082, LogLevel.Warning, "MQTT source {Source} of {Municipality} broke off")]
    partial void LogBroken(string source, string municipality, Exception fault);

    [LoggerMessage(2083, LogLevel.Error, "MQTT source {Source} of {Municipality} has ended")]
    partial void LogEnded(string source, string municipality, Exception fault);

    [LoggerMessage(2084, LogLevel.Warning, "how MQTT source {Source} of {Municipality} stands cannot be written: {Reason}")]
    partial void LogNotTold(string source, string municipality, string reason);
}
