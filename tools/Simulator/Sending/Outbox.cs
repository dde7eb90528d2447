using System.Net;
using System.Net.Http.Headers;
using Allmende.Simulator.LoRaWan;
using Allmende.Simulator.Town;

namespace Allmende.Simulator.Sending;

/// <summary>
/// Delivers messages as a network server's webhook does: a few connections at once, again and again until the platform has taken each of them,
/// as slowly as it asks for.
/// </summary>
sealed class Outbox : IAsyncDisposable
{
    const int Capacity = 8192;

    readonly HttpClient http;
    readonly Func<PlatformFile> readPlatform;
    readonly Place place;
    readonly Action<string> tell;
    readonly TtsWebhook webhook;
    readonly Lane[] lanes;
    readonly Task[] senders;
    readonly CancellationTokenSource stopping = new();

    volatile PlatformFile platform;
    volatile bool isAway;
    long position, lastDropped;
    long accepted, dropped, rejected;

    public Outbox(HttpClient http, Func<PlatformFile> readPlatform, Place place, int connections, Action<string> tell)
    {
        (this.http, this.readPlatform, this.place, this.tell) = (http, readPlatform, place, tell);
        platform = readPlatform();
        webhook = new TtsWebhook(place.Town, place.Longitude, place.Latitude);
        lanes = [.. Enumerable.Range(0, connections).Select(_ => new Lane(Math.Max(16, Capacity / connections)))];
        senders = [.. lanes.Select(lane => Task.Run(() => SendAllAsync(lane, stopping.Token)))];
    }

    /// <summary>Messages that the platform acknowledged.</summary>
    public long Accepted => Interlocked.Read(ref accepted);

    /// <summary>Messages that were too many to keep while the platform was away.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Messages that the platform refused for good.</summary>
    public long Rejected => Interlocked.Read(ref rejected);

    /// <summary>Nothing after this time was given up.</summary>
    public DateTime WholeFrom => new(Interlocked.Read(ref lastDropped), DateTimeKind.Utc);

    /// <summary>Everything before this time is done with.</summary>
    public DateTime DoneUntil
    {
        get
        {
            var put = new DateTime(Interlocked.Read(ref position), DateTimeKind.Utc);
            return lanes.Min(lane => lane.OldestUnfinished ?? put);
        }
    }

    /// <summary>Hands over a message.</summary>
    /// <param name="message">The message; its time is not before that of the one before it.</param>
    /// <param name="wait">Whether to wait for room (messages of the past) or to give up the oldest ones (the present goes on).</param>
    /// <param name="stop">Gives up.</param>
    public async ValueTask PutAsync(Transmission message, bool wait, CancellationToken stop)
    {
        var lane = lanes[(int)((uint)string.GetHashCode(message.Sensor.Id, StringComparison.Ordinal) % lanes.Length)];
        if (wait)
            await lane.AddAsync(message, stop);
        else if (lane.Add(message) is { } given)
        {
            Interlocked.Increment(ref dropped);
            Interlocked.Exchange(ref lastDropped, Math.Max(lastDropped, given.Time.Ticks + 1));
        }
        Interlocked.Exchange(ref position, message.Time.Ticks);
    }

    /// <summary>There is nothing to say before <paramref name="time"/>.</summary>
    public void Reached(DateTime time) => Interlocked.Exchange(ref position, time.Ticks);

    /// <summary>Waits until all is delivered.</summary>
    public async Task DrainAsync(CancellationToken stop)
    {
        while (lanes.Any(lane => lane.OldestUnfinished is not null))
            await Task.Delay(20, stop);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(senders);
        foreach (var lane in lanes)
            lane.Dispose();
        stopping.Dispose();
    }

    async Task SendAllAsync(Lane lane, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await DeliverAsync(await lane.TakeAsync(stop), stop);
                lane.Finish();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What is left is sent by the next run.
        }
    }

    async Task DeliverAsync(Transmission message, CancellationToken stop)
    {
        var body = message.Sensor.PostsItself ? DirectPost.Body(message) : webhook.Body(message);
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan? asked = null;
            try
            {
                using var response = await PostAsync(message, body, stop);
                if (response.IsSuccessStatusCode)
                {
                    Back();
                    Interlocked.Increment(ref accepted);
                    return;
                }
                if (!await MayPassAsync(message, response, stop))
                    return;
                asked = Retry.After(response);
            }
            catch (Exception fault) when (Retry.MayPass(fault) && !stop.IsCancellationRequested)
            {
                Away(fault.Message);
            }
            await Task.Delay(Retry.Wait(attempt, asked), stop);
        }
    }

    Task<HttpResponseMessage> PostAsync(Transmission message, byte[] body, CancellationToken stop)
    {
        var door = message.Sensor.PostsItself ? "json" : "tts";
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(platform.Gateway, $"{place.Town}/uplinks/{door}")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("X-Api-Key", platform.DeviceKey);
        return http.SendAsync(request, stop);
    }

    /// <summary>Whether to try again; counts what was refused for good.</summary>
    async Task<bool> MayPassAsync(Transmission message, HttpResponseMessage response, CancellationToken stop)
    {
        if (Retry.MayPass(response.StatusCode))
        {
            if (response.StatusCode != HttpStatusCode.TooManyRequests)
                Away($"{(int)response.StatusCode} {response.ReasonPhrase}");
            return true;
        }
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            // The platform may have been set up anew meanwhile, with another key.
            Away($"{(int)response.StatusCode}, the device key is not accepted");
            platform = readPlatform();
            return true;
        }
        if (Interlocked.Increment(ref rejected) == 1)
            tell($"{message.Sensor.Id} was refused, and later ones are only counted: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(stop)}");
        return false;
    }

    void Away(string why)
    {
        if (isAway)
            return;
        isAway = true;
        tell($"the platform does not take messages ({why}); keeping them and trying on");
    }

    void Back()
    {
        if (!isAway)
            return;
        isAway = false;
        tell("the platform takes messages again");
    }
}
