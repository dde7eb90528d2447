using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Serialization;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Sources;

/// <summary>A broker that uplinks are taken from; the body of <c>PUT /{m}/mqtt-sources/{id}</c>.</summary>
/// <param name="Name">For people.</param>
/// <param name="Address"><c>mqtt://host:port</c>, or <c>mqtts://host:port</c> over TLS; ports 1883 and 8883 may be left out.</param>
/// <param name="UserName">What we show to the broker.</param>
/// <param name="Password">The same; never answered back. Left out, the one that is kept stays; empty, there is none any more.</param>
/// <param name="Topics">Topic filters.</param>
/// <param name="Kind">What the messages are: <c>tts</c>, <c>chirpstack</c>, <c>actility</c>, <c>mioty</c>, <c>json</c> or <c>mapped</c>.</param>
/// <param name="Mapping">For <c>mapped</c>: the mapping's id.</param>
/// <param name="CertificateAuthority">PEM of the authority that the broker's certificate must be of, where it is none that everybody knows.</param>
/// <param name="Enabled">False: it is not connected, and the broker keeps what comes as long as it will.</param>
public sealed record MqttSource(
    string? Name, string? Address, [property: JsonPropertyName("username")] string? UserName, string? Password, IReadOnlyList<string?>? Topics, string? Kind, string? Mapping = null,
    string? CertificateAuthority = null, bool Enabled = true)
{
    const int LongestText = 256, LongestPem = 32 * 1024, MostTopics = 50, LongestTopic = 1024;
    internal static readonly IReadOnlyList<string> Kinds = ["tts", "chirpstack", "actility", "mioty", "json", "mapped"];

    /// <summary>What is wrong with it; whether the mapping exists is not asked here.</summary>
    internal IEnumerable<(string Field, string Fault)> Faults(bool allowPrivateAddresses)
    {
        if (string.IsNullOrWhiteSpace(Name) || !IsText(Name, LongestText)) yield return ("name", $"must be a text of 1 to {LongestText} characters");
        if (FaultOfAddress(allowPrivateAddresses) is { } address) yield return ("address", address);
        if (UserName is not null && !IsText(UserName, LongestText)) yield return ("username", $"must be a text of at most {LongestText} characters");
        if (Password is not null && !IsText(Password, 4096)) yield return ("password", "must be a text of at most 4096 characters");
        if (!string.IsNullOrEmpty(Password) && string.IsNullOrEmpty(UserName)) yield return ("username", "is needed with a password");
        if (Kind is null || !Kinds.Contains(Kind)) yield return ("kind", $"must be one of {string.Join(", ", Kinds)}");
        if (Kind == "mapped" && string.IsNullOrEmpty(Mapping)) yield return ("mapping", "is missing; it says what the messages mean");
        if (Kind != "mapped" && Mapping is not null) yield return ("mapping", "is for kind mapped alone");
        if (FaultOfAuthority() is { } authority) yield return ("certificateAuthority", authority);
        if (Topics is not { Count: > 0 and <= MostTopics }) yield return ("topics", $"must have 1 to {MostTopics} topic filters");
        else
            for (var i = 0; i < Topics.Count; i++)
                if (FaultOfTopic(Topics[i]) is { } fault) yield return ($"topics[{i}]", fault);
    }

    /// <summary>Where it is; only of a source without faults.</summary>
    internal (string Host, int Port, bool IsSecure) Target()
    {
        var address = new Uri(Address!);
        var isSecure = address.Scheme == "mqtts";
        return (address.IdnHost.Trim('[', ']'), address.Port > 0 ? address.Port : isSecure ? 8883 : 1883, isSecure);
    }

    string? FaultOfAddress(bool allowPrivateAddresses)
    {
        if (Address is null) return "is missing";
        if (Address.Length > 300 || !Uri.TryCreate(Address, UriKind.Absolute, out var address) || address.Scheme is not ("mqtt" or "mqtts") || address.IdnHost.Length == 0
            || address.AbsolutePath.Trim('/').Length > 0 || address.Query.Length > 0 || address.UserInfo.Length > 0 || address.Port == 0)
            return "must be mqtt://host:port or mqtts://host:port, without anything else";
        return !allowPrivateAddresses && IPAddress.TryParse(address.IdnHost.Trim('[', ']'), out var ip) && PrivateAddresses.Contains(ip)
            ? "is a private address; the operator may allow those" : null;
    }

    string? FaultOfAuthority()
    {
        if (CertificateAuthority is null) return null;
        if (CertificateAuthority.Length > LongestPem) return $"must have at most {LongestPem} characters";
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(CertificateAuthority);
            return certificates.Count > 0 ? null : "must be a certificate in PEM";
        }
        catch (CryptographicException)
        {
            return "must be a certificate in PEM";
        }
    }

    /// <summary>MQTT 5.0, 4.7.1: <c>+</c> is a level of its own, <c>#</c> the last one.</summary>
    static string? FaultOfTopic(string? filter)
    {
        if (filter is not { Length: > 0 } || !IsText(filter, LongestTopic) || Encoding.UTF8.GetByteCount(filter) > ushort.MaxValue) return $"must be a text of 1 to {LongestTopic} characters";
        // Only one process runs a source, so there is nobody to share with.
        if (filter.StartsWith("$share/", StringComparison.Ordinal)) return "cannot be shared";
        var levels = filter.Split('/');
        for (var i = 0; i < levels.Length; i++)
            if (levels[i].Length > 1 && levels[i].AsSpan().ContainsAny('+', '#') || (levels[i] == "#" && i < levels.Length - 1))
                return "has + or # where they cannot be: + is a whole level, # the last one";
        return null;
    }

    static bool IsText(string text, int longest) => text.Length <= longest && !text.Any(char.IsControl) && !HasHalfSurrogate(text);

    static bool HasHalfSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (char.IsSurrogate(text[i]) && !(char.IsSurrogatePair(text, i) && ++i > 0)) return true;
        return false;
    }
}

/// <summary>A source as it is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Version">One more with each change.</param>
/// <param name="ClientId">Names its session at the broker.</param>
/// <param name="Source">What it is; without the password.</param>
/// <param name="Password">What we show to the broker.</param>
/// <param name="ChangedAt">When it was put last.</param>
/// <param name="State">How it stands; null before it ran for the first time.</param>
sealed record SourceRow(string Id, long Version, string ClientId, MqttSource Source, string? Password, DateTime ChangedAt, SourceState? State);

/// <summary>How a source stands.</summary>
/// <param name="State"><c>connected</c>, <c>disconnected</c> or <c>disabled</c>.</param>
/// <param name="Since">Since when.</param>
/// <param name="LastMessageAt">When the last message came.</param>
/// <param name="LastError">What was wrong last, of the connection or of a message.</param>
/// <param name="LastErrorAt">When.</param>
/// <param name="Taken">Messages that were taken since the source was made.</param>
/// <param name="Refused">Messages that could not be taken, and never could have been.</param>
public sealed record SourceState(string State, DateTime Since, DateTime? LastMessageAt, string? LastError, DateTime? LastErrorAt, long Taken, long Refused)
{
    /// <summary>The topics that the session at the broker has.</summary>
    internal IReadOnlyList<string> Subscribed { get; init; } = [];
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MqttSource))]
sealed partial class SourceJson : JsonSerializerContext;
