using Allmende.Supervisor;
using Allmende.Testing;
using Microsoft.Playwright;
using NUnit.Framework;

namespace Allmende.Portal.Tests;

/// <summary>
/// The platform with its demo towns and the simulator that feeds them: the one at <c>ALLMENDE_TEST_BASE</c> (the gateway's address) if it is set,
/// else one of our own. And a browser.
/// </summary>
[SetUpFixture]
public sealed class PlatformUnderTest
{
    /// <summary>Graphics in software: the map needs WebGL where there is no graphics card.</summary>
    static readonly string[] Arguments = ["--no-sandbox", "--disable-background-networking", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

    static TemporaryDirectory? directory;
    static Installation? installation;
    static IPlaywright? playwright;
    static IBrowser? browser;

    /// <summary>The gateway.</summary>
    public static Uri Gateway { get; private set; } = null!;

    /// <summary>The installation, if it is one of our own.</summary>
    public static Installation? Installation => installation;

    /// <summary>The browser.</summary>
    public static IBrowser Browser => browser!;

    /// <summary>The town that is looked at.</summary>
    public static Town Town { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (Environment.GetEnvironmentVariable("ALLMENDE_TEST_BASE") is { Length: > 0 } running)
            Gateway = new Uri(running);
        else
        {
            directory = TemporaryDirectory.Create();
            installation = await Installation.StartAsync(new InstallationOptions { Data = directory.Path, Port = 0 });
            Gateway = installation.Gateway;
        }
        Town = await Town.WhenFedAsync(Gateway, "musterstadt");
        playwright = await Playwright.CreateAsync();
        // Software graphics beside a whole platform on few cores: what is slow there is no fault.
        Assertions.SetDefaultExpectTimeout(30_000);
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = "/usr/bin/chromium", Args = Arguments });
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
        if (installation is not null) await installation.DisposeAsync();
        directory?.Dispose();
    }
}
