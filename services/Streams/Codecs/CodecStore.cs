using Allmende.Platform.Data;
using Allmende.Streams.Layouts;
using Allmende.Streams.Library;
using Dapper;
using Microsoft.Extensions.Caching.Memory;

namespace Allmende.Streams.Codecs;

/// <summary>A municipality's codecs, and behind them the library's.</summary>
sealed class CodecStore(MunicipalDatabases databases, DeviceLibrary library) : IDisposable
{
    // Another instance of the service learns of a change this late.
    static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);
    const string Columns = "id, version, text, kind, changed_at AS ChangedAt";
    readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = 10_000 });

    /// <summary>The codec that counts: the municipality's own, else the library's; null if there is neither.</summary>
    public async ValueTask<Codec?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        if (cache.TryGetValue((municipality, id), out Codec? known)) return known;
        var codec = await FindNowAsync(municipality, id, cancellation);
        cache.Set((municipality, id), codec, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Remembered });
        return codec;
    }

    /// <summary>The codec that counts, as it is at this moment, also where another instance has just changed it.</summary>
    public async Task<Codec?> FindNowAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM streams.codec WHERE id = @id ORDER BY version DESC LIMIT 1", new { id }, cancellationToken: cancellation));
        return row?.ToCodec(municipality) ?? library.Codecs.GetValueOrDefault(id);
    }

    /// <summary>The municipality's own codecs and those of the library that it does not override, by id.</summary>
    public async Task<IReadOnlyList<Codec>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var own = await connection.QueryAsync<Row>(new CommandDefinition(
            $"SELECT DISTINCT ON (id) {Columns} FROM streams.codec ORDER BY id, version DESC", cancellationToken: cancellation));
        return own.Select(row => row.ToCodec(municipality)).UnionBy(library.Codecs.Values, codec => codec.Id).OrderBy(codec => codec.Id, StringComparer.Ordinal).ToList();
    }

    /// <summary>Keeps a text as the newest version, unless it is the newest already.</summary>
    /// <returns>The codec, and whether the municipality had none of this id before.</returns>
    public async Task<(Codec Codec, bool Created)> PutAsync(string municipality, string id, string text, string kind, string by, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("SELECT pg_advisory_xact_lock(hashtext('codec ' || @id))", new { id }, transaction, cancellationToken: cancellation));
        var newest = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM streams.codec WHERE id = @id ORDER BY version DESC LIMIT 1", new { id }, transaction, cancellationToken: cancellation));
        var row = newest?.Text == text && newest.Kind == kind ? newest : await connection.QuerySingleAsync<Row>(new CommandDefinition(
            $"INSERT INTO streams.codec (id, version, text, kind, changed_by) VALUES (@id, @version, @text, @kind, @by) RETURNING {Columns}",
            new { id, text, kind, by, version = (newest?.Version ?? 0) + 1 }, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        cache.Remove((municipality, id));
        return (row.ToCodec(municipality), newest is null);
    }

    /// <summary>The municipality's versions of a codec, the newest first, from below <paramref name="before"/> on; without their texts.</summary>
    public async Task<IReadOnlyList<CodecVersion>> VersionsAsync(string municipality, string id, int before, int limit, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        return (await connection.QueryAsync<CodecVersion>(new CommandDefinition("""
            SELECT version, kind, changed_at AS ChangedAt, changed_by AS ChangedBy, octet_length(text) AS Size
            FROM streams.codec WHERE id = @id AND version < @before ORDER BY version DESC LIMIT @limit
            """, new { id, before, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>One version of the municipality's codec; null if it has none of this number.</summary>
    public async Task<Codec?> FindVersionAsync(string municipality, string id, int version, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            $"SELECT {Columns} FROM streams.codec WHERE id = @id AND version = @version", new { id, version }, cancellationToken: cancellation));
        return row?.ToCodec(municipality);
    }

    /// <summary>The codec that the platform ships; null if it ships none of this id.</summary>
    public Codec? FindInLibrary(string id) => library.Codecs.GetValueOrDefault(id);

    /// <summary>Whether the platform ships a codec of this id.</summary>
    public bool IsInLibrary(string id) => library.Codecs.ContainsKey(id);

    /// <summary>Removes the municipality's own codec; the library's of the same id counts again.</summary>
    /// <returns>False if it has none.</returns>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var removed = await connection.ExecuteAsync(new CommandDefinition("DELETE FROM streams.codec WHERE id = @id", new { id }, cancellationToken: cancellation));
        cache.Remove((municipality, id));
        return removed > 0;
    }

    public void Dispose() => cache.Dispose();

    sealed record Row(string Id, int Version, string Text, string Kind, DateTime ChangedAt)
    {
        public Codec ToCodec(string municipality) => new(Id, Text, municipality, Version, new DateTimeOffset(ChangedAt))
        {
            // One that was kept and is not understood, by an older version say, has no port: its uplinks become dead letters, and nothing stops.
            Layout = Kind == CodecKinds.Layout ? LayoutReader.Read(Text).Layout ?? BinaryLayout.None : null,
        };
    }
}

/// <summary>A version of a municipality's codec.</summary>
/// <param name="Version">Counts from 1.</param>
/// <param name="Kind">What it is written in.</param>
/// <param name="ChangedAt">When it came.</param>
/// <param name="ChangedBy">Who put it: a client's id; null for those from before this was kept.</param>
/// <param name="Size">Bytes of its text.</param>
public sealed record CodecVersion(int Version, string Kind, DateTime ChangedAt, string? ChangedBy, int Size);
