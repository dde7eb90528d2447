using System.Collections.Concurrent;
using System.Diagnostics;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Log;
using Allmende.Streams.Codecs;
using Allmende.Streams.DeadLetters;

namespace Allmende.Streams.Replays;

/// <summary>
/// Makes the steps of all municipalities' replays, one step of each in turn: some kept uplinks are decoded and appended to topic <c>observations</c>, then the place
/// is noted. After a death in between the step is made again, with the same resultTime, which changes nothing. What is live goes first: while it waits no step is
/// made, and after each round there is a pause as long as the round.
/// </summary>
sealed partial class RunReplays(
    ReplayStore replays, UplinkStore uplinks, DecodeAgain decode, CodecStore codecs, DeadLetterStore letters, ILog log, Municipalities municipalities, ReplayOptions options,
    ILogger<RunReplays> logger) : BackgroundService
{
    /// <summary>Bytes of a record, about; half of what the log takes.</summary>
    const int LargestRecord = ILog.MaxPayload / 2;

    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    readonly SemaphoreSlim wake = new(0, 1);

    /// <summary>When each municipality is looked at next, by <see cref="Environment.TickCount64"/>.</summary>
    readonly ConcurrentDictionary<string, long> lookAt = new(StringComparer.Ordinal);

    /// <summary>There is a new one.</summary>
    public void Wake(string municipality)
    {
        // A little more than it has to settle for, by the database's clock.
        LookAt(municipality, options.Settle + TimeSpan.FromMilliseconds(100));
        try
        {
            wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to look anyway.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var began = Stopwatch.GetTimestamp();
                var worked = false;
                foreach (var municipality in Due()) worked |= await TryStepAsync(municipality, stoppingToken);
                var took = Stopwatch.GetElapsedTime(began);
                if (worked) await Task.Delay(took < LongestPause ? took : LongestPause, stoppingToken);
                else await wake.WaitAsync(UntilNext(), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down; the places stand in the database.
        }
    }

    /// <summary>Those that are to be looked at now. New ones are spread, four a second, so that a start does not ask all databases at once.</summary>
    List<string> Due()
    {
        var now = Environment.TickCount64;
        var all = municipalities.All.Select(municipality => municipality.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in lookAt.Keys.Where(municipality => !all.Contains(municipality))) lookAt.TryRemove(gone, out _);
        foreach (var (place, municipality) in all.Where(municipality => !lookAt.ContainsKey(municipality)).ToList().Index()) lookAt.TryAdd(municipality, now + 250 * place);
        return [.. lookAt.Where(one => one.Value <= now).Select(one => one.Key)];
    }

    /// <summary>Until somebody is due; not longer than until a new municipality should be seen.</summary>
    TimeSpan UntilNext()
    {
        var next = lookAt.IsEmpty ? long.MaxValue : lookAt.Values.Min();
        return TimeSpan.FromMilliseconds(Math.Clamp(next - Environment.TickCount64, 10, Math.Max(10, (long)options.LookEvery.TotalMilliseconds)));
    }

    void LookAt(string municipality, TimeSpan after) => lookAt[municipality] = Environment.TickCount64 + (long)after.TotalMilliseconds;

    async Task<bool> TryStepAsync(string municipality, CancellationToken cancellation)
    {
        // Before it is looked: who wakes it meanwhile sets a time of his own.
        LookAt(municipality, options.LookedForEvery);
        var seldom = lookAt[municipality];
        var (worked, again) = (false, true);
        try
        {
            worked = await StepAsync(municipality, cancellation);
            again = worked || await replays.AnyWaitsAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault);
        }
        if (again) lookAt.TryUpdate(municipality, Environment.TickCount64 + (worked ? 0 : (long)options.LookEvery.TotalMilliseconds), seldom);
        return worked;
    }

    /// <summary>Makes the next step of the municipality's replay.</summary>
    /// <returns>False if there is nothing to do, or it is not the time.</returns>
    internal async Task<bool> StepAsync(string municipality, CancellationToken cancellation)
    {
        await using var turn = await replays.TakeTurnAsync(municipality, options.Settle, cancellation);
        if (turn is null || await IsBusyAsync(municipality, cancellation)) return false;
        try
        {
            await StepAsync(municipality, turn, cancellation);
            return true;
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && fault is not CodecsUnavailableException && !Infrastructure.IsAtFault(fault))
        {
            LogGivenUp(turn.Replay.Id, municipality, fault);
            await turn.FailAsync("Something is wrong on our side; the service's log tells more.", cancellation);
            return true;
        }
    }

    async Task StepAsync(string municipality, ReplayStore.Turn turn, CancellationToken cancellation)
    {
        var replay = turn.Replay;
        var codec = replay switch
        {
            { Codec: null } => null,
            { CodecVersion: { } version } => await codecs.FindVersionAsync(municipality, replay.Codec, version, cancellation),
            _ => codecs.FindInLibrary(replay.Codec),
        };
        if (replay.Codec is not null && codec is null)
        {
            await turn.FailAsync($"The codec '{replay.Codec}' is there no longer.", cancellation);
            return;
        }
        var page = await uplinks.ReadAsync(municipality, replay.Which, (replay.PlaceTime, replay.PlaceId), options.Step, cancellation);
        var outcomes = await decode.DecodeAsync(municipality, page, replay.ReadyProfile(), codec, cancellation);
        if (outcomes.FirstOrDefault(outcome => outcome.Fault?.Type is CodecFaults.Killed or CodecFaults.Quarantined).Fault is { } stopped)
        {
            await turn.FailAsync(stopped.Reason, cancellation);
            return;
        }
        var count = await HandOnAsync(municipality, replay, outcomes, cancellation);
        await letters.SettleAsync(municipality, [.. outcomes.Where(outcome => outcome.Fault is null).Select(outcome => outcome.Uplink.Id)], cancellation);
        var failures = outcomes.Where(outcome => outcome.Fault is not null).Select(outcome => outcome.Fault!).ToList();
        var (time, id) = page.Count == 0 ? (replay.PlaceTime, replay.PlaceId) : (page[^1].ReceivedAt.UtcDateTime, page[^1].Id);
        await turn.AdvanceAsync(new ReplayStore.Step(page.Count, count, failures.Count, failures.FirstOrDefault()?.Reason, time, id), page.Count < options.Step, cancellation);
    }

    /// <summary>One or more records per Thing.</summary>
    /// <returns>How many observations.</returns>
    async Task<int> HandOnAsync(string municipality, Replay replay, DecodedAgain[] outcomes, CancellationToken cancellation)
    {
        var (accepted, mark) = (Observation.Micros(replay.AcceptedAt), Observation.OfReplay(replay.Id));
        var count = 0;
        foreach (var device in outcomes.GroupBy(outcome => outcome.Uplink.Device, StringComparer.Ordinal))
        {
            var record = new List<Observation>();
            var bytes = 0;
            foreach (var observation in device.SelectMany(outcome => outcome.Observations))
            {
                var size = 100 + observation.Datastream.Length + 3 * (observation.Json?.Length ?? 0);
                if (bytes + size > LargestRecord && record.Count > 0) await AppendAsync(device.Key);
                record.Add(observation with { ResultTime = accepted, Extra = mark });
                bytes += size;
            }
            if (record.Count > 0) await AppendAsync(device.Key);

            async Task AppendAsync(string thing)
            {
                await log.AppendAsync(municipality, Topics.Observations, thing, ObservationBatch.Write(accepted, [.. record]), cancellation);
                count += record.Count;
                record.Clear();
                bytes = 0;
            }
        }
        Telemetry.Replayed.Add(count);
        return count;
    }

    /// <summary>Whether the live uplinks, or what is made of them, wait.</summary>
    async Task<bool> IsBusyAsync(string municipality, CancellationToken cancellation) =>
        await log.LagAsync(municipality, Topics.Uplinks, StreamsModule.Service, cancellation) > options.LargestLag
        || await log.LagAsync(municipality, Topics.Observations, "observations", cancellation) > options.LargestLag;

    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }

    [LoggerMessage(3010, LogLevel.Warning, "{Municipality}: a step of a replay failed; it is tried again")]
    partial void LogFailed(string municipality, Exception fault);

    [LoggerMessage(3011, LogLevel.Error, "replay {Replay} of {Municipality} was given up")]
    partial void LogGivenUp(string replay, string municipality, Exception fault);
}
