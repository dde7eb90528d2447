using System.Net.Http.Json;
using Allmende.Contracts;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;

namespace Allmende.Dashboards.Tests;

/// <summary>The service, with two municipalities that Identity would tell it of.</summary>
sealed class DashboardsHost(params (string Key, string Value)[] settings) : WebApplicationFactory<Program>
{
    public static readonly Municipality Musterstadt =
        new("musterstadt", "Musterstadt", "059990001001", 101_000, [8.38, 51.9], [8.33, 51.87, 8.43, 51.93], Colors: new Dictionary<string, string> { ["primary"] = "#ffd400" });

    public static readonly Municipality Kleindorf = new("kleindorf", "Kleindorf & <Umland>", "059990001002", 900, [8.5, 52.0], []);

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Platform:InternalKey", "a key that only tests know");
        builder.UseSetting("Platform:Identity:Issuer", "http://localhost/realms/allmende");
        builder.UseSetting("Platform:Services:identity", "http://identity.invalid");
        foreach (var (key, value) in settings) builder.UseSetting(key, value);
        builder.ConfigureTestServices(services => services.Configure<HttpClientFactoryOptions>("identity", client =>
            client.HttpMessageHandlerBuilderActions.Add(handler => handler.PrimaryHandler = new IdentityStandIn())));
    }

    /// <summary>A client that shows what was answered, redirects included, and keeps no cookies of its own.</summary>
    public HttpClient Browser(string language = "de")
    {
        var client = CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, HandleCookies = false });
        client.DefaultRequestHeaders.Add("Accept", "text/html,application/xhtml+xml");
        client.DefaultRequestHeaders.Add("Accept-Language", language);
        return client;
    }

    sealed class IdentityStandIn : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage
            {
                Content = JsonContent.Create([Musterstadt, Kleindorf], ContractsJson.Default.MunicipalityArray),
            });
    }
}
