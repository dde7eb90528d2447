namespace Allmende.Catalog.Feed;

/// <summary>The EU's data themes of what is observed, so that portals sort the dataset in. Regions and cities where nothing says more.</summary>
static class Themes
{
    const string Environment = "ENVI", Transport = "TRAN", Energy = "ENER", Health = "HEAL", Cities = "REGI";

    static readonly (string Part, string Theme)[] ByPartOfName =
    [
        ("parking", Transport), ("vehicle", Transport), ("traffic", Transport), ("pedestrian", Transport), ("people", Transport), ("road", Transport), ("bicycle", Transport),
        ("air", Environment), ("water", Environment), ("soil", Environment), ("rain", Environment), ("precipitation", Environment), ("wind", Environment),
        ("humidity", Environment), ("temperature", Environment), ("pm", Environment), ("co2", Environment), ("no2", Environment), ("ozone", Environment), ("noise", Environment), ("sound", Environment),
        ("energy", Energy), ("power", Energy), ("current", Energy), ("light", Energy),
        ("fridge", Health),
    ];

    /// <summary>Codes of the themes, at least one.</summary>
    public static IReadOnlyList<string> Of(IEnumerable<ObservedProperty> properties)
    {
        var words = properties.SelectMany(property => property.Id.Split('_')).ToHashSet(StringComparer.Ordinal);
        var themes = ByPartOfName.Where(rule => words.Any(word => word == rule.Part || (rule.Part.Length > 3 && word.StartsWith(rule.Part, StringComparison.Ordinal))))
            .Select(rule => rule.Theme).Distinct(StringComparer.Ordinal).ToList();
        return themes.Count > 0 ? themes : [Cities];
    }
}
