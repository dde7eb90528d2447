using System.Text.RegularExpressions;

namespace Allmende.Streams;

/// <summary>Ids of codecs and device profiles.</summary>
static partial class Slug
{
    public const string Rule = "An id has 1 to 64 small letters, digits, dots, dashes or underscores, and begins with a letter or digit.";

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    public static bool Fits(string id) => Pattern().IsMatch(id);
}
