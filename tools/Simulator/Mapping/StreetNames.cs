using Allmende.Simulator.World;

namespace Allmende.Simulator.Mapping;

/// <summary>Names for side streets, none twice; a town that has used them all leaves the rest of its lanes without.</summary>
sealed class StreetNames(Noise noise)
{
    static readonly string[] Stems =
    [
        "Ahorn", "Amsel", "Anger", "Bach", "Berg", "Birken", "Blumen", "Brunnen", "Buchen", "Distel", "Drossel", "Eichen", "Erlen", "Eschen", "Falken", "Feld", "Finken",
        "Flieder", "Ginster", "Hasel", "Heide", "Holunder", "Kastanien", "Kiefern", "Kirsch", "Lerchen", "Linden", "Meisen", "Mohn", "Nelken", "Pappel", "Platanen", "Quellen",
        "Rosen", "Rotdorn", "Sand", "Schlehen", "Sonnen", "Tannen", "Ulmen", "Veilchen", "Wacholder", "Weiden", "Wiesen",
    ];

    static readonly string[] Kinds = ["weg", "straße", "gasse"];

    readonly Queue<string> names = new(Stems.SelectMany(stem => Kinds.Select(kind => stem + kind)).Where(name => name != "Lindenstraße")
        .Select((name, i) => (Name: name, Order: noise.Bits(i))).OrderBy(name => name.Order).Select(name => name.Name));

    public string? Next() => names.TryDequeue(out var name) ? name : null;
}
