using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_devices_are_imported
{
    const string Table = """
        Kennung;Name;DevEUI;Profil;Breite;Länge;Schlagwörter;Gruppe;Amt;Intervall;Beschreibung;Notizen;Raum
        pegel-1;Pegel Mühlbach;70B3D57EF0000001;gauge;51,9;8,38;hochwasser mühlbach;Mühlbach;Tiefbauamt;600;"An der ""Brücke""; links";"eins
        zwei";17
        fuehler-1;Fühler;;decoded;;;;;;;;;

        """;

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    Task<Answer> ImportAsync(string table, string query = "", string? credential = null) => ImportAsync(Encoding.UTF8.GetBytes(table), query, credential);

    Task<Answer> ImportAsync(byte[] table, string query = "", string? credential = null) => service.SendAsync(
        HttpMethod.Post, $"/{town.Id}/devices/import{query}", credential ?? town.Admin, new ByteArrayContent(table) { Headers = { ContentType = new MediaTypeHeaderValue("text/csv") } });

    static string Actions(Answer answer) => string.Join(' ', answer.Json.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("action").GetString()));

    static string Errors(Answer answer) => string.Join('\n', answer.Json.GetProperty("rows").EnumerateArray().Where(row => row.TryGetProperty("errors", out _))
        .SelectMany(row => row.GetProperty("errors").EnumerateArray().Select(error => $"{row.GetProperty("line").GetInt32()} {error.GetProperty("column").GetString()}: {error.GetProperty("reason").GetString()}")));

    async Task<string[]> IdsAsync() => [.. (await town.GetAsync("devices", town.Admin)).Json.GetProperty("items").EnumerateArray().Select(one => one.GetProperty("id").GetString()!)];

    static byte[] Encoded(string encoding) => encoding switch
    {
        "bom" => [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Table)],
        "1252" => CodePagesEncodingProvider.Instance.GetEncoding(1252)!.GetBytes(Table),
        "tab" => Encoding.UTF8.GetBytes(Table.Replace("; links", ", links", StringComparison.Ordinal).Replace(';', '\t').Replace("\n", "\r\n", StringComparison.Ordinal)),
        _ => Encoding.UTF8.GetBytes(Table),
    };

    [TestCase("utf-8")]
    [TestCase("bom")]
    [TestCase("1252")]
    [TestCase("tab")]
    public async Task Should_be_there_as_the_table_says(string encoding)
    {
        var answer = await ImportAsync(Encoded(encoding));

        Assert.That((answer.Status, Actions(answer)), Is.EqualTo((200, "create create")), answer.Body);
        Assert.That((answer.Json.GetProperty("created").GetInt32(), answer.Json.GetProperty("ignoredColumns")[0].GetString(), answer.Text("encoding")), Is.EqualTo((2, "Raum", encoding == "1252" ? "windows-1252" : "utf-8")));
        var device = await town.GetAsync("devices/pegel-1", town.Analyst);
        Assert.That((device.Text("name"), device.Text("devEui"), device.Text("department"), device.Text("description")[..13]), Is.EqualTo(("Pegel Mühlbach", "70B3D57EF0000001", "Tiefbauamt", "An der \"Brück")));
        Assert.That((device.Json.GetProperty("location").GetProperty("coordinates").GetRawText(), device.Json.GetProperty("tags").GetRawText(), device.Json.GetProperty("expectedInterval").GetInt32()), Is.EqualTo(("[8.38,51.9]", """["hochwasser","mühlbach"]""", 600)));
        Assert.That(device.Text("notes").ReplaceLineEndings("\n"), Is.EqualTo("eins\nzwei"));
        var keys = answer.Json.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("key").GetString()!).ToList();
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), keys[0])).Status, Is.EqualTo(202));
        Assert.That((await town.EventsAsync(2)).Select(told => (told.Type, told.Subject)), Is.EquivalentTo(new[] { (EventTypes.DeviceRegistered, "pegel-1"), (EventTypes.DeviceRegistered, "fuehler-1") }));
        Assert.That(Actions(await ImportAsync(Encoded(encoding))), Is.EqualTo("unchanged unchanged"));
    }

    [Test]
    public async Task Should_only_be_looked_at_in_a_dry_run()
    {
        await town.PostAsync("devices", """{"id":"pegel-1","name":"Pegel","profile":"gauge","group":"alt","location":{"type":"Point","coordinates":[8.38,51.9,70]},"dataset":"pegel"}""", town.Admin);
        const string changes = "id,name,group,department,latitude,longitude\npegel-1,Pegel 1,,Bauamt,51.9,8.38\nneu,x,,,,\n";

        var preview = await ImportAsync(changes, "?dryRun=true");

        Assert.That((preview.Status, Actions(preview), preview.Json.GetProperty("applied").GetBoolean()), Is.EqualTo((200, "change error", false)));
        Assert.That(preview.Json.GetProperty("rows")[0].GetProperty("changes").GetRawText(), Is.EqualTo(
            """[{"column":"name","old":"Pegel","new":"Pegel 1"},{"column":"group","old":"alt"},{"column":"department","new":"Bauamt"}]"""));
        Assert.That(Errors(preview), Is.EqualTo("3 profile: is missing"));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Admin)).Text("name"), Is.EqualTo("Pegel"));

        Assert.That((await ImportAsync(changes, "?onlyValid=true")).Status, Is.EqualTo(200));
        var now = await town.GetAsync("devices/pegel-1", town.Admin);
        Assert.That((now.Text("name"), now.Json.TryGetProperty("group", out _), now.Text("dataset"), now.Json.GetProperty("location").GetProperty("coordinates").GetRawText()), Is.EqualTo(("Pegel 1", false, "pegel", "[8.38,51.9,70]")), "what has no column stays");
        Assert.That(await IdsAsync(), Is.EqualTo(new[] { "pegel-1" }));
    }

    [Test]
    public async Task Should_all_be_taken_or_none()
    {
        var answer = await ImportAsync("id;name;profile\na;A;gauge\nB;B;gauge\n");
        Assert.That((answer.Status, answer.Error, Actions(answer)), Is.EqualTo((422, "invalid_import", "create error")), answer.Body);
        Assert.That(answer.Body, Does.Not.Contain("\"key\""));
        Assert.That(await IdsAsync(), Is.Empty);

        Assert.That((await ImportAsync("id;name;profile\na;A;gauge\nB;B;gauge\n", "?onlyValid=true")).Status, Is.EqualTo(200));
        Assert.That(await IdsAsync(), Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public async Task Should_say_what_is_wrong_with_each_row()
    {
        await town.PostAsync("devices", """{"id":"da","name":"Da","profile":"gauge","devEui":"70B3D57EF0000009"}""", town.Admin);
        var answer = await ImportAsync("""
            id;name;devEui;profile;latitude;longitude;tags;expectedInterval
            a;A;70B3D57EF0000001;gauge;51.9;8.38;x;600
            a;A;;gauge;;;;
            b;B;70B3D57EF0000001;gauge;;;;
            c;C;70B3D57EF0000009;gauge;;;;
            d;;zzz;none;91;8;Groß;bald
            e;E;;gauge;51.9;;;
            f;F;;gauge;;;;;zu viel
            ;G;;gauge;;;;
            """, "?dryRun=true");
        Assert.That(Errors(answer).Split('\n'), Is.EqualTo(new[]
        {
            "3 id: is also in line 2",
            "4 devEui: belongs to line 2",
            "5 devEui: belongs to device 'da'",
            "6 latitude: must be degrees, -90 to 90",
            "6 name: is missing",
            "6 devEui: must be 16 hexadecimal digits",
            "6 expectedInterval: must be a whole number of seconds, at most a year",
            "6 tags: 'Groß' must have at most 40 lower-case letters, digits and dashes",
            "6 profile: there is no device profile 'none'",
            "7 longitude: is missing where latitude is given",
            "8 : has more cells than there are headings",
            "9 id: is missing",
        }), answer.Body);
    }

    [Test]
    public async Task Should_be_able_to_exchange_their_DevEUIs()
    {
        await ImportAsync("id;name;profile;devEui\na;A;gauge;70B3D57EF0000001\nb;B;gauge;70B3D57EF0000002\n");
        var answer = await ImportAsync("id;devEui\na;70B3D57EF0000002\nb;70B3D57EF0000001\n");
        Assert.That((answer.Status, Actions(answer)), Is.EqualTo((200, "change change")), answer.Body);
        Assert.That((await town.GetAsync("devices/a", town.Admin)).Text("devEui"), Is.EqualTo("70B3D57EF0000002"));
        // Who has it keeps it, and who takes it is at fault, wherever they stand.
        Assert.That(Errors(await ImportAsync("id;devEui\na;70B3D57EF0000001\nb;70B3D57EF0000001\n")), Is.EqualTo("2 devEui: belongs to line 3"));
    }

    [TestCase("", "empty")]
    [TestCase("name;profile\nA;gauge\n", "no column 'id'")]
    [TestCase("id;Kennung\na;b\n", "'id' twice")]
    [TestCase("id;name\na;\"A\n", "line 2 is never closed")]
    public async Task Should_refuse_what_is_no_table_of_devices(string table, string reason)
    {
        var answer = await ImportAsync(table);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_import")));
        Assert.That(answer.Text("detail"), Does.Contain(reason));
    }

    [Test]
    public async Task Should_have_limits()
    {
        Assert.That((await ImportAsync("id\n" + string.Concat(Enumerable.Range(0, 5001).Select(n => $"d{n}\n")))).Text("detail"), Does.Contain("5001 rows"));
        Assert.That((await ImportAsync(new byte[2 * 1024 * 1024 + 1])).Error, Is.EqualTo("too_large"));
        Assert.That((await ImportAsync("id;name;profile\n" + string.Concat(Enumerable.Range(0, 300).Select(n => $"d{n};x;p{n}\n")))).Field, Is.EqualTo("profile"));
        Assert.That((await ImportAsync(Table, "", town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await ImportAsync(Table, "", town.Key)).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_be_many_at_once()
    {
        var table = "id;name;profile\n" + string.Concat(Enumerable.Range(0, 5000).Select(n => $"d{n};Gerät {n};gauge\n"));
        var answer = await ImportAsync(table);
        Assert.That((answer.Status, answer.Json.GetProperty("created").GetInt32()), Is.EqualTo((200, 5000)));
        Assert.That((await ImportAsync(table, "?dryRun=true")).Json.GetProperty("unchanged").GetInt32(), Is.EqualTo(5000));
        Assert.That((await town.GetAsync("devices.csv", town.Analyst)).Body.Split("\r\n"), Has.Length.EqualTo(5002));
    }

    [TestCase("de")]
    [TestCase("en")]
    public async Task Should_be_unchanged_when_exported_and_imported_again(string lang)
    {
        foreach (var (id, text) in new[] { ("a", "=HYPERLINK(\"http://x\")"), ("b", "'=1+1"), ("c", "-5 Grad, \"kalt\"; sehr"), ("d", "''"), ("e", "@sum\nzweite\r\nZeile"), ("f", "ganz gewöhnlich"), ("g", "'") })
        {
            var body = JsonSerializer.Serialize(new { id, name = text, profile = "gauge", group = text, department = text, description = text, notes = text, tags = new[] { "x", "y" }, location = new { type = "Point", coordinates = new[] { -0.123456789012345, 51.9 } } });
            Assert.That((await town.PostAsync("devices", body, town.Admin)).Status, Is.EqualTo(201));
        }
        using var export = await service.GetAsync($"/{town.Id}/devices.csv?lang={lang}", town.Analyst);
        var bytes = await export.Content.ReadAsByteArrayAsync();
        var text8 = Encoding.UTF8.GetString(bytes);

        Assert.That((export.Content.Headers.ContentType!.MediaType, bytes[0], text8[1..8]), Is.EqualTo(("text/csv", (byte)0xEF, lang == "de" ? "Kennung" : "id,name")));
        Assert.That(text8, Does.Not.Match("(^|[;,\"\n])[=@+]"), "no cell is a formula");
        var again = await ImportAsync(bytes);
        Assert.That((again.Status, Actions(again)), Is.EqualTo((200, "unchanged unchanged unchanged unchanged unchanged unchanged unchanged")), again.Body);
        Assert.That((await town.GetAsync("devices/b", town.Admin)).Text("notes"), Is.EqualTo("'=1+1"));
    }

    [Test]
    public async Task Should_be_exported_for_the_towns_own_people_alone()
    {
        Assert.That((await town.GetAsync("devices.csv", null)).Status, Is.EqualTo(401));
        Assert.That((await town.GetAsync("devices.csv", service.Neighbours.Token(town.Id, "partner"))).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("devices.csv?lang=fr", town.Analyst)).Field, Is.EqualTo("lang"));
    }
}
