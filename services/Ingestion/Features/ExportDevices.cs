using System.Text;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Import;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/devices.csv</c>: devices as the table that can be imported again.</summary>
static class ExportDevices
{
    const int AtOnce = 500;

    public static void Map(WebApplication app) => app.MapGet("/{municipality}/devices.csv", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<string>(200, "text/csv")
        .ProducesProblem(422)
        .WithTags("Devices")
        .WithName("ExportDevices")
        .WithSummary("Export devices as a table")
        .WithDescription("""
            All devices, or those that the filters of GET /devices find; the columns of the import, in the order of ids, in UTF-8 with a byte order mark. `lang=de` (the default) has German headings, semicolons and decimal commas, as a
            German spreadsheet wants them; `lang=en` has English headings, commas and decimal points. A text that a spreadsheet would take for a formula has an
            apostrophe before it, which the import takes away again. `template=true` has the headings alone.
            """);

    static async Task<IResult> HandleAsync(
        string municipality, string? lang, bool? template, [AsParameters] DeviceQuery query, HttpResponse response, DeviceStore store, CancellationToken cancellation)
    {
        var (asked, field, fault) = query.Read();
        if (fault is not null) return IngestionErrors.InvalidPage.Problem(fault, field);
        var filter = asked with { Order = DeviceOrder.Id, Descending = false, After = null };
        if (lang is not (null or "de" or "en")) return IngestionErrors.InvalidPage.Problem("must be de or en", "lang");
        var german = lang is null or "de";
        var delimiter = german ? ';' : ',';
        var text = new StringBuilder("\uFEFF");
        CsvText.Write(text, DeviceColumns.All.Select(column => german ? column.German : column.Name), delimiter);
        var page = template == true ? [] : await store.ListAsync(municipality, filter, AtOnce, cancellation);

        response.ContentType = "text/csv; charset=utf-8";
        response.Headers.ContentDisposition = $"attachment; filename=\"{municipality}-devices.csv\"";
        response.Headers.XContentTypeOptions = "nosniff";
        while (true)
        {
            foreach (var device in page) CsvText.Write(text, DeviceColumns.All.Select(column => CellOf(column, device.Device, german)), delimiter);
            await response.WriteAsync(text.ToString(), cancellation);
            if (page.Count < AtOnce) return TypedResults.Empty;
            text.Clear();
            page = await store.ListAsync(municipality, filter with { After = new DevicePlace(page[^1].Device.Id, null) }, AtOnce, cancellation);
        }
    }

    static string CellOf(DeviceColumn column, Device device, bool german)
    {
        var value = column.Value(device) ?? "";
        if (!column.IsNumber) return CsvText.Guard(value);
        return german ? value.Replace('.', ',') : value;
    }
}
