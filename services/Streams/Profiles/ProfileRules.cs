using System.Text.RegularExpressions;
using Allmende.Contracts;

namespace Allmende.Streams.Profiles;

/// <summary>What a device profile must be.</summary>
static partial class ProfileRules
{
    const int MostFields = 200;

    /// <summary>The profile as it is kept: with what may be left out filled in.</summary>
    public static DeviceProfile Complete(string id, ProfileRoutes.ProfileBody body) => new(
        id,
        body.Name?.Trim() ?? "",
        body.Codec,
        (body.Fields ?? []).Select(field => new ProfileField(field.Field ?? "", field.Name ?? field.Field ?? "", field.ObservedProperty ?? Property(field.Field ?? ""), field.Unit, field.Range, field.NameEn)).ToList(),
        body.Vendor, body.Model, body.Description, body.Dataset, body.DatasetName, body.ExpectedInterval,
        body.Tasks is { Count: > 0 } tasks ? tasks.Select(task => TaskRules.Complete(task ?? new())).ToList() : null);

    /// <summary>What is wrong with it, by field; whether the codec exists is not asked here.</summary>
    public static IEnumerable<(string Field, string Fault)> Faults(DeviceProfile profile)
    {
        if (profile.Name.Length is 0 or > 200) yield return ("name", "A name of 1 to 200 characters is needed.");
        if (profile.Dataset is { } dataset && !Slug.Fits(dataset)) yield return ("dataset", Slug.Rule);
        if (profile.ExpectedInterval is <= 0) yield return ("expectedInterval", "It must be a number of seconds greater than 0.");
        if (profile.Fields.Count is 0 or > MostFields) yield return ("fields", $"1 to {MostFields} fields are needed.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < profile.Fields.Count; i++)
        {
            var field = profile.Fields[i];
            if (!FieldPath().IsMatch(field.Field)) yield return ($"fields[{i}].field", "It must be a path into the decoded data like 'temperature' or 'air.temperature', without quotes, slashes or brackets.");
            else if (!names.Add(field.Field)) yield return ($"fields[{i}].field", $"'{field.Field}' is there twice.");
            if (field.Name.Length is 0 or > 200) yield return ($"fields[{i}].name", "A name of 1 to 200 characters is needed.");
            if (!PropertyId().IsMatch(field.ObservedProperty)) yield return ($"fields[{i}].observedProperty", "It must be in snake_case, like 'air_temperature'.");
            if (field.Unit is { } unit && !TaskRules.Ucum().IsMatch(unit)) yield return ($"fields[{i}].unit", "It must be a UCUM code, like 'Cel' or 'm/s'; leave it out for truth values and texts.");
            if (field.Range is not null && !(field.Range is [var low, var high] && low < high)) yield return ($"fields[{i}].range", "It must be two numbers, the lower one first.");
        }
        foreach (var fault in TaskRules.Faults(profile.Tasks ?? [])) yield return fault;
    }

    static string Property(string field) => NoWord().Replace(field, "_").Trim('_').ToLowerInvariant();

    [GeneratedRegex(@"^[^\s.'""/\\()\[\]?#&;,][^'""/\\\[\]?#&;]{0,127}(?<!\.)$", RegexOptions.CultureInvariant)]
    private static partial Regex FieldPath();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$", RegexOptions.CultureInvariant)]
    private static partial Regex PropertyId();

    [GeneratedRegex("[^A-Za-z0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex NoWord();
}
