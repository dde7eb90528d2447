using System.Buffers;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Batch;
using Allmende.Observations.SensorThings.Writes;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Observations.SensorThings;

/// <summary>The SensorThings API (OGC 18-088) below <c>/{municipality}/sta/v1.1</c>.</summary>
static class SensorThingsRoutes
{
    const string Base = "/{municipality}/sta/v1.1";
    const int MostPosted = 10_000;

    public static void MapSensorThings(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup(Base).WithTags("SensorThings").AddEndpointFilter(TellFaultsAsync);
        group.MapGet("/", Root).WithName("SensorThingsRoot").WithSummary("Entity sets and conformance classes");
        group.MapGet("/{**path}", ReadRoute.ReadAsync).WithName("SensorThingsRead").WithSummary("Entities, properties and navigation with query options");
        group.MapPost("/Observations", PostAsync).RequireScopeOrRole(WriteRoutes.Scope, WriteRoutes.Writers)
            .WithName("CreateObservation").WithSummary("Creates one Observation; answered when it can be read");
        group.MapPost("/Datastreams({id})/Observations", PostOfDatastreamAsync).RequireScopeOrRole(WriteRoutes.Scope, WriteRoutes.Writers)
            .WithName("CreateObservationOfDatastream").WithSummary("Creates one Observation of a Datastream");
        group.MapPost("/MultiDatastreams({id})/Observations", PostOfMultiDatastreamAsync).RequireScopeOrRole(WriteRoutes.Scope, WriteRoutes.Writers)
            .WithName("CreateObservationOfMultiDatastream").WithSummary("Creates one Observation of a MultiDatastream");
        group.MapPost("/CreateObservations", PostDataArraysAsync).RequireScopeOrRole(WriteRoutes.Scope, WriteRoutes.Writers)
            .WithName("CreateObservations").WithSummary("Creates Observations from data arrays");
        group.MapBatch();
        group.MapWrites();
    }

    /// <summary>The address that links of the API begin with.</summary>
    public static string RootOf(PlatformOptions options, string municipality) => $"{options.PublicUrl.TrimEnd('/')}/{municipality}/sta/v1.1/";

    /// <summary>Only what is served is listed (OGC 18-088 section 9.2.1).</summary>
    static IResult Root(string municipality, PlatformOptions options, ObservationsOptions observations)
    {
        var root = RootOf(options, municipality);
        using var json = new JsonBuffer();
        json.Raw("{\"value\":["u8);
        foreach (var set in Model.Sets) json.Raw($$"""{"name":"{{set.Name}}","url":"{{root}}{{set.Name}}"},""");
        json.Back();
        json.Raw("],\"serverSettings\":{\"conformance\":["u8);
        var byMqtt = observations.MqttEndpoints.Count > 0 ? Conformance.MetByMqtt : [];
        foreach (var requirement in Conformance.Met.Concat(byMqtt))
        {
            json.Text(requirement);
            json.Raw(","u8);
        }
        json.Back();
        json.Raw("]"u8);
        foreach (var requirement in byMqtt)
        {
            json.Raw(","u8);
            json.Text(requirement);
            json.Raw(":{\"endpoints\":["u8);
            foreach (var endpoint in observations.MqttEndpoints)
            {
                json.Text(endpoint);
                json.Raw(","u8);
            }
            json.Back();
            json.Raw("]}"u8);
        }
        json.Raw("}}"u8);
        return TypedResults.Bytes(json.Slice(0, json.Length).ToArray(), "application/json");
    }

    /// <summary>What follows <c>/v1.1/</c>, unescaped.</summary>
    public static string PathOf(HttpContext context) =>
        ((string?)context.GetRouteValue("path") ?? "").TrimEnd('/').Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    static async Task<IResult> PostAsync(string municipality, HttpContext context, ObservationDoor door, EntityDoor entities, PlatformOptions options)
    {
        var (posted, body) = await ReadBodyAsync(context, ReadOne);
        if (posted.IsDeep) return await WriteRoutes.TakeAsync(municipality, context, new WriteRequest("POST", "Observations", "", context.Request.ContentType, body), entities, options);
        if (posted.Datastream is null) throw new SensorThingsException(400, "an Observation needs a Datastream or a MultiDatastream");
        return await TakeOneAsync(municipality, posted, context, door, options);
    }

    static Task<IResult> PostOfDatastreamAsync(string municipality, string id, HttpContext context, ObservationDoor door, EntityDoor entities, PlatformOptions options) =>
        PostOfAsync(municipality, id, false, context, door, entities, options);

    static Task<IResult> PostOfMultiDatastreamAsync(string municipality, string id, HttpContext context, ObservationDoor door, EntityDoor entities, PlatformOptions options) =>
        PostOfAsync(municipality, id, true, context, door, entities, options);

    static async Task<IResult> PostOfAsync(string municipality, string id, bool isMulti, HttpContext context, ObservationDoor door, EntityDoor entities, PlatformOptions options)
    {
        var (posted, body) = await ReadBodyAsync(context, ReadOne);
        if (posted.IsDeep)
            return await WriteRoutes.TakeAsync(municipality, context, new WriteRequest("POST", $"{(isMulti ? "MultiDatastreams" : "Datastreams")}({id})/Observations", "", context.Request.ContentType, body), entities, options);
        var datastream = id.Length > 1 && id[0] == '\'' && id[^1] == '\'' ? id[1..^1].Replace("''", "'", StringComparison.Ordinal) : id;
        if (posted.Datastream is not null && posted.Datastream != datastream) throw new SensorThingsException(400, "the Observation names another Datastream than its address");
        return await TakeOneAsync(municipality, posted with { Datastream = datastream, IsMulti = isMulti }, context, door, options);
    }

    /// <summary>The Observation, and the body once more where entities have to be made for it first.</summary>
    static (PostedObservation Posted, byte[] Body) ReadOne(ReadOnlySequence<byte> body)
    {
        var posted = ObservationReader.ReadOne(body);
        return (posted, posted.IsDeep ? body.ToArray() : []);
    }

    static async Task<IResult> TakeOneAsync(string municipality, PostedObservation posted, HttpContext context, ObservationDoor door, PlatformOptions options)
    {
        var quality = new Quality[1];
        var id = (await door.TakeAsync(municipality, WriteRoutes.RightsOf(context, municipality).Access, [posted], context.RequestAborted, quality))[0]
            ?? throw new SensorThingsException(404, $"there is no {(posted.IsMulti ? "MultiDatastream" : "Datastream")} '{posted.Datastream}'");
        var link = $"{RootOf(options, municipality)}Observations('{id}')";
        context.Response.Headers.Location = link;
        return new Created(TypedResults.Bytes(ObservationAnswer.Of(id, link, posted.IsMulti, posted.Observation with { Quality = quality[0] }), "application/json; charset=utf-8"));
    }

    /// <summary>OGC 18-088 section 12.2: the answer lists the link of each Observation, or "error".</summary>
    public static async Task<IResult> PostDataArraysAsync(string municipality, HttpContext context, ObservationDoor door, PlatformOptions options)
    {
        var posted = await ReadBodyAsync(context, body => ObservationReader.ReadDataArrays(body, MostPosted));
        var ids = await door.TakeAsync(municipality, WriteRoutes.RightsOf(context, municipality).Access, posted, context.RequestAborted, eachForItself: true);
        using var json = new JsonBuffer();
        var root = RootOf(options, municipality);
        json.Raw("["u8);
        foreach (var id in ids)
        {
            if (id is null) json.Raw("\"error\","u8);
            else
            {
                json.Raw("\""u8);
                json.Raw(root);
                json.Raw("Observations('"u8);
                json.Raw(id);
                json.Raw("')\","u8);
            }
        }
        if (ids.Length > 0) json.Back();
        json.Raw("]"u8);
        return TypedResults.Bytes(json.Slice(0, json.Length).ToArray(), "application/json") is var answer && ids.Length > 0
            ? new Created(answer)
            : throw new SensorThingsException(400, "there is no observation in the body");
    }

    /// <summary>201 with the given body.</summary>
    sealed class Created(IResult body) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = 201;
            return body.ExecuteAsync(httpContext);
        }
    }

    static async Task<T> ReadBodyAsync<T>(HttpContext context, Func<ReadOnlySequence<byte>, T> read)
    {
        var pipe = context.Request.BodyReader;
        while (true)
        {
            var result = await pipe.ReadAsync(context.RequestAborted);
            if (!result.IsCompleted)
            {
                pipe.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }
            try
            {
                return read(result.Buffer);
            }
            finally
            {
                pipe.AdvanceTo(result.Buffer.End);
            }
        }
    }

    /// <summary>Faults in the standard's format: <c>{"code":400,"type":"error","message":"…"}</c>.</summary>
    public static async ValueTask<object?> TellFaultsAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        try
        {
            return await next(invocation);
        }
        catch (Exception fault) when (FaultJson.Told(fault, invocation.HttpContext.RequestAborted.IsCancellationRequested) is not null)
        {
            if (invocation.HttpContext.Response.HasStarted) throw;
            var (status, message) = FaultJson.Told(fault, isGone: false)!.Value;
            return TypedResults.Text(System.Text.Encoding.UTF8.GetString(FaultJson.Of(status, message)), "application/json", statusCode: status);
        }
    }
}
