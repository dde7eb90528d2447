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
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Text("""{"status":"live"}""", "application/json")).ExcludeFromDescription();
        routes.MapGet("/health/ready", async Task<IResult> (IServiceProvider services, CancellationToken cancellation) =>
        {
            var missing = (await Task.WhenAll(Checks(services, cancellation).Select(check => FailsAsync(check.Name, check.Ask, cancellation)))).OfType<string>().ToList();
            return missing.Count == 0
                ? TypedResults.Text("""{"status":"ready"}""", "application/json")
                : PlatformErrors.Unavailable.Problem("not ready: " + string.Join(", ", missing));
        }).ExcludeFromDescription();
    }

    /// <summary>What this service needs, by the name that an operator knows it by.</summary>
    static IEnumerable<(string Name, Func<Task> Ask)> Checks(IServiceProvider services, CancellationToken cancellation)
    {
        var municipalities = services.GetService<Municipalities>();
        if (municipalities is not null) yield return ("municipalities", () => municipalities.Loaded ? Task.CompletedTask : Task.FromException(new TimeoutException()));
        if (services.GetService<ILog>() is { } log) yield return ($"log ({services.GetRequiredService<LogOptions>().Kind})", () => log.PingAsync(cancellation));
        if (services.GetService<MunicipalDatabases>() is { } databases && municipalities?.All.FirstOrDefault() is { } first)
            yield return ("database", () => AskAsync(databases, first.Id, cancellation));
    }

    static async Task<string?> FailsAsync(string name, Func<Task> ask, CancellationToken cancellation)
    {
        try
        {
            await ask().WaitAsync(Limit, cancellation);
            return null;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return name;
        }
    }

    static async Task AskAsync(MunicipalDatabases databases, string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(cancellation);
    }
}
