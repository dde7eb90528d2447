using Allmende.Contracts;
using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Live;

/// <summary>Lines for the subscribers of a topic, written once.</summary>
/// <param name="Text">Whole lines.</param>
/// <param name="Until">The place after them.</param>
/// <param name="IsLast">The topic has ended; the line says why.</param>
sealed record TopicLines(ReadOnlyMemory<byte> Text, LogPlace Until, bool IsLast = false);

/// <summary>What turns batches into lines of one topic for one set of access classes.</summary>
sealed class TopicRenderer(string municipality, SensorThingsTopic topic, string[] access, string caller, string root,
    MunicipalDatabases databases, StoredPositions stored, TopicTurns turns, LiveOptions options)
{
    /// <summary>Throws what a GET of the topic's path would.</summary>
    public Task CheckAsync(CancellationToken cancellation) =>
        InTurnAsync(async limit => { await topic.CheckAsync(databases.Of(municipality), access, root, options.SlowestTopic, limit); return 0; }, cancellation);

    /// <summary>The lines of a batch; each <c>{"id":"place","payload":…}</c>, where only the last has the place after the batch.</summary>
    /// <exception cref="SensorThingsException">The topic cannot be served any more.</exception>
    public async Task<TopicLines> RenderAsync(LiveBatch batch, CancellationToken cancellation)
    {
        using var lines = new JsonBuffer();
        if (batch.AfterGap) WriteGap(lines, batch);
        var payloads = new List<ReadOnlyMemory<byte>>();
        var concerning = topic.Concerning(batch, access).ToList();
        if (concerning.Count > 0) await WaitForStoreAsync(batch, cancellation);
        foreach (var given in concerning)
            payloads.AddRange(await InTurnAsync(limit => topic.ReadAsync(databases.Of(municipality), access, root, options.SlowestTopic, given, limit), cancellation));
        for (var i = 0; i < payloads.Count; i++)
        {
            lines.Raw("{\"id\":\""u8);
            lines.Raw((i < payloads.Count - 1 ? batch.Before : batch.After).ToString());
            lines.Raw("\",\"payload\":"u8);
            lines.Raw(payloads[i].Span);
            lines.Raw("}\n"u8);
        }
        return new TopicLines(lines.Slice(0, lines.Length).ToArray(), batch.After);
    }

    static void WriteGap(JsonBuffer lines, LiveBatch batch)
    {
        lines.Raw($"{{\"id\":\"{batch.After}\",\"gap\":{{\"asked\":\"{batch.Before}\",\"keptAfter\":\"{batch.After}\"}}}}\n");
    }

    /// <summary>A notification is what a GET gives, so it waits until the store has it, however long that takes.</summary>
    async Task WaitForStoreAsync(LiveBatch batch, CancellationToken cancellation)
    {
        foreach (var position in batch.After.In(Topics.Observations).Except(batch.Before.In(Topics.Observations)))
            while (!await stored.WaitAsync(municipality, position, TimeSpan.FromSeconds(30), cancellation)) { }
    }

    async Task<T> InTurnAsync<T>(Func<CancellationToken, Task<T>> query, CancellationToken cancellation)
    {
        using var turn = await turns.TakeAsync(municipality, caller, cancellation);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.SlowestTopic);
        try
        {
            return await query(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new SensorThingsException(503, $"the query of the topic takes longer than {options.SlowestTopic.TotalSeconds:0.#} s; ask for less");
        }
        catch (NpgsqlException fault) when (FaultJson.Told(fault, cancellation.IsCancellationRequested) is { } told)
        {
            throw new SensorThingsException(told.Status, told.Message);
        }
    }
}

/// <summary>A topic that somebody subscribes to: read once for all who have the same access classes.</summary>
sealed partial class TopicReading
{
    static readonly TimeSpan PatienceWithEngines = TimeSpan.FromMinutes(1);

    readonly TopicRenderer renderer;
    readonly Action<SensorThingsException> refuse;
    readonly ILogger logger;
    readonly Task<LiveAudience<TopicLines>> started;
    readonly CancellationTokenSource reading;
    int joining;

    /// <param name="municipality">Whose.</param>
    /// <param name="hub">Where it listens.</param>
    /// <param name="renderer">Makes the lines.</param>
    /// <param name="refuse">Learns why the topic had to be ended.</param>
    /// <param name="logger">For what is wrong on our side.</param>
    /// <param name="stopping">Ends it.</param>
    public TopicReading(string municipality, LiveHub hub, TopicRenderer renderer, Action<SensorThingsException> refuse, ILogger logger, CancellationToken stopping)
    {
        (this.renderer, this.refuse, this.logger) = (renderer, refuse, logger);
        reading = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var starting = new TaskCompletionSource<LiveAudience<TopicLines>>(TaskCreationOptions.RunContinuationsAsynchronously);
        started = starting.Task;
        _ = ReadAsync(municipality, hub, starting);
    }

    /// <summary>True when nobody can take part any more.</summary>
    public bool HasEnded => reading.IsCancellationRequested || started.IsFaulted || (started.IsCompletedSuccessfully && started.Result.HasEnded);

    /// <summary>Takes part from now on; null if the reading has ended.</summary>
    public async Task<LiveSubscription<TopicLines>?> JoinAsync(long mostBytes, CancellationToken cancellation)
    {
        LiveSubscription<TopicLines>? joined = null;
        Interlocked.Increment(ref joining);
        try
        {
            return joined = (await started.WaitAsync(cancellation)).Join(mostBytes);
        }
        finally
        {
            // Who gave up must not leave behind a reading for nobody.
            if (Interlocked.Decrement(ref joining) == 0 && joined is null)
            {
                if (started.IsCompletedSuccessfully) (await started).CloseIfEmpty();
                else await reading.CancelAsync();
            }
        }
    }

    async Task ReadAsync(string municipality, LiveHub hub, TaskCompletionSource<LiveAudience<TopicLines>> starting)
    {
        LiveAudience<TopicLines>? audience = null;
        try
        {
            await foreach (var batch in hub.FollowAsync(municipality, null, reading.Token))
            {
                if (audience is null) starting.SetResult(audience = new LiveAudience<TopicLines>(batch.After, reading.Cancel));
                var lines = await LinesAsync(batch);
                if (audience.HandOut(_ => batch.After, (_, _) => (lines, lines.Text.Length + 64)) is > 0 and var letGo) Telemetry.Dropped(municipality, letGo);
                if (!lines.IsLast) continue;
                audience.Close();
                return;
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
        catch (Exception fault)
        {
            LogBrokenOff(municipality, fault);
            starting.TrySetException(fault);
        }
        starting.TrySetCanceled();
        audience?.End();
    }

    async Task<TopicLines> LinesAsync(LiveBatch batch)
    {
        var giveUp = Environment.TickCount64 + (long)PatienceWithEngines.TotalMilliseconds;
        while (true)
        {
            try
            {
                return await renderer.RenderAsync(batch, reading.Token);
            }
            catch (SensorThingsException fault)
            {
                refuse(fault);
                return new TopicLines(TopicRoutes.ErrorLine(fault), batch.After, IsLast: true);
            }
            catch (Exception fault) when (!reading.IsCancellationRequested && Infrastructure.IsAtFault(fault) && Environment.TickCount64 < giveUp)
            {
                await Task.Delay(500, reading.Token);
            }
        }
    }

    [LoggerMessage(201, LogLevel.Warning, "a SensorThings topic of {Municipality} broke off; its subscribers resume")]
    partial void LogBrokenOff(string municipality, Exception fault);
}
