using Allmende.Contracts;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Import;

/// <summary>What became, or would become, of a row.</summary>
/// <param name="Line">The line of the file that it begins in; the headings are in line 1.</param>
/// <param name="Id">The device.</param>
/// <param name="Action"><c>create</c>, <c>change</c>, <c>unchanged</c> or <c>error</c>.</param>
/// <param name="Changes">What changes, by column.</param>
/// <param name="Errors">What is wrong, by column.</param>
/// <param name="Key">The key of a device that was created; it is shown this once and cannot be read again.</param>
public sealed record ImportedRow(
    int Line, string Id, string Action, IReadOnlyList<ImportedChange>? Changes = null, IReadOnlyList<ImportError>? Errors = null, string? Key = null);

/// <summary>A changed value.</summary>
/// <param name="Column">The column, as the field of a device is called.</param>
/// <param name="Old">The value before; missing where there was none.</param>
/// <param name="New">The value after; missing where there is none.</param>
public sealed record ImportedChange(string Column, string? Old, string? New);

/// <summary>A fault of a row.</summary>
/// <param name="Column">The column, as the field of a device is called.</param>
/// <param name="Reason">What is wrong.</param>
public sealed record ImportError(string Column, string Reason);

/// <summary>A table whose headings are understood.</summary>
/// <param name="Rows">Its rows: line and cells by column. Cells beyond the headings are under no name.</param>
/// <param name="Delimiter">What is between the cells.</param>
/// <param name="Encoding">How it was written.</param>
/// <param name="Ignored">Headings that are no column of ours.</param>
sealed record DeviceTable(
    IReadOnlyList<(int Line, IReadOnlyDictionary<string, string> Cells, bool TooLong)> Rows, char Delimiter, string Encoding, IReadOnlyList<string> Ignored);

/// <summary>What is to be done with each row, seen against the devices that there are. Rules alone, no I/O.</summary>
static class ImportPlan
{
    /// <summary>A row that can be applied, with the device that comes of it.</summary>
    public readonly record struct Step(ImportedRow Row, Device? Device, DeviceProfile? Profile);

    /// <param name="table">The table.</param>
    /// <param name="known">The devices that have an id or DevEUI of the table.</param>
    /// <param name="profiles">The profiles that the table and those devices name, where there are such.</param>
    public static List<Step> Make(DeviceTable table, IReadOnlyCollection<Device> known, IReadOnlyDictionary<string, DeviceProfile> profiles)
    {
        var byId = known.ToDictionary(device => device.Id, StringComparer.Ordinal);
        var firstLine = new Dictionary<string, int>(StringComparer.Ordinal);
        var steps = new List<Step>(table.Rows.Count);
        foreach (var (line, cells, tooLong) in table.Rows)
        {
            var before = byId.GetValueOrDefault(cells["id"]);
            var (device, faults) = DeviceColumns.Read(before, cells, decimalComma: table.Delimiter != ',');
            if (tooLong) faults.Add(("", "has more cells than there are headings"));
            if (!firstLine.TryAdd(device.Id, line) && device.Id.Length > 0) faults.Add(("id", $"is also in line {firstLine[device.Id]}"));
            var profile = profiles.GetValueOrDefault(device.Profile);
            if (profile is null && device.Profile.Length > 0) faults.Add(("profile", $"there is no device profile '{device.Profile}'"));
            steps.Add(new Step(RowOf(line, before, device, cells, faults), device, profile));
        }
        return WithoutDoubles(steps, known);
    }

    static ImportedRow RowOf(int line, Device? before, Device device, IReadOnlyDictionary<string, string> cells, List<(string Column, string Fault)> faults)
    {
        if (faults.Count > 0) return Faulty(line, device.Id, faults);
        if (before is null) return new(line, device.Id, "create");
        var changes = DeviceColumns.All.Where(column => cells.ContainsKey(column.Name))
            .Select(column => new ImportedChange(column.Name, column.Value(before), column.Value(device))).Where(change => (change.Old ?? "") != (change.New ?? "")).ToList();
        return changes.Count == 0 ? new(line, device.Id, "unchanged") : new(line, device.Id, "change", changes);
    }

    static ImportedRow Faulty(int line, string id, IEnumerable<(string Column, string Fault)> faults) =>
        new(line, id, "error", Errors: [.. faults.Select(fault => new ImportError(fault.Column, fault.Fault))]);

    /// <summary>
    /// A DevEUI that two devices would have after the import is a fault of the row that takes it. A row that gives one up makes it free, unless that row is
    /// faulty itself; so this is looked at again until nothing more is found.
    /// </summary>
    static List<Step> WithoutDoubles(List<Step> steps, IReadOnlyCollection<Device> known)
    {
        var kept = known.Select(device => (device.Id, device.DevEui)).ToHashSet();
        for (var found = true; found;)
        {
            found = false;
            var applied = steps.Where(step => step.Row.Action != "error").Select(step => step.Device!.Id).ToHashSet(StringComparer.Ordinal);
            var holders = known.Where(device => device.DevEui is not null && !applied.Contains(device.Id)).ToDictionary(device => device.DevEui!, device => $"device '{device.Id}'", StringComparer.Ordinal);
            // Who has it already comes before who would take it, wherever they stand.
            foreach (var i in Enumerable.Range(0, steps.Count).OrderBy(i => kept.Contains((steps[i].Row.Id, steps[i].Device?.DevEui)) ? 0 : 1))
            {
                var (row, device, _) = steps[i];
                if (row.Action == "error" || device!.DevEui is not { } devEui || holders.TryAdd(devEui, $"line {row.Line}")) continue;
                steps[i] = new Step(Faulty(row.Line, row.Id, [("devEui", $"belongs to {holders[devEui]}")]), null, null);
                found = true;
            }
        }
        return steps;
    }
}
