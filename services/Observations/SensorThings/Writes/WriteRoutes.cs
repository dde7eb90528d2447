using Allmende.Contracts;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>Creates, changes and deletes entities over HTTP (OGC 18-088 section 10).</summary>
static class WriteRoutes
{
    public const string Scope = "observations:write";

    public static readonly string[] Writers = [Roles.Admin, Roles.DataOwner, Roles.DataSteward, Roles.Developer];

    public static void MapWrites(this RouteGroupBuilder group)
    {
        group.MapPost("/{**path}", WriteAsync).RequireScopeOrRole(Scope, Writers)
            .WithName("SensorThingsCreate").WithSummary("Creates an entity with all that stands in it, or links entities ($ref)")
            .WithDescription("""
                A Task (OGC 17-079r1) is sent to its device: `POST …/TaskingCapabilities('ventil-7.valve')/Tasks` with `{"taskingParameters":{"open":true}}`, for the roles admin and
                developer. With `dryRun=true` the answer shows what would be sent, and nothing is. `status` of the Task says what has become of it.
                """);
        group.MapPatch("/{**path}", WriteAsync).RequireScopeOrRole(Scope, Writers)
            .WithName("SensorThingsUpdate").WithSummary("Changes an entity: its members, a JSON Merge Patch or a JSON Patch");
        group.MapPut("/{**path}", WriteAsync).RequireScopeOrRole(Scope, Writers)
            .WithName("SensorThingsReplace").WithSummary("Replaces an entity, or a link ($ref)");
        group.MapDelete("/{**path}", WriteAsync).RequireScopeOrRole(Scope, Writers)
            .WithName("SensorThingsDelete").WithSummary("Deletes an entity with all that cannot be without it, or a link ($ref)");
    }

    /// <summary>
    /// What the caller may write. A key of the municipality that may write sees for that what its staff sees: it was made to write the municipality's own data,
    /// which is seldom open from the beginning.
    /// </summary>
    public static WriteRights RightsOf(HttpContext context, string municipality)
    {
        var access = context.SensorThingsAccess();
        var hasScope = context.User.HasClaim(Roles.MunicipalityClaim, municipality) && context.User.HasClaim(Roles.ScopeClaim, Scope);
        return new WriteRights(hasScope ? [.. access.Union([Access.Open, Access.Internal])] : access,
            hasScope || Roles.Of(context.User, municipality).Overlaps(Writers), access.Contains(Access.Restricted), context.User.Name());
    }

    static async Task<IResult> WriteAsync(string municipality, HttpContext context, EntityDoor door, DryRun dryRun, PlatformOptions options)
    {
        var body = await ReadBodyAsync(context);
        var path = SensorThingsRoutes.PathOf(context);
        var request = new WriteRequest(context.Request.Method, path, context.Request.QueryString.Value ?? "", context.Request.ContentType, body);
        return DryRun.IsAsked(request)
            ? await dryRun.ShowAsync(municipality, context, RightsOf(context, municipality), request)
            : await TakeAsync(municipality, context, request, door, options);
    }

    /// <summary>Does it, and answers as the standard has it: 201 with <c>Location</c>, 200, or 204, with the entity where there is one.</summary>
    public static async Task<IResult> TakeAsync(string municipality, HttpContext context, WriteRequest request, EntityDoor door, PlatformOptions options)
    {
        var root = SensorThingsRoutes.RootOf(options, municipality);
        var (written, entity) = await door.DoAsync(municipality, RightsOf(context, municipality), request, root, null, context.RequestAborted);
        if (written.Status == 201) context.Response.Headers.Location = root + written.Path;
        return entity is null ? TypedResults.StatusCode(written.Status) : new WithStatus(written.Status, entity);
    }

    sealed class WithStatus(int status, byte[] json) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            return TypedResults.Bytes(json, "application/json; charset=utf-8").ExecuteAsync(httpContext);
        }
    }

    public static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context)
    {
        using var buffer = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 1024, 1024 * 1024));
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }
}
