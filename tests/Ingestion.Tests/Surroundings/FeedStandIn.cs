using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>Observations' feed as docs say it: lines with place and payload, the first without, each place one more than the last.</summary>
sealed class FeedStandIn
{
    readonly ConcurrentDictionary<(string Municipality, string Topic), Topic> topics = new();

    /// <summary>Each time that a feed was asked for: municipality, topic, credential, place.</summary>
    public ConcurrentQueue<(string Municipality, string Topic, string? Credential, string? After)> Asked { get; } = new();

    /// <summary>Status other than 200 for a topic and a credential.</summary>
    public Func<string, string?, int?> Refuses { get; set; } = (_, _) => null;

    /// <summary>How many feeds of the topic are open.</summary>
    public int Open(string municipality, string topic) => Of(municipality, topic).Readers.Count;

    /// <summary>Sends a payload to all who follow the topic.</summary>
    public void Send(string municipality, string topic, string payload) => Of(municipality, topic).Append(payload);

    /// <summary>Sends a line to all who follow the topic, as it is.</summary>
    public void SendLine(string municipality, string topic, string line)
    {
        foreach (var reader in Of(municipality, topic).Readers.Keys) reader.Writer.TryWrite(line);
    }

    /// <summary>Breaks all feeds of the topic off.</summary>
    public void Break(string municipality, string topic)
    {
        foreach (var reader in Of(municipality, topic).Readers.Keys) reader.Writer.TryComplete();
    }

    public static string? CredentialOf(HttpContext context) =>
        (string?)context.Request.Headers["X-Api-Key"] ?? ((string?)context.Request.Headers.Authorization)?["Bearer ".Length..];

    public void Map(WebApplication app) => app.MapGet("/internal/{municipality}/sta/feed", async (HttpContext context, string municipality, string topic) =>
    {
        var after = (string?)context.Request.Headers["Last-Event-ID"];
        var credential = CredentialOf(context);
        if (context.Request.Headers["X-Internal-Key"] != Neighbours.InternalKey) return Results.NotFound();
        Asked.Enqueue((municipality, topic, credential, after));
        if (Refuses(topic, credential) is { } status) return Results.Json(new { code = status, type = "error", message = $"no feed of '{topic}'" }, statusCode: status);
        context.Response.ContentType = "application/x-ndjson";
        var followed = Of(municipality, topic);
        var reader = followed.Follow(after is null ? null : int.Parse(after, System.Globalization.CultureInfo.InvariantCulture));
        try
        {
            await foreach (var line in reader.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(line + "\n");
                await context.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The follower is gone.
        }
        finally
        {
            followed.Readers.TryRemove(reader, out _);
        }
        return Results.Empty;
    });

    Topic Of(string municipality, string topic) => topics.GetOrAdd((municipality, topic), _ => new Topic());

    sealed class Topic
    {
        readonly List<string> log = [];

        public ConcurrentDictionary<Channel<string>, bool> Readers { get; } = new();

        public void Append(string payload)
        {
            lock (log)
            {
                log.Add(payload);
                foreach (var reader in Readers.Keys) reader.Writer.TryWrite($$"""{"id":"{{log.Count}}","payload":{{payload}}}""");
            }
        }

        public Channel<string> Follow(int? after)
        {
            var channel = Channel.CreateUnbounded<string>();
            lock (log)
            {
                channel.Writer.TryWrite($$"""{"id":"{{after ?? log.Count}}"}""");
                for (var place = after ?? log.Count; place < log.Count; place++) channel.Writer.TryWrite($$"""{"id":"{{place + 1}}","payload":{{log[place]}}}""");
                Readers[channel] = true;
            }
            return channel;
        }
    }
}
