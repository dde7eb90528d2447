using System.Buffers;
using System.Text;
using System.Text.Json;
using Allmende.OpenData.Formats;
using NUnit.Framework;

namespace Allmende.OpenData.Tests;

[TestFixture]
public class When_observations_are_written_as_csv
{
    [TestCase("""["2026-11-21T10:00:00Z","p","Pegel","p.d","Abstand","water_level","mm",-4.50e1,"good",8.38,51.9]""",
        "2026-11-21T10:00:00Z,p,Pegel,p.d,Abstand,water_level,mm,-4.50e1,good,8.38,51.9\r\n", TestName = "numbers as they are, also below zero")]
    [TestCase("""["t","p","a,b","p.d","sagt \"ja\"","x","Zeile\r\nzwei",true,"good",null,null]""",
        "t,p,\"a,b\",p.d,\"sagt \"\"ja\"\"\",x,\"Zeile\r\nzwei\",true,good,,\r\n", TestName = "commas, quotes and line breaks in quotes")]
    [TestCase("""["t","p","=HYPERLINK(\"http://x\")","+1","-1","@a","\t=1",null,"good",1,2]""",
        "t,p,\"'=HYPERLINK(\"\"http://x\"\")\",'+1,'-1,'@a,'\t=1,,good,1,2\r\n", TestName = "formulas as texts")]
    [TestCase("""["t","p","  =1+1","＝1","\r=1","a=1","%","=cmd|' /C calc'!A0","good",1,2]""",
        "t,p,'  =1+1,'＝1,\"'\r=1\",a=1,%,'=cmd|' /C calc'!A0,good,1,2\r\n", TestName = "formulas behind blanks and in full width")]
    [TestCase("""["t","Stra\u00dfe","\ud834\udd1e","p.d","","x","\u00b5g/m3",{"a":[1,"=2"]},"good",1,2]""",
        "t,Straße,𝄞,p.d,,x,µg/m3,\"{\"\"a\"\":[1,\"\"=2\"\"]}\",good,1,2\r\n", TestName = "escapes as letters, objects as JSON")]
    public void Should_write(string line, string expected)
    {
        Assert.That(Write(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(line))), Is.EqualTo(expected));
        Assert.That(Write(InPieces(Encoding.UTF8.GetBytes(line))), Is.EqualTo(expected), "cut anywhere by the network");
    }

    [TestCase("""{"a":1}""")]
    [TestCase("""["t","p"]""")]
    [TestCase("[\"t\",\"p\",")]
    [TestCase("nonsense")]
    public void Should_refuse(string line) =>
        Assert.That(() => Write(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(line))), Throws.InstanceOf<JsonException>());

    static string Write(ReadOnlySequence<byte> line)
    {
        var output = new ArrayBufferWriter<byte>();
        new CsvRows(output).Write(line);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    static ReadOnlySequence<byte> InPieces(byte[] bytes)
    {
        var first = new Piece(bytes.AsMemory(0, 1));
        var last = bytes.Skip(1).Aggregate(first, (piece, part) => piece.Append(new[] { part }));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
