using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Observations.Live;
using Allmende.Platform;

namespace Allmende.Observations.Webhooks;

/// <summary>What goes out with one delivery.</summary>
sealed class PendingDelivery(LogPlace after)
{
    const int MostBytes = 1024 * 1024;
    readonly List<(LiveDatastream Datastream, ReadOnlyMemory<byte> Json)> items = [];
    int bytes;

    /// <summary>All up to there is in it, was delivered, or is not wanted.</summary>
    public LogPlace Until { get; set; } = after;

    /// <summary>When the first observation came.</summary>
    public long Since { get; private set; }

    /// <summary>Arrival of the oldest at the door, microseconds since 1970.</summary>
    public long Received { get; private set; }

    public int Count => items.Count;

    public bool IsFull(int most) => items.Count >= most || bytes >= MostBytes;

    public string[] Datastreams => [.. items.Select(item => item.Datastream.Id).Distinct(StringComparer.Ordinal)];

    public void Add(in LiveObservation observation, ReadOnlyMemory<byte> json)
    {
        if (items.Count == 0) (Since, Received) = (Environment.TickCount64, observation.Received);
        items.Add((observation.Datastream, json));
        bytes += json.Length + 1;
    }

    /// <summary>The observations of the given Datastreams as a JSON array, and how many there are.</summary>
    public (ReadOnlyMemory<byte> Body, int Count) Body(HashSet<string> visible)
    {
        var body = new ArrayBufferWriter<byte>(bytes + 2);
        var count = 0;
        foreach (var (datastream, json) in items)
        {
            if (!visible.Contains(datastream.Id)) continue;
            body.Write(count++ == 0 ? "["u8 : ","u8);
            body.Write(json.Span);
        }
        body.Write("]"u8);
        return (body.WrittenMemory, count);
    }

    /// <summary>Names this delivery: the same observations between the same places always have the same id.</summary>
    public string IdOf(string subscription)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(subscription));
        foreach (var (_, json) in items) hash.AppendData(json.Span);
        return "msg_" + Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}

/// <summary>
/// Delivers one subscription: reads on from its place in the log, puts observations together, sends them until the receiver has taken them, moves the place. What
/// is not delivered is in the log, not here. Ends when the subscription is not ours any more or has changed.
/// </summary>
sealed partial class WebhookWorker(
    string municipality, SubscriptionRow subscription, string owner, LiveHub hub, SubscriptionStore store, WebhookSender sender, WebhookOptions options, ILogger logger)
{
    static readonly TimeSpan MoveEvery = TimeSpan.FromSeconds(10);
    const int PruneEvery = 100;

    readonly LiveFilter filter = subscription.Filter();
    int failures = subscription.Failures;
    int deliveries;
    long oldest;

    /// <summary>How long the oldest observation that is not delivered yet has waited.</summary>
    public TimeSpan Lag => Interlocked.Read(ref oldest) is > 0 and var micros ? DateTime.UtcNow - Observation.Time(micros) : TimeSpan.Zero;

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Few wait here: while a receiver is away nothing more is taken out of the log.
        var batches = Channel.CreateBounded<LiveBatch>(2);
        var reader = ReadAsync(batches.Writer, reading.Token);
        try
        {
            if (subscription.NextAttemptAt is { } next && next - DateTime.UtcNow is { Ticks: > 0 } pause) await Task.Delay(pause, cancellation);
            await DeliverAsync(batches.Reader, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Paused, changed, removed, or the process ends.
        }
        catch (NotOursException)
        {
            LogNotOurs(subscription.Id, municipality);
        }
        catch (Exception fault)
        {
            LogBroken(subscription.Id, municipality, fault);
        }
        await reading.CancelAsync();
        await reader;
    }

    async Task ReadAsync(ChannelWriter<LiveBatch> batches, CancellationToken cancellation)
    {
        try
        {
            await foreach (var batch in hub.FollowAsync(municipality, LogPlace.Parse(subscription.Place), cancellation)) await batches.WriteAsync(batch, cancellation);
        }
        catch (Exception fault)
        {
            batches.TryComplete(fault);
        }
    }

    async Task DeliverAsync(ChannelReader<LiveBatch> batches, CancellationToken cancellation)
    {
        var pending = new PendingDelivery(LogPlace.Parse(subscription.Place)!);
        var (movedAt, stored) = (Environment.TickCount64, pending.Until);
        while (true)
        {
            if (!await WaitAsync(batches, pending, cancellation))
            {
                pending = await SendAsync(pending, cancellation);
                (movedAt, stored) = (Environment.TickCount64, pending.Until);
                continue;
            }
            if (batches.TryRead(out var batch))
            {
                if (batch.AfterGap)
                {
                    if (pending.Count > 0) pending = await SendAsync(pending, cancellation);
                    await KeepAsync(token => store.MissedAsync(municipality, subscription, owner, batch.After.ObservationsText, token), cancellation);
                    Telemetry.WebhookGap(municipality);
                }
                for (var i = 0; i < batch.Observations.Count; i++)
                {
                    var observation = batch.Observations[i];
                    if (subscription.Access.Contains(observation.Datastream.Access) && filter.Wants(observation)) pending.Add(observation, batch.Frames.Json(i));
                    if (observation.Until is { } place) pending.Until = place;
                    Interlocked.Exchange(ref oldest, pending.Count > 0 ? pending.Received : 0);
                    if (pending.IsFull(subscription.BatchMost)) pending = await SendAsync(pending, cancellation);
                }
                pending.Until = batch.After;
            }
            if (pending.Count > 0 || Environment.TickCount64 - movedAt < MoveEvery.TotalMilliseconds || !stored.IsBefore(pending.Until)) continue;
            // What came was not for it: the place moves all the same, so that it stays within what the log keeps.
            await KeepAsync(token => store.MoveAsync(municipality, subscription, owner, pending.Until.ObservationsText, token), cancellation);
            (movedAt, stored) = (Environment.TickCount64, pending.Until);
        }
    }

    /// <summary>Waits for a batch; false when what is pending has waited long enough.</summary>
    async Task<bool> WaitAsync(ChannelReader<LiveBatch> batches, PendingDelivery pending, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (pending.Count > 0)
        {
            var left = (long)subscription.BatchWithin.TotalMilliseconds - (Environment.TickCount64 - pending.Since);
            if (left <= 0) return false;
            limit.CancelAfter(TimeSpan.FromMilliseconds(left));
        }
        else limit.CancelAfter(MoveEvery);
        try
        {
            await batches.WaitToReadAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return pending.Count == 0;
        }
    }

    /// <summary>Sends until the receiver has taken it.</summary>
    /// <returns>What is pending then: nothing, from the place after it.</returns>
    async Task<PendingDelivery> SendAsync(PendingDelivery pending, CancellationToken cancellation)
    {
        var id = pending.IdOf(subscription.Id);
        for (var attempt = 1; ; attempt++)
        {
            // Rights as they are at this moment; in an hour of failures a dataset may have been closed.
            var visible = await EngineAsync(token => store.VisibleAsync(municipality, subscription.Access, pending.Datastreams, token), cancellation);
            var (body, count) = pending.Body(visible);
            if (count == 0)
            {
                await KeepAsync(token => store.MoveAsync(municipality, subscription, owner, pending.Until.ObservationsText, token), cancellation);
                break;
            }
            var outcome = await sender.SendAsync(subscription.Url, subscription.Secret, id, body, cancellation);
            Telemetry.WebhookAttempt(municipality, outcome.Succeeded, outcome.Duration, count);
            if (outcome.Succeeded)
            {
                failures = 0;
                await KeepAsync(token => store.SucceededAsync(municipality, subscription, owner, pending.Until.ObservationsText, id, attempt, count, outcome, token), cancellation);
                break;
            }
            failures++;
            TimeSpan? pause = outcome.IsGone ? null : Pause(outcome);
            await KeepAsync(token => store.FailedAsync(municipality, subscription, owner, pause, id, attempt, count, outcome, token), cancellation);
            await PruneAsync(cancellation);
            if (pause is null) throw new NotOursException(); // it has ended
            await Task.Delay(pause.Value, cancellation);
        }
        Interlocked.Exchange(ref oldest, 0);
        await PruneAsync(cancellation);
        return new PendingDelivery(pending.Until);
    }

    /// <summary>Doubles with each failure; half of it is chance, so that receivers that come back are not met by all at once.</summary>
    TimeSpan Pause(WebhookOutcome outcome)
    {
        var longest = Math.Min(options.LongestPause.TotalSeconds, options.FirstPause.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        var pause = TimeSpan.FromSeconds(longest * (0.5 + Random.Shared.NextDouble() / 2));
        return outcome.RetryAfter > pause ? outcome.RetryAfter.Value : pause;
    }

    async Task PruneAsync(CancellationToken cancellation)
    {
        if (++deliveries % PruneEvery == 1) await EngineAsync(async token => { await store.PruneAsync(municipality, subscription.Id, options.KeptDeliveries, token); return true; }, cancellation);
    }

    /// <summary>Writes down what happened, however long that takes: what the receiver has taken must not be sent again because the database was away.</summary>
    async Task KeepAsync(Func<CancellationToken, Task<bool>> write, CancellationToken cancellation)
    {
        if (!await EngineAsync(write, cancellation)) throw new NotOursException();
    }

    async Task<T> EngineAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        for (var pause = TimeSpan.FromMilliseconds(200); ; pause = pause < TimeSpan.FromSeconds(5) ? pause * 2 : pause)
        {
            try
            {
                return await ask(cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested && Infrastructure.IsAtFault(fault))
            {
                LogEngine(subscription.Id, municipality, fault.Message);
            }
            await Task.Delay(pause, cancellation);
        }
    }

    /// <summary>Another instance delivers it, or it was changed or removed: whatever is to be done is not ours to do.</summary>
    sealed class NotOursException : Exception;

    [LoggerMessage(210, LogLevel.Information, "subscription {Subscription} of {Municipality} is not delivered here any more")]
    partial void LogNotOurs(string subscription, string municipality);

    [LoggerMessage(211, LogLevel.Error, "subscription {Subscription} of {Municipality} broke off; it is taken up again")]
    partial void LogBroken(string subscription, string municipality, Exception fault);

    [LoggerMessage(212, LogLevel.Warning, "subscription {Subscription} of {Municipality} waits for the database: {Reason}")]
    partial void LogEngine(string subscription, string municipality, string reason);
}
