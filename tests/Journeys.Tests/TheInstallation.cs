using Allmende.Supervisor;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>The whole platform as processes, once for all journeys; each test has municipalities of its own.</summary>
[SetUpFixture]
public class TheInstallation
{
    /// <summary>A journey has no hours to send what a device sends in hours.</summary>
    static readonly Dictionary<string, string> Limits = new() { ["Ingestion__DeviceRate__PerSecond"] = "100", ["Ingestion__DeviceRate__Burst"] = "1000" };

    static Installation? running;
    static TemporaryDirectory? directory;

    public static Installation Running => running ?? throw new InvalidOperationException("It is not started.");

    public static Task<FreshMunicipality> OnboardAsync(string access = "open") => FreshMunicipality.OnboardAsync(Running, "t", access);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        directory = TemporaryDirectory.Create();
        running = await Installation.StartAsync(
            new InstallationOptions { Data = directory.Path, Port = 0, Simulator = false, DemoTowns = false, Environment = Limits }, new Progressed());
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (running is not null)
            await running.DisposeAsync();
        directory?.Dispose();
    }

    sealed class Progressed : IProgress<string>
    {
        public void Report(string value) => TestContext.Progress.WriteLine(value);
    }
}
