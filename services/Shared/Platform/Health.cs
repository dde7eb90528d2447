using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Allmende.Platform;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: what it needs answers too.</summary>
static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("""{"status":"live"}""", "application/json")).ExcludeFromDescription();
        routes.MapGet("/health/ready", async Task<IResult> (IServiceProvider services, CancellationToken cancellation) =>
        {
            var missing = new List<string>();
            if (services.GetService<Municipalities>() is { Loaded: false }) missing.Add("municipalities");
            if (services.GetService<ILog>() is { } log) await TryAsync("log", () => log.PingAsync(cancellation));
            if (services.GetService<MunicipalDatabases>() is { } databases && services.GetService<Municipalities>()?.All.FirstOrDefault() is { } first)
                await TryAsync("database", () => AskAsync(databases, first.Id, cancellation));
            return missing.Count == 0
                ? TypedResults.Text("""{"status":"ready"}""", "application/json")
                : PlatformErrors.Unavailable.Problem("not ready: " + string.Join(", ", missing));

            async Task TryAsync(string name, Func<Task> check)
            {
                try { await check().WaitAsync(TimeSpan.FromSeconds(3), cancellation); }
                catch (Exception fault) when (fault is not OperationCanceledException) { missing.Add(name); }
            }
        }).ExcludeFromDescription();
    }

    static async Task AskAsync(MunicipalDatabases databases, string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(cancellation);
    }
}
