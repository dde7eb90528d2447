using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform;
using Allmende.Platform.Security;
using Npgsql;

namespace Allmende.Ingestion.Import;

/// <summary>Reads a table of devices, says what it would change, and changes it: all rows in one transaction, or none.</summary>
sealed class DeviceImport(DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher)
{
    public const int MostRows = 5_000;
    const int MostProfiles = 200, MostColumns = 100;

    /// <summary>The table, or what is wrong with it as a whole.</summary>
    public static (DeviceTable? Table, string? Fault) Read(byte[] file)
    {
        var (text, encoding) = CsvText.Decode(file);
        var delimiter = CsvText.DelimiterOf(text);
        var (lines, openQuote) = CsvText.Read(text, delimiter);
        if (openQuote is { } line) return (null, $"a quotation mark in line {line} is never closed");
        if (lines.Count == 0) return (null, "it is empty; the first line must have the headings");
        if (lines.Count - 1 > MostRows) return (null, $"it has {lines.Count - 1} rows; at most {MostRows} are taken at once");

        var headings = lines[0].Cells;
        if (headings.Count > MostColumns) return (null, $"it has {headings.Count} columns; at most {MostColumns} are taken");
        var columns = headings.Select(heading => DeviceColumns.Find(heading)?.Name).ToList();
        if (!columns.Contains("id")) return (null, "it has no column 'id' (Kennung)");
        if (columns.OfType<string>().GroupBy(column => column).FirstOrDefault(group => group.Count() > 1) is { } twice) return (null, $"it has the column '{twice.Key}' twice");
        var ignored = headings.Where((heading, at) => columns[at] is null && heading.Trim().Length > 0).Select(heading => heading.Trim()).ToList();
        return (new DeviceTable([.. lines.Skip(1).Select(row => CellsOf(row, columns))], delimiter, encoding, ignored), null);
    }

    static (int, IReadOnlyDictionary<string, string>, bool) CellsOf(CsvRow row, List<string?> columns)
    {
        var cells = new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = "" };
        for (var at = 0; at < Math.Min(columns.Count, row.Cells.Count); at++)
            if (columns[at] is { } column) cells[column] = CsvText.Unguard(row.Cells[at].Trim());
        return (row.Line, cells, row.Cells.Skip(columns.Count).Any(cell => cell.Trim().Length > 0));
    }

    /// <summary>Makes the plan and, unless it is a dry run, applies it.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="table">The table.</param>
    /// <param name="dryRun">Nothing is changed.</param>
    /// <param name="onlyValid">Rows with faults are passed over, instead of stopping all.</param>
    /// <param name="cancellation">Gives up, and changes nothing.</param>
    /// <returns>The rows, and whether they were applied; no rows where too many profiles are named.</returns>
    /// <exception cref="ApiException">Others keep changing devices.</exception>
    public async Task<(List<ImportedRow>? Rows, bool Applied)> RunAsync(string municipality, DeviceTable table, bool dryRun, bool onlyValid, CancellationToken cancellation)
    {
        var ids = table.Rows.Select(row => row.Cells["id"]).Where(Device.IsId).Distinct(StringComparer.Ordinal).ToArray();
        var devEuis = table.Rows.Select(row => Device.NormalizeDevEui(row.Cells.GetValueOrDefault("devEui") ?? "")).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var named = table.Rows.Select(row => row.Cells.GetValueOrDefault("profile") ?? "").Concat(await store.ProfilesOfAsync(municipality, ids, cancellation))
            .Where(Device.IsReference).Distinct(StringComparer.Ordinal).ToList();
        if (named.Count > MostProfiles) return (null, false);
        var found = await ProfilesAsync(municipality, named, cancellation);

        var rows = new List<ImportedRow>();
        List<ImportedDevice>? Plan(List<Device> known)
        {
            var steps = ImportPlan.Make(table, known, found);
            rows = [.. steps.Select(step => !dryRun && step.Row.Action == "create" ? step.Row with { Key = ApiKey.Create(ApiKey.DevicePrefix) } : step.Row)];
            if (dryRun || (!onlyValid && rows.Any(row => row.Action == "error"))) return null;
            return [.. steps.Zip(rows).Where(step => step.Second.Action is "create" or "change")
                .Select(step => new ImportedDevice(step.First.Device!, step.First.Profile!, step.Second.Key is { } key ? ApiKey.Hash(key) : null))];
        }

        bool applied;
        try
        {
            applied = await store.ImportAsync(municipality, ids, devEuis, write: !dryRun, Plan, cancellation);
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw IngestionErrors.ChangedMeanwhile.Exception();
        }
        if (applied)
        {
            directory.ForgetAll(municipality);
            publisher.Wake(municipality);
        }
        return (applied ? rows : [.. rows.Select(row => row with { Key = null })], applied);
    }

    async Task<Dictionary<string, DeviceProfile>> ProfilesAsync(string municipality, List<string> named, CancellationToken cancellation)
    {
        var found = new Dictionary<string, DeviceProfile>(StringComparer.Ordinal);
        foreach (var some in named.Chunk(16))
            foreach (var profile in await Task.WhenAll(some.Select(id => profiles.FindAsync(municipality, id, cancellation))))
                if (profile is not null) found[profile.Id] = profile;
        return found;
    }
}
