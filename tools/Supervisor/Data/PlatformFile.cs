using System.Text.Json.Nodes;

namespace Allmende.Supervisor.Data;

/// <summary>What clients on this machine need to use the installation: <c>{data}/platform.json</c> (design, section 7).</summary>
public sealed record PlatformFile
{
    public const string FileName = "platform.json";

    public required string Gateway { get; init; }

    public required string Mqtt { get; init; }

    public required string TokenEndpoint { get; init; }

    public required ClientCredentials Operator { get; init; }

    /// <summary>By municipality: each role's client, <c>deviceKey</c> and <c>connectKey</c>, as onboarding answered them.</summary>
    public required JsonObject Municipalities { get; init; }

    public static PlatformFile? Of(string data) => PrivateFile.Read<PlatformFile>(System.IO.Path.Combine(data, FileName));

    internal void Write(string data) => PrivateFile.Write(System.IO.Path.Combine(data, FileName), this);
}
