using System.Text.Json;
using System.Text.RegularExpressions;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>
/// Every entity belongs to a dataset, whose access class it has: the one named in <c>properties.dataset</c>, else that of the Thing or of what it is made within,
/// else <see cref="Default"/>. A dataset that is not there is made with the municipality's default access.
/// </summary>
static partial class Datasets
{
    public const string Default = "sensorthings";
    const string DefaultTitle = "SensorThings";

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex Slug();

    /// <summary>The dataset that <c>properties</c> name, or null.</summary>
    public static string? NamedBy(EntityDraft draft)
    {
        if (draft.Set.Property("properties") is not { } property || !draft.Values.TryGetValue(property, out var properties)
            || properties.ValueKind != JsonValueKind.Object || !properties.TryGetProperty("dataset", out var dataset)) return null;
        return dataset.ValueKind == JsonValueKind.String && Slug().IsMatch(dataset.GetString()!)
            ? dataset.GetString()
            : throw Fault.At(draft.Place, "properties/dataset", "must have 1 to 64 small letters, digits, dots, dashes or underscores, and begin with a letter or digit");
    }

    /// <summary>The access class of a dataset that the caller puts something into. Its terms stay as they are until the transaction ends.</summary>
    /// <exception cref="SensorThingsException">403 if the caller would not see what they put there, or may not make it.</exception>
    public static async Task<string> UseAsync(WriteSession session, string dataset, CancellationToken cancellation)
    {
        var access = await AccessOfAsync(session, dataset, cancellation);
        if (access is null && (session.Rights.MakesDatasets || dataset == Default) && session.Rights.Access.Contains(session.DefaultAccess))
        {
            await session.ExecuteAsync("INSERT INTO dataset (id, title, access, needed) VALUES ($1, $2, $3, true) ON CONFLICT (id) DO NOTHING", cancellation,
                dataset, dataset == Default ? DefaultTitle : dataset, session.DefaultAccess);
            session.NeedsDatasets = true;
            access = await AccessOfAsync(session, dataset, cancellation);
        }
        // A dataset that one may not see and one that is not there are answered alike.
        return access is not null && session.Rights.Access.Contains(access)
            ? access
            : throw new SensorThingsException(403, $"there is no dataset '{dataset}' that you may write to");
    }

    static async Task<string?> AccessOfAsync(WriteSession session, string dataset, CancellationToken cancellation)
    {
        await using var command = session.Command("SELECT access FROM dataset WHERE id = $1 FOR SHARE", dataset);
        return (string?)await command.ExecuteScalarAsync(cancellation);
    }
}
