using System.Globalization;
using System.Text.Json;

namespace Allmende.Streams.Codecs;

/// <summary>
/// Runs codecs in supervised Node.js processes. A codec that loops, throws, eats memory or returns rubbish fails alone, with the reason;
/// everybody else waits for at most one such call, because turns are fair (<see cref="FairQueue"/>) and repeated offenders pause
/// (<see cref="Quarantine"/>). What a process was doing when it died is done again in the next one: codecs have no effects.
/// </summary>
public sealed partial class CodecRunner : IAsyncDisposable
{
    const int StartsBeforeGivingUp = 5;

    readonly CodecOptions options;
    readonly ILogger<CodecRunner> logger;
    readonly FairQueue queue;
    readonly Quarantine quarantine;
    readonly CancellationTokenSource stopping = new();
    readonly Lazy<Task> lanes;

    /// <summary>The processes are started when the first call comes.</summary>
    public CodecRunner(CodecOptions options, TimeProvider clock, ILoggerFactory loggers)
    {
        this.options = options;
        logger = loggers.CreateLogger<CodecRunner>();
        queue = new FairQueue(options.MostWaiting);
        quarantine = new Quarantine(options, clock, loggers.CreateLogger<Quarantine>());
        lanes = new Lazy<Task>(() => Task.WhenAll(Enumerable.Range(0, options.Hosts).Select(_ => Task.Run(RunLaneAsync))));
    }

    /// <summary>Starts the processes before they are needed.</summary>
    public void Start() => _ = lanes.Value;

    /// <summary>Decodes (and normalises) uplinks; one outcome per call, in their order.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public Task<IReadOnlyList<CodecOutcome>> DecodeAsync(string municipality, Codec codec, IReadOnlyList<CodecCall> calls, CancellationToken cancellation) =>
        RunAsync(municipality, codec, CodecOperation.Uplink, calls, cancellation);

    /// <summary>
    /// Decodes what may be another device's messages. A codec that has to be stopped at one of them is given no more, and earns no quarantine:
    /// it may be a good one for its own.
    /// </summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public Task<IReadOnlyList<CodecOutcome>> TryAsync(string municipality, Codec codec, IReadOnlyList<CodecCall> calls, CancellationToken cancellation) =>
        RunAsync(municipality, codec, CodecOperation.Uplink, calls, cancellation, isTrial: true);

    /// <summary>Normalises data that came decoded.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public Task<IReadOnlyList<CodecOutcome>> NormalizeAsync(string municipality, Codec codec, IReadOnlyList<CodecCall> calls, CancellationToken cancellation, bool isTrial = false) =>
        RunAsync(municipality, codec, CodecOperation.Normalize, calls, cancellation, isTrial);

    /// <summary>Makes a downlink's bytes of <see cref="CodecCall.Data"/>.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public async Task<CodecOutcome> EncodeAsync(string municipality, Codec codec, CodecCall call, CancellationToken cancellation) =>
        (await RunAsync(municipality, codec, CodecOperation.Encode, [call], cancellation))[0];

    /// <summary>Reads a downlink's bytes.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public async Task<CodecOutcome> DecodeDownlinkAsync(string municipality, Codec codec, CodecCall call, CancellationToken cancellation) =>
        (await RunAsync(municipality, codec, CodecOperation.DecodeDownlink, [call], cancellation))[0];

    /// <summary>Where <paramref name="codec"/> does not parse; null if it does. Nothing of it is run.</summary>
    /// <exception cref="CodecsUnavailableException">Codecs cannot be run now.</exception>
    public async Task<CodecSyntaxError?> CheckAsync(string municipality, Codec codec, CancellationToken cancellation)
    {
        var outcome = (await RunAsync(municipality, codec, CodecOperation.Check, [new CodecCall()], cancellation))[0];
        if (outcome.Fault is { } fault) return new CodecSyntaxError(fault.Reason, 1, 1);
        return outcome.Answer.ValueKind == JsonValueKind.Null
            ? null
            : new CodecSyntaxError(outcome.Answer.GetProperty("message").GetString()!, outcome.Answer.GetProperty("line").GetInt32(), outcome.Answer.GetProperty("column").GetInt32());
    }

    /// <summary>Until when the codec gets no calls because it had to be killed repeatedly; null if it does.</summary>
    public DateTimeOffset? QuarantinedUntil(string municipality, Codec codec) => quarantine.Until(municipality, codec);

    async Task<IReadOnlyList<CodecOutcome>> RunAsync(
        string municipality, Codec codec, CodecOperation operation, IReadOnlyList<CodecCall> calls, CancellationToken cancellation, bool isTrial = false)
    {
        if (calls.Count == 0) return [];
        if (codec.Layout is { } layout) return calls.Select(call => layout.Run(operation, call)).ToList();
        Start();
        var work = new CodecWork(municipality, codec, operation, calls, isTrial, cancellation);
        if (!queue.TryAdd(work)) throw new CodecsUnavailableException($"more than {options.MostWaiting} calls of {municipality} are waiting for its codecs");
        return await work.Done.WaitAsync(cancellation);
    }

    async Task RunLaneAsync()
    {
        CodecHost? host = null;
        var deaths = 0;
        try
        {
            host = CodecHost.Start(options);
        }
        catch (CodecsUnavailableException fault)
        {
            LogCannotStart(fault.Message);
        }
        try
        {
            while (true)
            {
                var work = await queue.TakeAsync(stopping.Token);
                try
                {
                    host ??= CodecHost.Start(options);
                    if (await TakeTurnAsync(host, work)) deaths = 0;
                    else
                    {
                        await host.DisposeAsync();
                        host = null;
                        LogHostDied(++deaths);
                        if (deaths > 2) await Task.Delay(BackOff(deaths), stopping.Token);
                        if (deaths > StartsBeforeGivingUp) throw new CodecsUnavailableException("the process that runs codecs dies again and again");
                    }
                }
                catch (Exception fault) when (fault is not OperationCanceledException)
                {
                    if (host is null) LogCannotStart(fault.Message);
                    work.Abandon(fault as CodecsUnavailableException ?? new CodecsUnavailableException("codecs cannot be run", fault));
                }
                finally
                {
                    queue.GiveBack(work);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Shutting down.
        }
        finally
        {
            if (host is not null) await host.DisposeAsync();
        }
    }

    /// <returns>False if the host died.</returns>
    async Task<bool> TakeTurnAsync(CodecHost host, CodecWork work)
    {
        if (work.IsOver) return true;
        var alive = true;
        if (work.Operation != CodecOperation.Check && quarantine.Until(work.Municipality, work.Codec) is { } until)
        {
            work.FailRest(CodecFaults.Quarantined, string.Create(CultureInfo.InvariantCulture,
                $"Calls of the codec {work.Codec.Id} had to be killed repeatedly; it is given none until {until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}. Correct it, then replay."));
        }
        else
        {
            var start = work.Next;
            var taken = work.Take(options.Turn);
            alive = await host.RunAsync(work.Codec, work.Operation, taken, (index, answer) =>
            {
                if (work.Answer(start + index, answer)) Blame(work, answer[1..]);
            }, stopping.Token);
            if (!alive && work.Next < start + taken.Count && (work.IsTrial || work.Died())) Blame(work, "ended its process");
        }
        work.CompleteIfDone();
        return alive;
    }

    void Blame(CodecWork work, string reason)
    {
        LogKilled(work.Codec.Id, work.Municipality, reason);
        if (work.IsTrial) work.FailRest(CodecFaults.Killed, $"The codec {reason}.");
        else quarantine.Strike(work.Municipality, work.Codec);
    }

    static TimeSpan BackOff(int deaths) => TimeSpan.FromMilliseconds(Math.Min(5000, 50 << Math.Min(deaths, 7)));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        if (lanes.IsValueCreated) await lanes.Value;
        queue.Dispose();
        stopping.Dispose();
    }

    [LoggerMessage(3002, LogLevel.Warning, "a call of codec {Codec} of {Municipality} was killed: it {Reason}")]
    partial void LogKilled(string codec, string municipality, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "the process that runs codecs died ({Deaths} in a row)")]
    partial void LogHostDied(int deaths);

    [LoggerMessage(3004, LogLevel.Error, "codecs cannot be run: {Reason}")]
    partial void LogCannotStart(string reason);
}
