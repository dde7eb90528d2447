using Allmende.Contracts;
using Allmende.Ingestion.Import;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/devices/import</c>: many devices out of a table; with <c>dryRun</c> a preview of what would change.</summary>
static class ImportDevices
{
    const int LargestFile = 2 * 1024 * 1024;

    public static void Map(RouteGroupBuilder devices) => devices.MapPost("/import", HandleAsync)
        .RequireRole(Roles.OfDevices)
        .Accepts<string>("text/csv", "text/plain", "application/vnd.ms-excel", "application/octet-stream").WithMetadata(new RequestSizeLimitAttribute(LargestFile))
        .Produces<ImportAnswer>()
        .ProducesProblem(413)
        .ProducesProblem(422)
        .WithName("ImportDevices")
        .WithSummary("Import devices from a table")
        .WithDescription($"""
            CSV with comma, semicolon or tab, in UTF-8 or Windows-1252, at most {DeviceImport.MostRows} rows and 2 MB. Headings in English or German:
            {string.Join(", ", DeviceColumns.All.Select(column => $"{column.Name} ({column.German})"))}. Tags have spaces between; where the delimiter is no comma, numbers may have one.
            A row whose id is there already changes that device: an empty cell removes, what has no column stays. `dryRun=true` only tells what would become of each row.
            Else all rows are applied, or none (422, with the same list in `rows`); with `onlyValid=true` those without faults. Keys of new devices are shown this once.
            """)
        .WithExamples(responses: ("200", DeviceExamples.Import));

    static async Task<IResult> HandleAsync(
        string municipality, bool? dryRun, bool? onlyValid, HttpRequest request, DeviceImport import, CancellationToken cancellation)
    {
        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        await request.Body.CopyToAsync(body, cancellation);
        var (table, fault) = DeviceImport.Read(body.ToArray());
        if (table is null) return IngestionErrors.InvalidImport.Problem(fault);

        var (rows, applied) = await import.RunAsync(municipality, table, dryRun == true, onlyValid == true, cancellation);
        if (rows is null) return IngestionErrors.InvalidImport.Problem("it names too many profiles", "profile");
        var answer = ImportAnswer.Of(rows, applied, table);
        if (applied || dryRun == true) return TypedResults.Ok(answer);
        var problem = IngestionErrors.InvalidImport.Problem($"{answer.Faulty} of {rows.Count} rows have faults, and nothing was changed; mend them, or send it with onlyValid=true");
        problem.ProblemDetails.Extensions["rows"] = rows;
        return problem;
    }
}

/// <summary>What became, or would become, of a table.</summary>
/// <param name="Applied">Whether anything was changed.</param>
/// <param name="Created">Rows that make a device.</param>
/// <param name="Changed">Rows that change one.</param>
/// <param name="Unchanged">Rows that say what is so already.</param>
/// <param name="Faulty">Rows with faults.</param>
/// <param name="Delimiter">What was found between the cells.</param>
/// <param name="Encoding"><c>utf-8</c> or <c>windows-1252</c>.</param>
/// <param name="IgnoredColumns">Headings that are no column of a device.</param>
/// <param name="Rows">Row by row.</param>
public sealed record ImportAnswer(
    bool Applied, int Created, int Changed, int Unchanged, int Faulty, string Delimiter, string Encoding, IReadOnlyList<string> IgnoredColumns, IReadOnlyList<ImportedRow> Rows)
{
    internal static ImportAnswer Of(List<ImportedRow> rows, bool applied, DeviceTable table)
    {
        int Count(string action) => rows.Count(row => row.Action == action);
        return new(applied, Count("create"), Count("change"), Count("unchanged"), Count("error"), table.Delimiter.ToString(), table.Encoding, table.Ignored, rows);
    }
}
