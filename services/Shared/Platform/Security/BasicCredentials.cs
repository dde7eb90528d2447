using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Allmende.Platform.Security;

/// <summary>
/// Basic authentication (RFC 7617), for doors of devices whose makers left no other way. The password is an API key, with the same rights as in
/// <c>X-Api-Key</c>; what the user name means is for the door to say.
/// </summary>
public static class BasicCredentials
{
    /// <summary>Longer than any municipality's or device's id with a key.</summary>
    const int LongestHeader = 512;

    /// <summary>Says that this route takes them; no other does.</summary>
    public static T AcceptBasic<T>(this T route) where T : IEndpointConventionBuilder => route.WithMetadata(new Accepted());

    /// <summary>The user name of a request, whether or not its password holds; null if it shows no such credential or its route takes none.</summary>
    public static string? BasicUser(this HttpContext context) => Of(context) is { User.Length: > 0 } shown ? shown.User : null;

    internal static bool AreAccepted(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<Accepted>() is not null;

    internal static (string User, string Password)? Of(HttpContext context)
    {
        if (!AreAccepted(context) || !AuthenticationHeaderValue.TryParse(context.Request.Headers[HeaderNames.Authorization], out var header)) return null;
        if (!header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) || header.Parameter is not { Length: > 0 and <= LongestHeader } encoded) return null;
        if (!Base64.IsValid(encoded)) return null;
        var text = Encoding.UTF8.GetString(Convert.FromBase64String(encoded));
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || colon == text.Length - 1 ? null : (text[..colon], text[(colon + 1)..]);
    }

    sealed class Accepted;
}
