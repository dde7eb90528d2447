using System.Globalization;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor.Engines;

/// <summary>The OpenID Connect provider of one machine (services/Identity/provider).</summary>
static class OpenIdProvider
{
    static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public static ProcessSpec Spec(InstallationOptions options, Wiring wiring)
    {
        var directory = Path.Combine(options.Repository, "services/Identity/provider");
        if (!Directory.Exists(Path.Combine(directory, "node_modules")))
            throw new InstallationException($"The OpenID provider's packages are missing: npm ci --omit=dev --prefix {directory}");
        // As "npm start" would, without npm in between.
        var start = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "package.json")))!["scripts"]!["start"]!.GetValue<string>().Split(' ');
        return new ProcessSpec
        {
            Name = "provider",
            File = start[0],
            Arguments = start[1..],
            WorkingDirectory = directory,
            Environment = new Dictionary<string, string>
            {
                ["HOST"] = "127.0.0.1",
                ["PORT"] = wiring.Ports.Provider.ToString(CultureInfo.InvariantCulture),
                ["ISSUER"] = wiring.Issuer,
                ["DATA"] = Path.Combine(Path.GetFullPath(options.Data), "identity"),
                ["ADMIN_CLIENT_ID"] = wiring.Secrets.ProviderAdmin.ClientId,
                ["ADMIN_CLIENT_SECRET"] = wiring.Secrets.ProviderAdmin.ClientSecret,
                ["OPERATOR_CLIENT_ID"] = wiring.Secrets.Operator.ClientId,
                ["OPERATOR_CLIENT_SECRET"] = wiring.Secrets.Operator.ClientSecret,
                ["NODE_ENV"] = "production",
            },
            IsReady = async cancellation =>
            {
                using var answer = await Http.GetAsync(new Uri($"{wiring.Provider}/health/ready"), cancellation);
                return answer.IsSuccessStatusCode;
            },
        };
    }
}
