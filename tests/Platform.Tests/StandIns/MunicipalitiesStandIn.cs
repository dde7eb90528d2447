using Allmende.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Platform.Tests.StandIns;

/// <summary>Stands in for Identity: its list of municipalities, for those who show the internal key.</summary>
sealed class MunicipalitiesStandIn : IAsyncDisposable
{
    WebApplication? app;

    public List<Municipality> Municipalities { get; } = [];

    public string Address => app!.Urls.First();

    public static async Task<MunicipalitiesStandIn> StartAsync(params string[] municipalities)
    {
        var identity = new MunicipalitiesStandIn();
        identity.Municipalities.AddRange(municipalities.Select(Of));
        identity.app = await Loopback.StartAsync(app => app.MapGet("/internal/municipalities", (HttpContext context) =>
            context.Request.Headers["X-Internal-Key"] == ServiceUnderTest.InternalKey
                ? Results.Json(identity.Municipalities.ToArray(), ContractsJson.Default.MunicipalityArray)
                : Results.NotFound()));
        return identity;
    }

    public static Municipality Of(string id) => new(id, id, "059990001001", 101_000, [8.38, 51.9], [8.3, 51.8, 8.5, 52]);

    public ValueTask DisposeAsync() => app!.DisposeAsync();
}
