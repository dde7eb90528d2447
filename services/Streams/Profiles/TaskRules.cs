using System.Text.Json;
using System.Text.RegularExpressions;
using Allmende.Contracts;

namespace Allmende.Streams.Profiles;

/// <summary>What the tasks of a profile must be. That its codec encodes them is shown by a dry run, and by their examples in the library.</summary>
static partial class TaskRules
{
    const int MostTasks = 50, MostParameters = 100, MostValues = 1_000, LongestName = 200, LongestParameter = 100, LongestDescription = 2_000;

    /// <summary>A task of the body; see <see cref="ProfileTask"/>. Everything may be absent.</summary>
    public sealed record TaskBody(
        string? Id = null, string? Name = null, IReadOnlyList<ParameterBody>? Parameters = null, string? NameEn = null, string? Description = null, DownlinkSettings? Downlink = null,
        JsonElement? Example = null);

    /// <summary>A parameter of it; see <see cref="TaskParameter"/>.</summary>
    public sealed record ParameterBody(
        string? Name = null, string? Type = null, string? Label = null, string? Unit = null, IReadOnlyList<string>? Values = null, double[]? Range = null, bool? Optional = null, string? LabelEn = null);

    public static ProfileTask Complete(TaskBody body) => new(
        body.Id ?? "", body.Name?.Trim() ?? body.Id ?? "",
        (body.Parameters ?? []).Select(given => given ?? new()).Select(one => new TaskParameter(one.Name ?? "", one.Type ?? "", one.Label, one.Unit, one.Values, one.Range, one.Optional, one.LabelEn)).ToList(),
        body.NameEn, body.Description, body.Downlink, body.Example is { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } ? null : body.Example);

    /// <summary>What is wrong with them, by field.</summary>
    public static IEnumerable<(string Field, string Fault)> Faults(IReadOnlyList<ProfileTask> tasks)
    {
        if (tasks.Count > MostTasks) yield return ("tasks", $"At most {MostTasks} tasks are possible.");
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tasks.Count; i++)
        {
            var (task, place) = (tasks[i], $"tasks[{i}]");
            if (!Slug.Fits(task.Id)) yield return ($"{place}.id", Slug.Rule);
            else if (!ids.Add(task.Id)) yield return ($"{place}.id", $"'{task.Id}' is there twice.");
            if (task.Name.Length is 0 or > LongestName) yield return ($"{place}.name", $"A name of 1 to {LongestName} characters is needed.");
            if (task.NameEn?.Length > LongestName) yield return ($"{place}.nameEn", $"It must have at most {LongestName} characters.");
            if (task.Description?.Length > LongestDescription) yield return ($"{place}.description", $"It must have at most {LongestDescription} characters.");
            if (task.Parameters.Count > MostParameters) yield return ($"{place}.parameters", $"At most {MostParameters} parameters are possible.");
            foreach (var fault in ParameterFaults(task.Parameters, place)) yield return fault;
            foreach (var (member, fault) in task.Downlink?.Faults() ?? []) yield return ($"{place}.downlink.{member}", $"It {fault}.");
            if (task.Example is { } example && ExampleFault(task, example) is { } unfit) yield return ($"{place}.example", unfit);
        }
    }

    static IEnumerable<(string Field, string Fault)> ParameterFaults(IReadOnlyList<TaskParameter> parameters, string task)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < parameters.Count; i++)
        {
            var (parameter, place) = (parameters[i], $"{task}.parameters[{i}]");
            var isNumber = parameter.Type is "Count" or "Quantity";
            if (parameter.Name.Length is 0 or > LongestParameter || parameter.Name.Any(char.IsControl)) yield return ($"{place}.name", $"A name of 1 to {LongestParameter} characters is needed.");
            else if (!names.Add(parameter.Name)) yield return ($"{place}.name", $"'{parameter.Name}' is there twice.");
            if (!TaskParameter.Types.Contains(parameter.Type)) yield return ($"{place}.type", $"It must be one of {string.Join(", ", TaskParameter.Types)}.");
            if (parameter.Label?.Length > LongestName) yield return ($"{place}.label", $"It must have at most {LongestName} characters.");
            if (parameter.LabelEn?.Length > LongestName) yield return ($"{place}.labelEn", $"It must have at most {LongestName} characters.");
            if (parameter.Unit is { } unit && (parameter.Type != "Quantity" || !Ucum().IsMatch(unit))) yield return ($"{place}.unit", "It must be the UCUM code of a Quantity, like 'Cel' or '%'.");
            if (parameter.Values is { } values && (parameter.Type is not ("Category" or "Text") || values.Count is 0 or > MostValues || values.Any(value => value is null or { Length: > LongestName })))
                yield return ($"{place}.values", $"They must be 1 to {MostValues} texts that a Category or Text may be.");
            if (parameter.Range is not null && !(isNumber && parameter.Range is [var low, var high] && low <= high)) yield return ($"{place}.range", "It must be two numbers that a Count or Quantity lies between, the lower one first.");
        }
    }

    static string? ExampleFault(ProfileTask task, JsonElement example)
    {
        if (example.ValueKind != JsonValueKind.Object) return "It must be an object with the parameters.";
        foreach (var member in example.EnumerateObject())
            if (!task.Parameters.Any(parameter => parameter.Name == member.Name)) return $"'{member.Name}' is none of the parameters.";
        return task.Parameters.FirstOrDefault(parameter => parameter.Optional != true && !example.TryGetProperty(parameter.Name, out _)) is { } missing ? $"'{missing.Name}' is missing." : null;
    }

    /// <summary>The characters that UCUM codes are made of.</summary>
    [GeneratedRegex(@"^[!-~µ°²³]{1,40}$", RegexOptions.CultureInvariant)]
    internal static partial Regex Ucum();
}
