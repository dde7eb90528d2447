using System.Collections.Concurrent;
using Microsoft.Playwright;
using NUnit.Framework;

namespace Allmende.Portal.Tests;

/// <summary>How somebody comes to the portal.</summary>
public sealed record Visitor
{
    public int Width { get; init; } = 1440;
    public int Height { get; init; } = 900;
    public string Locale { get; init; } = "de-DE";
    public ColorScheme ColorScheme { get; init; } = ColorScheme.Light;
    public bool Touch { get; init; }

    public static readonly Visitor AtADesk = new();
    public static readonly Visitor OnThePhone = new() { Width = 390, Height = 844, Touch = true };
}

/// <summary>Where something of one colour is, and of how many pixels.</summary>
public sealed record Spot
{
    public int Count { get; init; }
    public float X { get; init; }
    public float Y { get; init; }
}

/// <summary>
/// A visit in a fresh browser profile. It keeps account of what a portal must never do, and fails at its end if it did: ask another origin,
/// break its own content security policy, throw, or complain on the console.
/// </summary>
public sealed class Visit : IAsyncDisposable
{
    readonly IBrowserContext context;
    readonly ConcurrentQueue<string> wrongs = new();

    Visit(IBrowserContext context, IPage page)
    {
        this.context = context;
        Page = page;
    }

    public IPage Page { get; }

    /// <summary>What happened that must not happen.</summary>
    public IReadOnlyCollection<string> Wrongs => wrongs;

    /// <summary>Faults that the test itself causes, by a part of their text.</summary>
    public List<string> Expected { get; } = [];

    public static async Task<Visit> StartAsync(Visitor? visitor = null)
    {
        var who = visitor ?? Visitor.AtADesk;
        var context = await PlatformUnderTest.Browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = who.Width, Height = who.Height },
            Locale = who.Locale,
            TimezoneId = "Europe/Berlin",
            ColorScheme = who.ColorScheme,
            HasTouch = who.Touch,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(60_000);
        var visit = new Visit(context, await context.NewPageAsync());
        var origin = PlatformUnderTest.Gateway.GetLeftPart(UriPartial.Authority);
        visit.Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(origin + "/", StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("blob:" + origin, StringComparison.Ordinal))
                visit.wrongs.Enqueue("asked another origin: " + request.Url);
        };
        visit.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") visit.wrongs.Enqueue($"console {message.Type}: {message.Text}");
        };
        visit.Page.PageError += (_, fault) => visit.wrongs.Enqueue("threw: " + fault);
        return visit;
    }

    /// <summary>Opens the portal at a hash (<c>#view=list</c>) and waits until it shows its stations.</summary>
    public async Task OpenAsync(string hash = "")
    {
        await Page.GotoAsync(PlatformUnderTest.Town.Portal + hash);
        if (hash.Contains("view=datasets", StringComparison.Ordinal)) await Page.Locator(".card").First.WaitForAsync();
        else if (hash.Contains("view=list", StringComparison.Ordinal)) await Page.Locator(".list-view tbody tr").First.WaitForAsync();
        else if (hash.Contains("view=devices", StringComparison.Ordinal)) await Page.Locator(".devices").WaitForAsync();
        else if (hash.Contains("view=connect", StringComparison.Ordinal)) await Page.Locator(".connect").WaitForAsync();
        else await MapIsReadyAsync();
    }

    /// <summary>Waits for the map with its stations.</summary>
    public async Task MapIsReadyAsync()
    {
        await Page.Locator(".map-view[data-state=ready]").WaitForAsync();
        // Behind a sheet on the phone it is there, but hidden.
        await Page.Locator(".legend").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Attached });
    }

    /// <summary>How many pixels of the map have each of these colours, about. The map is one canvas: what it shows can only be seen.</summary>
    public async Task<IReadOnlyList<int>> PixelsAsync(params string[] colours) => [.. (await LookAsync(colours)).Select(seen => seen.Count)];

    /// <summary>The middle of what has one of these colours on the map, in the page's coordinates; null where nothing has.</summary>
    public async Task<Spot?> LocateAsync(params string[] colours) => (await LookAsync(colours)).FirstOrDefault(seen => seen.Count > 40);

    async Task<Spot[]> LookAsync(string[] colours)
    {
        var map = Page.Locator(".map canvas");
        // The legend lies over the map, and has its colours.
        await CoversAsync("hidden");
        var picture = Convert.ToBase64String(await map.ScreenshotAsync());
        await CoversAsync("");
        var box = (await map.BoundingBoxAsync())!;
        return await Page.EvaluateAsync<Spot[]>("""
            async ({ picture, colours, left, top }) => {
              const bytes = Uint8Array.from(atob(picture), c => c.charCodeAt(0));
              const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
              const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
              const drawing = canvas.getContext('2d');
              drawing.drawImage(bitmap, 0, 0);
              const { data } = drawing.getImageData(0, 0, bitmap.width, bitmap.height);
              return colours.map(colour => {
                const [r, g, b] = colour.startsWith('#') ? colour.match(/\w\w/g).map(c => parseInt(c, 16)) : colour.match(/\d+/g).map(Number);
                let count = 0, x = 0, y = 0;
                for (let i = 0; i < data.length; i += 4)
                  if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 12) {
                    count++;
                    x += (i / 4) % bitmap.width;
                    y += Math.floor(i / 4 / bitmap.width);
                  }
                return { count, x: left + x / (count || 1), y: top + y / (count || 1) };
              });
            }
            """, new { picture, colours, left = (double)box.X, top = (double)box.Y });
    }

    Task CoversAsync(string visibility) => Page.EvaluateAsync(
        "visibility => { for (const cover of document.querySelectorAll('.explore, .legend, .panel, .map-buttons, .pointed')) cover.style.visibility = visibility; }", visibility);

    /// <summary>A custom property of the theme.</summary>
    public Task<string> ThemeAsync(string property) =>
        Page.EvaluateAsync<string>("name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", property);

    /// <summary>Keeps a picture beside the test results, to be looked at.</summary>
    public async Task PictureAsync(string name) =>
        TestContext.AddTestAttachment((await SaveAsync(name)).FullName);

    async Task<FileInfo> SaveAsync(string name)
    {
        var file = new FileInfo(Path.Combine(TestContext.CurrentContext.WorkDirectory, "pictures", name + ".png"));
        await Page.ScreenshotAsync(new PageScreenshotOptions { Path = file.FullName });
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        await context.CloseAsync();
        var unexpected = wrongs.Where(wrong => !Expected.Any(part => wrong.Contains(part, StringComparison.Ordinal))).Distinct().ToList();
        Assert.That(unexpected, Is.Empty, "what the page did besides");
    }
}
