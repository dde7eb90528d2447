using Microsoft.Extensions.Configuration;

namespace Allmende.Chart.Tests;

/// <summary>Environment variables against the classes that the services bind them to.</summary>
static class Options
{
    /// <summary>Section and class, as the services' modules bind them.</summary>
    static readonly (string Section, Type Class)[] Bound =
    [
        ("Platform", Find("Allmende.Platform.PlatformOptions, Allmende.Platform")),
        ("Gateway", Find("Allmende.Gateway.GatewayOptions, Allmende.Gateway")),
        ("Identity:Provider", Find("Allmende.Identity.ProviderOptions, Allmende.Identity")),
        ("Ingestion", Find("Allmende.Ingestion.IngestionOptions, Allmende.Ingestion")),
        ("Observations", Find("Allmende.Observations.ObservationsOptions, Allmende.Observations")),
        ("Codecs", Find("Allmende.Streams.Codecs.CodecOptions, Allmende.Streams")),
        ("Catalog", Find("Allmende.Catalog.CatalogOptions, Allmende.Catalog")),
        ("OpenData", Find("Allmende.OpenData.OpenDataOptions, Allmende.OpenData")),
    ];

    /// <summary>Read by ASP.NET Core itself.</summary>
    static readonly string[] OfFramework = ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT"];

    /// <summary>What is wrong with the variables of a process; nothing if all of them are options, with values that fit.</summary>
    public static IEnumerable<string> Faults(IReadOnlyDictionary<string, string> environment)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(environment.Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value))).Build();
        foreach (var (section, type) in Bound)
        {
            if (!configuration.GetSection(section).Exists()) continue;
            string? fault = null;
            try { configuration.GetSection(section).Get(type, binder => binder.ErrorOnUnknownConfiguration = true); }
            catch (InvalidOperationException unknown) { fault = unknown.Message; }
            if (fault is not null) yield return $"{section}: {fault}";
        }
        foreach (var name in environment.Keys)
        {
            var key = name.Replace("__", ":", StringComparison.Ordinal);
            if (!OfFramework.Contains(name) && !IsReadByTelemetry(name) && !Bound.Any(bound => key.StartsWith(bound.Section + ":", StringComparison.OrdinalIgnoreCase)))
                yield return $"{name} is read by nothing";
        }
    }

    /// <summary>Names without a class: the ones that the platform's telemetry asks the configuration for.</summary>
    static bool IsReadByTelemetry(string name) => name.StartsWith("OTEL_", StringComparison.Ordinal)
        && File.ReadAllText(Path.Combine(Testing.Repository.Root, "services", "Shared", "Platform", "Telemetry", "PlatformTelemetry.cs")).Contains($"\"{name}\"", StringComparison.Ordinal);

    static Type Find(string name) => Type.GetType(name) ?? throw new TypeLoadException($"{name}: the chart's options are bound to it");
}
