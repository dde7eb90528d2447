using Allmende.Observations.SensorThings.Writes;
using Allmende.Platform;
using Allmende.Platform.Data;

namespace Allmende.Observations.SensorThings.Batch;

/// <summary>A batch as far as it is done: its requests one after the other, by the same handlers as requests of their own.</summary>
sealed partial class BatchRun(
    EntityDoor door, ObservationDoor observations, MunicipalDatabases databases, PlatformOptions options, ObservationsOptions limits, ILogger<BatchRun> logger, string municipality, HttpContext context,
    WriteRights rights)
{
    readonly Dictionary<string, Written> made = new(StringComparer.Ordinal);
    readonly HashSet<string> failed = new(StringComparer.Ordinal);
    readonly string root = SensorThingsRoutes.RootOf(options, municipality);

    /// <summary>Does a request or a change set; never throws for what a request is to blame for.</summary>
    public async Task<IReadOnlyList<BatchAnswer>> DoAsync(BatchGroup group, CancellationToken cancellation)
    {
        var answers = group.IsChangeSet ? await ChangeSetAsync(group.Parts, cancellation) : [await SingleAsync(group.Parts[0], cancellation)];
        for (var i = 0; i < answers.Length; i++)
            if (group.Parts[i].Id is { } id && answers[i].Failed) failed.Add(id);
        return answers;
    }

    async Task<BatchAnswer> SingleAsync(BatchPart part, CancellationToken cancellation)
    {
        try
        {
            Require(part);
            var (path, query) = BatchAddress.Resolve(part.Url, municipality, Made);
            if (part.Method == "GET") return await AloneAsync(part, path, query, sub => ReadRoute.ReadAsync(municipality, sub, databases, options, limits));
            if (part.Method == "POST" && path == "CreateObservations")
                return await AloneAsync(part, path, query, async sub =>
                    await (await SensorThingsRoutes.PostDataArraysAsync(municipality, sub, observations, options)).ExecuteAsync(sub));
            var (written, entity) = await door.DoAsync(municipality, rights, new WriteRequest(part.Method, path, query, part.ContentType, part.Body), root, IdOf, cancellation);
            Remember(part, written);
            return AnswerOf(written, entity);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            return Told(part, fault);
        }
    }

    /// <summary>All in one transaction; reading comes after its commit.</summary>
    async Task<BatchAnswer[]> ChangeSetAsync(IReadOnlyList<BatchPart> parts, CancellationToken cancellation)
    {
        var written = new Written?[parts.Count];
        var at = 0;
        try
        {
            await using var session = await door.BeginAsync(municipality, rights, IdOf, cancellation);
            for (; at < parts.Count; at++)
            {
                Require(parts[at]);
                if (parts[at].Method == "GET") continue;
                var (path, query) = BatchAddress.Resolve(parts[at].Url, municipality, Made);
                if (path == "CreateObservations") throw new SensorThingsException(400, "data arrays are no part of a change set: post them beside it");
                written[at] = await door.WriteAsync(session, new WriteRequest(parts[at].Method, path, query, parts[at].ContentType, parts[at].Body), cancellation);
                Remember(parts[at], written[at]!);
            }
            at--;
            await door.CommitAsync(session, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            foreach (var part in parts)
                if (part.Id is not null) made.Remove(part.Id);
            var told = Told(parts[at], fault);
            return [.. parts.Select((_, i) => i == at ? told : BatchAnswer.Of(StatusCodes.Status424FailedDependency, $"nothing of the change set is done, because {parts[at].Place} failed"))];
        }
        var answers = new BatchAnswer[parts.Count];
        for (var i = 0; i < parts.Count; i++)
            answers[i] = written[i] is { } one ? AnswerOf(one, await door.ReadAsync(municipality, rights, root, one, cancellation)) : await SingleAsync(parts[i], cancellation);
        return answers;
    }

    void Require(BatchPart part)
    {
        if (part.Fault is not null) throw part.Fault;
        if (part.DependsOn.FirstOrDefault(failed.Contains) is { } missing) throw new SensorThingsException(StatusCodes.Status424FailedDependency, $"'{missing}' failed");
        if (part.Method is not ("GET" or "POST" or "PATCH" or "PUT" or "DELETE")) throw new SensorThingsException(405, $"{part.Place}: there is no method '{part.Method}' here");
        if (part.Method == "GET" || rights.MayWrite) return;
        throw context.User.Identity?.IsAuthenticated == true
            ? new SensorThingsException(403, "This is not allowed with the rights you have")
            : new SensorThingsException(401, "Authentication is needed");
    }

    Written? Made(string id) => made.GetValueOrDefault(id);

    EntityId? IdOf(string id) => made.TryGetValue(id, out var written) && written.Id.Text is not null ? written.Id : null;

    void Remember(BatchPart part, Written written)
    {
        if (part.Id is { } id && written.Set is not null) made[id] = written;
    }

    BatchAnswer AnswerOf(Written written, byte[]? entity) =>
        new(written.Status, written.Status == 201 ? root + written.Path : null, "application/json; charset=utf-8", entity ?? ReadOnlyMemory<byte>.Empty);

    /// <summary>Runs a handler with a request of its own, without the way over HTTP.</summary>
    async Task<BatchAnswer> AloneAsync(BatchPart part, string path, string query, Func<HttpContext, Task> handle)
    {
        using var output = new MemoryStream();
        var sub = new DefaultHttpContext { User = context.User, RequestServices = context.RequestServices, RequestAborted = context.RequestAborted };
        sub.Request.Method = part.Method;
        sub.Request.Path = $"/{municipality}/sta/v1.1/{path}";
        sub.Request.ContentType = part.ContentType;
        sub.Request.Body = new MemoryStream(part.Body.ToArray());
        sub.Request.QueryString = new QueryString(query);
        sub.Request.RouteValues["municipality"] = municipality;
        sub.Request.RouteValues["path"] = path;
        sub.Response.Body = output;
        await handle(sub);
        await sub.Response.CompleteAsync();
        return new BatchAnswer(sub.Response.StatusCode, sub.Response.Headers.Location, sub.Response.ContentType, output.ToArray());
    }

    BatchAnswer Told(BatchPart part, Exception fault)
    {
        var (status, message) = FaultJson.ToldInBatch(fault);
        if (status >= 500) LogFailed(part.Method, part.Place, fault);
        return BatchAnswer.Of(status, message);
    }

    [LoggerMessage(221, LogLevel.Error, "{Method} in a batch failed ({Place})")]
    partial void LogFailed(string method, string place, Exception fault);
}
