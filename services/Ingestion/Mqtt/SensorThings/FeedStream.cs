using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.SensorThings;

/// <summary>
/// One topic as one access class sees it: a stream of lines from Observations, which every subscriber gets. When it breaks it is opened again at the place where it
/// stood. Subscribers never slow it: each has a bounded queue of its own.
/// </summary>
/// <param name="topic">Which.</param>
/// <param name="from">The place after which it begins; null for from now on.</param>
/// <param name="cut">Held while messages and their place are put into sessions; see <see cref="SessionKeeper.CutOf"/>.</param>
/// <param name="client">Asks Observations.</param>
/// <param name="options">Times.</param>
/// <param name="owner">Is told of those who cannot go on.</param>
/// <param name="logger">The log.</param>
sealed partial class FeedStream(MqttTopic topic, string? from, Lock cut, FeedClient client, MqttOptions options, FeedStreams owner, ILogger<FeedStream> logger)
{
    /// <summary>Places move on without messages; what is on disk must not fall behind what the log still has.</summary>
    static readonly TimeSpan PlaceWrittenEvery = TimeSpan.FromMinutes(1);

    const int LongestLine = 4 * 1024 * 1024;
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    readonly Lock gate = new();
    readonly Subscribers subscribers = new();
    readonly TaskCompletionSource<(ReasonCode Code, string? Reason)> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly CancellationTokenSource stop = new();
    Task running = Task.CompletedTask;
    string? place = from;
    long placeTouchedAt = Environment.TickCount64;
    bool over;

    /// <summary>Success once it is open for the first time; else why it will not be.</summary>
    public Task<(ReasonCode Code, string? Reason)> Ready => ready.Task;

    public void Start() => running = Task.Run(RunAsync);

    /// <summary>Adds a subscriber; false if the stream has ended, and another is needed. <paramref name="subscription"/> is at the stream's place from then on.</summary>
    public bool Add(Subscription subscription)
    {
        lock (gate)
        {
            if (over) return false;
            subscribers.Add(subscription);
            subscription.Place = place;
            return true;
        }
    }

    /// <summary>Takes a subscriber out; true if it was the last, and the stream has ended.</summary>
    public bool Remove(Subscription subscription)
    {
        lock (gate)
        {
            subscribers.Remove(subscription.Session, subscription.Filter.Group);
            if (!subscribers.IsEmpty) return false;
            over = true;
        }
        stop.Cancel();
        return true;
    }

    public async Task StopAsync()
    {
        lock (gate) over = true;
        await stop.CancelAsync();
        await running;
    }

    async Task RunAsync()
    {
        var since = Environment.TickCount64;
        var failures = 0;
        while (!stop.IsCancellationRequested && Someone() is { } subscriber)
        {
            try
            {
                if (!await FollowAsync(subscriber)) continue;
                failures = 0;
            }
            catch (Exception fault) when (!stop.IsCancellationRequested)
            {
                LogBroken(topic.Municipality, fault.Message);
                failures++;
            }
            catch (Exception)
            {
                // Nobody follows any longer.
                break;
            }
            if (!ready.Task.IsCompleted && Environment.TickCount64 - since > options.FeedAwaited.TotalMilliseconds) End((ReasonCode.ImplementationSpecific, "the feed does not answer; try again"));
            else await PauseAsync(failures);
        }
        ready.TrySetResult((ReasonCode.ImplementationSpecific, "the feed has ended; try again"));
    }

    /// <summary>Opens the stream and reads it to its end. False if it was refused, and the subscribers that this concerns are gone.</summary>
    async Task<bool> FollowAsync(Subscription subscriber)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(options.FeedAwaited);
        using var answer = await client.OpenAsync(topic, subscriber.Session.Client, place, limit.Token);
        if (answer.IsSuccessStatusCode)
        {
            await ReadAsync(answer, limit);
            return true;
        }
        // One that was open waits for its turn to be open again.
        if (await FeedClient.RefusalOfAsync(answer, limit.Token) is not { } refusal || (refusal.Code == ReasonCode.QuotaExceeded && ready.Task.IsCompleted)) throw new HttpRequestException($"Observations answers {(int)answer.StatusCode}");
        Refuse(subscriber, refusal);
        return false;
    }

    async Task ReadAsync(HttpResponseMessage answer, CancellationTokenSource limit)
    {
        var reader = PipeReader.Create(await answer.Content.ReadAsStreamAsync(limit.Token));
        while (true)
        {
            var read = await reader.ReadAsync(limit.Token);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                limit.CancelAfter(options.FeedSilence);
                Take(rest.Slice(0, end).ToArray());
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            if (rest.Length > LongestLine) throw new InvalidDataException("a line of the feed is too long");
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) return;
        }
    }

    /// <summary>
    /// One line: <c>{"id":"…","payload":…}</c>; without payload it says that nothing is missing so far, empty it says that it lives, with <c>gap</c> that something is
    /// lost, with <c>error</c> that there will be no more.
    /// </summary>
    void Take(byte[] line)
    {
        if (line.Length <= 1) return;
        var (id, payload, isGap, isError) = Parse(line);
        if (isError) throw new InvalidDataException("Observations ends the feed");
        // Who comes back sees that its session is gone, and knows.
        if (isGap) Lose(subscribers => subscribers, ReasonCode.ImplementationSpecific, "the log no longer has what was missed");
        List<MqttSession> receivers = [];
        List<MqttSession> overflown = [];
        lock (cut) Put(payload, id, receivers, overflown);
        foreach (var session in receivers) session.Pump();
        foreach (var session in overflown) session.Overflow();
        ready.TrySetResult((ReasonCode.Success, null));
    }

    /// <summary>Puts a message into the sessions that get it, and moves all on to its place: what breaks before comes again.</summary>
    void Put(ReadOnlyMemory<byte> payload, string? id, List<MqttSession> receivers, List<MqttSession> overflown)
    {
        lock (gate)
        {
            if (payload.Length > 0)
            {
                var message = new MqttMessage { Topic = topic.Utf8, Payload = payload, Qos = 2 };
                var chosen = new List<Subscription>();
                subscribers.Receive(chosen);
                foreach (var receiver in chosen)
                    if (receiver.Of(message) is { } delivery) (receiver.Session.TryEnqueue(delivery) ? receivers : overflown).Add(receiver.Session);
            }
            if (id is null) return;
            place = id;
            var isLongAgo = Environment.TickCount64 - placeTouchedAt > PlaceWrittenEvery.TotalMilliseconds;
            if (isLongAgo) placeTouchedAt = Environment.TickCount64;
            foreach (var one in subscribers.All)
            {
                one.Place = id;
                if (isLongAgo) one.Session.Touch();
            }
        }
    }

    static (string? Id, ReadOnlyMemory<byte> Payload, bool IsGap, bool IsError) Parse(byte[] line)
    {
        string? id = null;
        bool isGap = false, isError = false;
        ReadOnlyMemory<byte> payload = default;
        var json = new Utf8JsonReader(line);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isPayload) = (json.ValueTextEquals("id"u8), json.ValueTextEquals("payload"u8));
            isGap |= json.ValueTextEquals("gap"u8);
            isError |= json.ValueTextEquals("error"u8);
            json.Read();
            var start = (int)json.TokenStartIndex;
            if (isId) id = json.GetString();
            json.Skip();
            if (isPayload) payload = line.AsMemory(start, (int)json.BytesConsumed - start);
        }
        return (id, payload, isGap, isError);
    }

    Subscription? Someone()
    {
        lock (gate) return subscribers.All.FirstOrDefault();
    }

    /// <summary>A subscriber's credential holds no longer: those that show it go. Anything else concerns all.</summary>
    void Refuse(Subscription subscriber, (ReasonCode Code, string? Reason) refusal)
    {
        if (!ready.Task.IsCompleted)
        {
            End(refusal);
            return;
        }
        var credential = subscriber.Session.Client.Credential;
        Lose(all => all.Where(one => refusal.Code != ReasonCode.NotAuthorized || one.Session.Client.Credential == credential), refusal.Code, refusal.Reason ?? "the subscription to SensorThings has ended");
    }

    void Lose(Func<IEnumerable<Subscription>, IEnumerable<Subscription>> which, ReasonCode code, string reason)
    {
        List<Subscription> lost;
        lock (gate) lost = which(subscribers.All).ToList();
        foreach (var one in lost) owner.Lost?.Invoke(one.Session, code, reason);
    }

    /// <summary>Ends before it was ever open.</summary>
    void End((ReasonCode, string?) answer)
    {
        lock (gate) over = true;
        ready.TrySetResult(answer);
        stop.Cancel();
    }

    async Task PauseAsync(int failures)
    {
        var longest = Math.Min(LongestPause.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures, 10)));
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(longest * (0.5 + Random.Shared.NextDouble() / 2)), stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }

    [LoggerMessage(2060, LogLevel.Warning, "a feed of {Municipality} broke and is opened again: {Reason}")]
    partial void LogBroken(string municipality, string reason);
}
