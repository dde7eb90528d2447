using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Allmende.Testing;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>Ingestion as a process of its own, which can be killed, between the same neighbours and engines as a service that stays.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    readonly (string Key, string Value)[] settings;
    readonly int httpPort = FreePort();
    Process? process;

    ServerProcess((string Key, string Value)[] settings) => this.settings = settings;

    public int MqttPort { get; } = FreePort();

    public static async Task<ServerProcess> StartAsync(Service beside, params (string Key, string Value)[] settings)
    {
        var server = new ServerProcess([.. Service.SettingsOf(beside.Engines, beside.Neighbours), .. settings]);
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Allmende.Ingestion.dll")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in settings) start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        start.Environment["Ingestion__Mqtt__Address"] = $"127.0.0.1:{MqttPort}";
        start.Environment["ASPNETCORE_URLS"] = $"http://127.0.0.1:{httpPort}";
        process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        _ = process.StandardError.ReadToEndAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{httpPort}") };
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return (await http.GetAsync(new Uri("health/ready", UriKind.Relative))).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the process to be ready", TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends it as a power cut would.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    public async Task KillAndStartAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    /// <summary>Ends it as an update does.</summary>
    public async Task StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{process!.Id}"])) await kill.WaitForExitAsync();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null) await KillAsync();
    }
}
