using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;
using Allmende.Platform.Security;
using Allmende.Streams.Codecs;
using Allmende.Streams.Suggestions;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Streams.Profiles;

/// <summary><c>/{municipality}/device-profiles</c>.</summary>
static class ProfileRoutes
{
    public static void MapProfiles(this IEndpointRouteBuilder routes)
    {
        var profiles = routes.MapGroup("/{municipality}/device-profiles").WithTags("Device profiles");
        profiles.MapGet("/", ListAsync).RequireMember().WithSummary("The device profiles that devices can have, with those that ship with the platform");
        profiles.MapGet("/{id}", GetAsync).RequireMember().WithSummary("A device profile").Produces<DeviceProfile>().ProducesProblem(404);
        profiles.MapPut("/{id}", PutAsync).RequireRole(StreamsModule.Editors).WithSummary("Keep a device profile").Produces(201).Produces(204).ProducesProblem(422);

        profiles.MapPost("/suggest", (string municipality, SuggestProfile.SuggestBody body, SuggestProfile suggest, CancellationToken cancellation) =>
                suggest.HandleAsync(municipality, body, cancellation))
            .RequireMember().WithSummary("Which profile a device may have, by its uplinks; the best first").Produces<List<SuggestProfile.Suggestion>>().ProducesProblem(413).ProducesProblem(422).ProducesProblem(503)
            .WithMetadata(new RequestSizeLimitAttribute(SuggestProfile.LargestBody));

        // Ingestion asks this when a device is registered, and answers for the municipality in its own path.
        routes.MapGet("/internal/{municipality}/device-profiles/{id}", async Task<IResult> (
            string municipality, string id, Municipalities municipalities, ProfileStore store, CancellationToken cancellation) =>
            await municipalities.FindAsync(municipality, cancellation) is not null && await store.FindAsync(municipality, id, cancellation) is { } profile
                ? TypedResults.Json(profile, ContractsJson.Default.DeviceProfile)
                : PlatformErrors.NotFound.Problem($"There is no device profile '{id}'.")).ExcludeFromDescription();
    }

    /// <summary>Body of <c>PUT</c>; see <see cref="DeviceProfile"/>. Everything may be absent, so that all faults are told at once.</summary>
    public sealed record ProfileBody(
        string? Name = null, string? Codec = null, IReadOnlyList<FieldBody>? Fields = null, string? Vendor = null, string? Model = null,
        string? Description = null, string? Dataset = null, string? DatasetName = null, int? ExpectedInterval = null,
        IReadOnlyList<TaskRules.TaskBody>? Tasks = null);

    /// <summary>A field of it; see <see cref="ProfileField"/>.</summary>
    public sealed record FieldBody(string? Field = null, string? Name = null, string? ObservedProperty = null, string? Unit = null, double[]? Range = null, string? NameEn = null);

    static Task<IReadOnlyList<DeviceProfile>> ListAsync(string municipality, ProfileStore store, CancellationToken cancellation) => store.ListAsync(municipality, cancellation);

    static async Task<IResult> GetAsync(string municipality, string id, ProfileStore store, CancellationToken cancellation) =>
        await store.FindAsync(municipality, id, cancellation) is { } profile
            ? TypedResults.Json(profile, ContractsJson.Default.DeviceProfile)
            : PlatformErrors.NotFound.Problem($"There is no device profile '{id}'.");

    static async Task<IResult> PutAsync(
        string municipality, string id, ProfileBody body, ProfileStore store, CodecStore codecs, IEventBus events, CancellationToken cancellation)
    {
        if (!Slug.Fits(id)) return StreamsErrors.IdInvalid.Problem(Slug.Rule, "id");
        var profile = ProfileRules.Complete(id, body);
        var faults = ProfileRules.Faults(profile).ToList();
        if (profile.Codec is { } codec && await codecs.FindAsync(municipality, codec, cancellation) is null) faults.Add(("codec", $"There is no codec '{codec}'. Put it first."));
        if (faults.Count > 0) return StreamsErrors.ProfileInvalid.Problem(faults);
        var created = await store.PutAsync(municipality, profile, cancellation);
        await events.PublishAsync(municipality, StreamsModule.Service, EventTypes.DeviceProfileChanged, id, new Removed(id), ContractsJson.Default.Removed, cancellation);
        return created ? TypedResults.Created($"/{municipality}/device-profiles/{id}") : TypedResults.NoContent();
    }
}
