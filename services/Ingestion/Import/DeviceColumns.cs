using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Import;

/// <summary>A column of the table of devices.</summary>
/// <param name="Name">As the field in JSON.</param>
/// <param name="German">As people write it.</param>
/// <param name="Value">A device's value in it; empty where there is none.</param>
/// <param name="IsNumber">Numbers are no formulas, whatever sign they begin with.</param>
sealed record DeviceColumn(string Name, string German, Func<Device, string?> Value, bool IsNumber = false);

/// <summary>The table of devices, as it is imported and exported.</summary>
static class DeviceColumns
{
    static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static IReadOnlyList<DeviceColumn> All { get; } =
    [
        new("id", "Kennung", device => device.Id),
        new("name", "Name", device => device.Name),
        new("devEui", "DevEUI", device => device.DevEui),
        new("profile", "Profil", device => device.Profile),
        new("latitude", "Breite", device => Coordinate(device, 1), IsNumber: true),
        new("longitude", "Länge", device => Coordinate(device, 0), IsNumber: true),
        new("tags", "Schlagwörter", device => device.Tags is { } tags ? string.Join(' ', tags) : null),
        new("group", "Gruppe", device => device.Group),
        new("department", "Amt", device => device.Department),
        new("expectedInterval", "Intervall", device => device.ExpectedInterval?.ToString(CultureInfo.InvariantCulture), IsNumber: true),
        new("description", "Beschreibung", device => device.Description),
        new("notes", "Notizen", device => device.Notes),
    ];

    /// <summary>The column of that heading, in German or English, whatever its case.</summary>
    public static DeviceColumn? Find(string heading) => All.FirstOrDefault(column =>
        column.Name.Equals(heading.Trim(), StringComparison.OrdinalIgnoreCase) || column.German.Equals(heading.Trim(), StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The device that a row describes: what the table has no column for stays as it is, an empty cell removes. Faults by column.
    /// </summary>
    /// <param name="before">The device of that id, if there is one.</param>
    /// <param name="cells">The row, by column.</param>
    /// <param name="decimalComma">Whether numbers may have a comma.</param>
    public static (Device Device, List<(string Column, string Fault)> Faults) Read(Device? before, IReadOnlyDictionary<string, string> cells, bool decimalComma)
    {
        var body = before is null ? [] : JsonSerializer.SerializeToNode(before, Web)!.AsObject();
        var faults = new List<(string, string)>();
        foreach (var (column, cell) in cells)
        {
            if (column is "latitude" or "longitude") continue;
            body[column] = cell.Length == 0 ? null : column switch
            {
                "tags" => new JsonArray([.. cell.Split([' ', ',', ';', '|'], StringSplitOptions.RemoveEmptyEntries).Select(tag => (JsonNode)tag)]),
                "expectedInterval" when int.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) => seconds,
                _ => cell,
            };
        }
        ReadLocation(before, cells, decimalComma, body, faults);
        var form = new DeviceForm(JsonSerializer.SerializeToElement(body));
        var device = form.Read();
        faults.AddRange(form.Faults.Select(fault => (fault.Field.StartsWith("location", StringComparison.Ordinal) ? "latitude" : fault.Field, fault.Fault)));
        return (device, faults);
    }

    /// <summary>Where latitude and longitude are as they were, the location keeps its height.</summary>
    static void ReadLocation(Device? before, IReadOnlyDictionary<string, string> cells, bool decimalComma, JsonObject body, List<(string, string)> faults)
    {
        if (!cells.ContainsKey("latitude") && !cells.ContainsKey("longitude")) return;
        var (latitude, longitude) = (cells.GetValueOrDefault("latitude") ?? Known(1), cells.GetValueOrDefault("longitude") ?? Known(0));
        if (latitude.Length == 0 && longitude.Length == 0) body["location"] = null;
        else if (latitude.Length == 0) faults.Add(("latitude", "is missing where longitude is given"));
        else if (longitude.Length == 0) faults.Add(("longitude", "is missing where latitude is given"));
        else if (Number("latitude", latitude, 90) is { } y && Number("longitude", longitude, 180) is { } x && (Known(0) != Text(x) || Known(1) != Text(y)))
            body["location"] = new JsonObject { ["type"] = "Point", ["coordinates"] = new JsonArray(x, y) };

        string Known(int axis) => before is null ? "" : Coordinate(before, axis) ?? "";

        double? Number(string column, string text, double most)
        {
            if (double.TryParse(decimalComma ? text.Replace(',', '.') : text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) <= most) return number;
            faults.Add((column, $"must be degrees, -{most} to {most}"));
            return null;
        }
    }

    static string? Coordinate(Device device, int axis) =>
        device.Location is { } location && location.TryGetProperty("coordinates", out var coordinates) ? Text(coordinates[axis].GetDouble()) : null;

    static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
