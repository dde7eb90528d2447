using System.Globalization;
using Allmende.Supervisor.Engines;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary>The platform's own processes and the environment each is started with (docs/architecture.md).</summary>
static class Services
{
    /// <summary>In the order of their ports.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["gateway", "identity", "ingestion", "streams", "observations", "catalog", "opendata", "dashboards"];

    static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>How a service is started.</summary>
    public static ProcessSpec Spec(string name, InstallationOptions options, Wiring wiring)
    {
        var project = Project(name, options);
        var url = wiring.Url(name);
        return new ProcessSpec
        {
            Name = name,
            File = "dotnet",
            Arguments = [Program(project, options)],
            WorkingDirectory = Path.GetDirectoryName(project),
            Environment = Environment(name, options, wiring),
            IsReady = async cancellation =>
            {
                using var answer = await Http.GetAsync(new Uri(url + "/health/ready"), cancellation);
                return answer.IsSuccessStatusCode;
            },
        };
    }

    /// <summary>The built program of a project.</summary>
    /// <exception cref="InstallationException">It is not built.</exception>
    public static string Program(string project, InstallationOptions options)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var program = Path.Combine(Path.GetDirectoryName(project)!, "bin", options.Configuration, "net10.0", $"Allmende.{name}.dll");
        return File.Exists(program)
            ? program
            : throw new InstallationException($"{name} is not built ({program}): dotnet build Platform.sln -c {options.Configuration}");
    }

    static string Project(string name, InstallationOptions options)
    {
        var folder = name == "gateway" ? "gateway" : $"services/{Folder(name)}";
        return Path.Combine(options.Repository, folder, $"{Folder(name)}.csproj");
    }

    static string Folder(string name) => name == "opendata" ? "OpenData" : char.ToUpperInvariant(name[0]) + name[1..];

    static Dictionary<string, string> Environment(string name, InstallationOptions options, Wiring wiring)
    {
        var environment = new Dictionary<string, string>(options.Environment)
        {
            ["ASPNETCORE_URLS"] = wiring.Url(name),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Platform__PublicUrl"] = wiring.PublicUrl,
            ["Platform__Redis"] = wiring.Redis,
            ["Platform__Log__Kind"] = options.Kafka is null ? "redis" : "kafka",
            ["Platform__Log__Kafka"] = options.Kafka ?? "",
            ["Platform__Identity__Issuer"] = wiring.Issuer,
            ["Platform__InternalKey"] = wiring.Secrets.InternalKey,
        };
        // Every partition is another batch, another commit: more than one brings nothing until there are cores that would otherwise rest.
        if (options.Kafka is null) environment.TryAdd("Platform__Log__Partitions", Math.Clamp(System.Environment.ProcessorCount / 2, 1, 8).ToString(CultureInfo.InvariantCulture));
        foreach (var other in Names)
            environment[$"Platform__Services__{other}"] = wiring.Url(other);
        if (Databases.Services.Contains(name))
            environment["Platform__Postgres"] = wiring.Postgres.ConnectionString(Databases.Role(name), wiring.Secrets.Roles[name]);
        if (wiring.Provider is not null)
        {
            environment["Platform__Services__provider"] = wiring.Provider;
            // Tokens are checked without a detour through the gateway, so services are ready whether it is or not.
            environment["Platform__Identity__Authority"] = wiring.Provider + new Uri(wiring.Issuer).AbsolutePath;
        }
        if (name == "dashboards" && options.DemoTowns)
            foreach (var (municipality, _) in Onboarding.Municipality.Demo)
                environment[$"Dashboards__Municipalities__{municipality.Id}__Basemap"] = Basemap.PathOf(municipality, options);
        if (name == "observations") environment["Observations__MqttEndpoints__0"] = $"mqtt://localhost:{wiring.Ports.Mqtt}";
        if (name == "ingestion")
        {
            environment["Ingestion__Mqtt__Address"] = $"127.0.0.1:{wiring.Ports.Mqtt}";
            // The demo towns begin with a day of history, as fast as it is taken; it should not take minutes.
            if (options is { Simulator: true, DemoTowns: true })
                foreach (var (municipality, _) in Onboarding.Municipality.Demo)
                    foreach (var (limit, perSecond, burst) in new[] { ("MunicipalityRates", "10000", "30000"), ("DeviceRates", "100", "500") })
                    {
                        environment.TryAdd($"Ingestion__{limit}__{municipality.Id}__PerSecond", perSecond);
                        environment.TryAdd($"Ingestion__{limit}__{municipality.Id}__Burst", burst);
                    }
        }
        if (name == "identity" && wiring.Provider is not null)
        {
            environment["Identity__Provider__Url"] = wiring.Provider;
            environment["Identity__Provider__AdminClientId"] = wiring.Secrets.ProviderAdmin.ClientId;
            environment["Identity__Provider__AdminClientSecret"] = wiring.Secrets.ProviderAdmin.ClientSecret;
        }
        return environment;
    }
}
