using System.Buffers;
using Allmende.Observations.SensorThings.Tasking;
using Allmende.Platform;
using Allmende.Platform.Data;

namespace Allmende.Observations.SensorThings;

/// <summary>Reading (OGC 18-088 sections 9 and 12.1): what a path and its options ask for, in the format that is asked for.</summary>
static class ReadRoute
{
    /// <summary>Bytes of rows up to which an answer is put together before it is sent.</summary>
    const int MostInOnePiece = 1024 * 1024;

    public static async Task ReadAsync(string municipality, HttpContext context, MunicipalDatabases databases, PlatformOptions options, ObservationsOptions limits)
    {
        var cancellation = context.RequestAborted;
        var text = (string?)context.GetRouteValue("path") ?? "";
        var path = ResourcePath.Parse(text.TrimEnd('/').Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
        var query = QueryOptions.Parse(context.Request.QueryString.Value ?? "");
        Check(path, query);
        if (path.Property is [var property, ..]) query.SelectOnly(property);
        if (path.IsReference) query.SelectOnly("@iot.selfLink");
        var root = SensorThingsRoutes.RootOf(options, municipality);
        using var reader = new EntityReader(databases.Of(municipality), context.SensorThingsAccess(), root, limits.LongestRead);
        await reader.ReadAsync(path, query, cancellation);
        if (path.Property is [_, ..])
        {
            await PropertyAnswer.WriteAsync(context, reader, path.Property, path.IsValue);
            return;
        }
        var address = Address(root, context.Request.Path);
        var response = context.Response;
        // The formats that have no place for the link to the next page say it as RFC 8288 has it.
        if (query.Format is ResultFormat.Csv or ResultFormat.GeoJson && reader.NextPage() is { } next) response.Headers.Link = $"<{address}?{next}>; rel=\"next\"";
        response.ContentType = query.Format switch
        {
            ResultFormat.Csv => "text/csv; charset=utf-8; header=present",
            ResultFormat.GeoJson => "application/geo+json",
            _ => "application/json; charset=utf-8",
        };
        switch (query.Format)
        {
            case ResultFormat.Csv: await CsvAnswer.WriteAsync(response.BodyWriter, reader, cancellation); break;
            case ResultFormat.GeoJson: await GeoJsonAnswer.WriteAsync(response.BodyWriter, reader, address, cancellation); break;
            default:
                if (reader.Bytes <= MostInOnePiece)
                {
                    // With its length said, an answer needs no chunks: every hop on its way has less to do.
                    using var answer = new JsonBuffer();
                    WriteJson(answer, reader, path, query, address);
                    response.ContentLength = answer.Length;
                    response.BodyWriter.Write(answer.Slice(0, answer.Length));
                }
                else WriteJson(response.BodyWriter, reader, path, query, address);
                break;
        }
        await response.BodyWriter.FlushAsync(cancellation);
    }

    static void WriteJson(IBufferWriter<byte> output, EntityReader reader, ResourcePath path, QueryOptions query, string address)
    {
        if (query.Format == ResultFormat.DataArray) DataArrayAnswer.Write(output, reader, address);
        else if (path.IsSingle) reader.WriteEntity(output, 0);
        else reader.WriteCollection(output, address);
    }

    static void Check(ResourcePath path, QueryOptions query)
    {
        if (query.Format != ResultFormat.Json && (path.Property.Length > 0 || path.IsReference))
            throw new SensorThingsException(400, "$resultFormat is for entities, and not for a property or links of them");
        if (query.Format == ResultFormat.DataArray && (path.Set != Model.Observations || path.IsSingle))
            throw new SensorThingsException(400, "$resultFormat=dataArray is for collections of Observations");
        if (query.Format == ResultFormat.DataArray && query.Expand.Count > 0)
            throw new SensorThingsException(400, "a dataArray has no room for $expand");
        if (query.Format == ResultFormat.Csv) CsvAnswer.Check(query, path.Set);
        if (query.After is not null && path.Set != Model.Observations) throw new SensorThingsException(400, "$skiptoken is for Observations");
    }

    /// <summary>The address that was asked, without its query, as clients outside see it.</summary>
    static string Address(string root, PathString asked)
    {
        // Whatever the path holds is escaped anew; its first three segments are the root's.
        var path = asked.ToUriComponent();
        return root + path[(path.IndexOf("/v1.1/", StringComparison.Ordinal) + 6)..];
    }
}
