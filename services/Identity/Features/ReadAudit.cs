using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Identity.Features;

/// <summary><c>GET /{municipality}/identity/audit</c>: who did what to rights and secrets, newest first, paged by link.</summary>
static class ReadAudit
{
    const int DefaultLimit = 100;
    const int MostEntries = 1000;

    public static void Map(RouteGroupBuilder routes) => routes
        .MapGet("/", async Task<Results<Ok<AuditPage>, ProblemHttpResult>> (string municipality, AuditTrail audit, PlatformOptions platform, long? before, int? limit, CancellationToken cancel) =>
        {
            var most = limit ?? DefaultLimit;
            if (most is < 1 or > MostEntries) return PlatformErrors.MalformedRequest.Problem($"limit must be 1 to {MostEntries}", "limit");
            var entries = await audit.ReadAsync(municipality, before ?? long.MaxValue, most, cancel);
            var next = entries.Count == most ? $"{platform.PublicUrl}/{municipality}/identity/audit?limit={most}&before={entries[^1].Id}" : null;
            return TypedResults.Ok(new AuditPage(entries, next));
        })
        .RequireRole(Roles.Admin).WithName("ReadAudit").WithSummary("Who did what to rights and secrets, newest first.");
}

/// <summary>A page of the audit.</summary>
/// <param name="Entries">Newest first.</param>
/// <param name="Next">Address of the next, older page.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, string? Next);
