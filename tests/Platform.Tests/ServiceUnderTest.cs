using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Tests;

/// <summary>A small service on the platform, over real HTTP on a port of its own.</summary>
sealed class ServiceUnderTest : IAsyncDisposable
{
    public const string InternalKey = "a-key-for-tests-only";

    readonly WebApplication app;

    ServiceUnderTest(WebApplication app, LinesOfLog lines)
    {
        this.app = app;
        Log = lines;
        Address = new Uri(app.Urls.First());
        Client = new HttpClient { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => app.Services;

    /// <summary>Every line that it logged, with its exceptions.</summary>
    public LinesOfLog Log { get; }

    public static async Task<ServiceUnderTest> StartAsync(
        PlatformNeeds needs,
        IReadOnlyDictionary<string, string?>? configuration = null,
        Action<IServiceCollection>? services = null,
        Action<WebApplication>? routes = null,
        string name = "streams")
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Platform:InternalKey"] = InternalKey,
            ["Platform:Identity:Issuer"] = "http://127.0.0.1:1/realms/allmende",
            ["Platform:Services:identity"] = "http://127.0.0.1:1",
        });
        builder.Configuration.AddInMemoryCollection(configuration ?? new Dictionary<string, string?>());
        builder.AddPlatform(name, needs);
        var lines = new LinesOfLog();
        builder.Logging.ClearProviders().AddProvider(lines).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapPlatform();
        routes?.Invoke(app);
        await app.StartAsync();
        return new ServiceUnderTest(app, lines);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }
}

/// <summary>Remembers what was logged.</summary>
sealed class LinesOfLog : ILoggerProvider, ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

    public void Dispose()
    {
        // Nothing to let go of.
    }
}
