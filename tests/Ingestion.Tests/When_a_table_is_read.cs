using System.Text;
using Allmende.Ingestion.Import;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_table_is_read
{
    static Gen<string> Texts() => Gen.Elements("=+-@'\"\r\n\t;, aäß1".ToCharArray()).ListOf().Select(characters => string.Concat(characters));

    [Test]
    public void Should_give_back_what_was_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
        Texts().ListOf().Select(texts => texts.ToList()).ToArbitrary(), Gen.Elements(';', ',', '\t').ToArbitrary(), (texts, delimiter) =>
        {
            // A row of nothing but empty cells is passed over, so there is always one that is not.
            var written = new StringBuilder();
            CsvText.Write(written, texts.Select(CsvText.Guard).Prepend("x"), delimiter);
            var (rows, open) = CsvText.Read(written.ToString(), delimiter);
            return open is null && rows.Single().Cells.Select(CsvText.Unguard).SequenceEqual(texts.Prepend("x"));
        }));

    [Test]
    public void Should_take_any_bytes_for_a_table_or_say_what_is_wrong() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(
        Gen.OneOf(Gen.Choose(0, 255).Select(b => (byte)b).ListOf(), Gen.Elements("id;\r\n\"ä,x"u8.ToArray()).ListOf()).Select(bytes => bytes.ToArray()).ToArbitrary(),
        bytes => DeviceImport.Read([.. "id;name\n"u8, .. bytes]) is var (table, fault) && table is null == fault is not null));

    [TestCase("a;b,c;d", ';')]
    [TestCase("a,b\tc,d", ',')]
    [TestCase("a\tb\nx;y;z", '\t')]
    [TestCase("\"a,b,c\";d", ';')]
    public void Should_find_the_delimiter(string text, char delimiter) => Assert.That(CsvText.DelimiterOf(text), Is.EqualTo(delimiter));

    [Test]
    public void Should_know_in_which_line_a_row_begins() =>
        Assert.That(CsvText.Read("a\r\n\"b\nb\"\n\nc", ';').Rows.Select(row => row.Line), Is.EqualTo(new[] { 1, 2, 5 }));
}
