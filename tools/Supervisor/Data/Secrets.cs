using System.Security.Cryptography;
using Allmende.Supervisor.Engines;

namespace Allmende.Supervisor.Data;

/// <summary>What one installation keeps to itself, made at its first start: <c>{data}/secrets.json</c>.</summary>
sealed record Secrets
{
    public const string FileName = "secrets.json";

    /// <summary>What services show each other at <c>/internal</c>.</summary>
    public required string InternalKey { get; init; }

    /// <summary>PostgreSQL's superuser.</summary>
    public required string Postgres { get; init; }

    /// <summary>The password of each service's database role.</summary>
    public required IReadOnlyDictionary<string, string> Roles { get; init; }

    /// <summary>Identity's client at the OpenID provider.</summary>
    public required ClientCredentials ProviderAdmin { get; init; }

    /// <summary>The operator's client.</summary>
    public required ClientCredentials Operator { get; init; }

    /// <summary>Reads them; the first time, makes them.</summary>
    public static Secrets Of(string data)
    {
        var path = Path.Combine(data, FileName);
        if (PrivateFile.Read<Secrets>(path) is { } known)
            return known;
        var made = new Secrets
        {
            InternalKey = Random(),
            Postgres = Random(),
            Roles = Databases.Services.ToDictionary(service => service, _ => Random()),
            ProviderAdmin = new ClientCredentials("allmende-identity", Random()),
            Operator = new ClientCredentials("operator", Random()),
        };
        PrivateFile.Write(path, made);
        return made;
    }

    static string Random() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
}
