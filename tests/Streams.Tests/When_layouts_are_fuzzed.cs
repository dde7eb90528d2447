using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Streams.Codecs;
using Allmende.Streams.Layouts;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_layouts_are_fuzzed
{
    static readonly string[] Numbers = ["int8", "uint8", "int16be", "int16le", "uint16be", "uint16le", "int24be", "int24le", "uint24be", "uint24le", "int32be", "int32le", "uint32be", "uint32le"];
    static readonly decimal[] Scales = [1, 0.1m, 0.01m, 0.5m, 0.001m, 10, -1, 0.0625m, 0.3m];

    [Test]
    public void Should_give_the_same_data_after_encoding_and_decoding() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<int>(GivesTheSameData));

    [Test]
    public void Should_give_the_same_bytes_after_decoding_and_encoding() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<int>(GivesTheSameBytes));

    [Test]
    public void Should_never_throw_at_any_bytes() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<int, byte[]>(NeverThrows));

    [Test]
    public void Should_never_throw_at_any_layout() => FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<int>(ReadsAnything));

    [TestCase(CodecOperation.Uplink)]
    [TestCase(CodecOperation.DecodeDownlink)]
    [TestCase(CodecOperation.Encode)]
    public void Should_say_that_a_layout_of_nothing_reads_nothing(CodecOperation operation)
    {
        var answer = BinaryLayout.None.Run(operation, operation == CodecOperation.Encode ? new CodecCall(Data: Runner.Json("{}")) : new CodecCall(1, new byte[] { 1 })).Answer;

        Assert.That(answer.GetRawText(), Does.Contain("there is no layout for port"));
    }

    static void GivesTheSameData(int seed)
    {
        var random = new Random(seed);
        var (layout, fields) = Any(random);
        var data = new JsonObject();
        foreach (var field in fields) data[field["field"]!.GetValue<string>()] = ValueOf(field, random);

        var encoded = layout.Run(CodecOperation.Encode, new CodecCall(Data: JsonSerializer.SerializeToElement(data))).Answer;
        Assert.That(encoded.TryGetProperty("errors", out var errors), Is.False, () => $"{errors} {data}");
        var bytes = encoded.GetProperty("bytes").EnumerateArray().Select(one => one.GetByte()).ToArray();
        var decoded = layout.Run(CodecOperation.Uplink, new CodecCall(1, bytes)).Answer.GetProperty("decoded");

        Assert.That(JsonDifference.Find(Runner.Json(data.ToJsonString()), decoded.GetProperty("data")), Is.Null);
    }

    static void GivesTheSameBytes(int seed)
    {
        var random = new Random(seed);
        var (layout, fields) = Any(random, floats: false);
        var bytes = new byte[fields.Sum(Size)];
        random.NextBytes(bytes);
        // What is no number has no way back: let every byte of BCD be one.
        for (int i = 0, at = 0; i < fields.Count; at += Size(fields[i++]))
            if (fields[i]["type"]!.GetValue<string>().StartsWith("bcd", StringComparison.Ordinal))
                for (var j = at; j < at + Size(fields[i]); j++) bytes[j] = (byte)(random.Next(10) << 4 | random.Next(10));

        var decoded = layout.Run(CodecOperation.Uplink, new CodecCall(1, bytes)).Answer.GetProperty("decoded");
        var encoded = layout.Run(CodecOperation.Encode, new CodecCall(Data: decoded.GetProperty("data"))).Answer;

        Assert.That(encoded.GetProperty("bytes").EnumerateArray().Select(one => one.GetByte()), Is.EqualTo(bytes));
    }

    static void NeverThrows(int seed, byte[] bytes)
    {
        var (layout, _) = Any(new Random(seed));
        foreach (var operation in new[] { CodecOperation.Uplink, CodecOperation.DecodeDownlink })
            Assert.That(layout.Run(operation, new CodecCall(1, bytes)).Answer.ValueKind, Is.EqualTo(JsonValueKind.Object));
        // Nor at data that no field takes.
        var rubbish = Runner.Json($$"""{"f0": {{(bytes.Length > 0 ? bytes[0] * 1e300 : "\"x\"")}}, "f1": null, "f2": [], "f3": {{seed.ToString(CultureInfo.InvariantCulture)}}e-7}""");
        Assert.That(layout.Run(CodecOperation.Encode, new CodecCall(Data: rubbish)).Answer.ValueKind, Is.EqualTo(JsonValueKind.Object));
    }

    static void ReadsAnything(int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder(JsonSerializer.Serialize(new JsonObject { ["layout"] = new JsonArray([.. Fields(random, true)]) }));
        for (var i = random.Next(1, 6); i > 0; i--) text[random.Next(text.Length)] = "{}[]\",:0-9.eEaz \\u"[random.Next(18)];

        var (layout, faults) = LayoutReader.Read(text.ToString());

        Assert.That(layout is null, Is.EqualTo(faults.Count > 0));
    }

    /// <summary>A layout of some fields one after the other, read from its JSON as a municipality's is.</summary>
    static (BinaryLayout Layout, List<JsonObject> Fields) Any(Random random, bool floats = true)
    {
        var fields = Fields(random, floats);
        var (layout, faults) = LayoutReader.Read(new JsonObject { ["layout"] = new JsonArray([.. fields.Select(field => field.DeepClone())]) }.ToJsonString());
        Assert.That(faults, Is.Empty);
        return (layout!, fields);
    }

    static List<JsonObject> Fields(Random random, bool floats)
    {
        var fields = new List<JsonObject>();
        for (int i = 0, offset = 0; i < 1 + random.Next(6); offset += Size(fields[i++]))
        {
            var field = new JsonObject { ["field"] = $"f{i}", ["offset"] = offset };
            switch (random.Next(floats ? 4 : 3))
            {
                case 0:
                    (field["type"], field["length"], field["scale"]) = (random.Next(2) == 0 ? "bcdbe" : "bcdle", 1 + random.Next(6), Scales[random.Next(Scales.Length)]);
                    break;
                case 1:
                    (field["type"], field["bytes"], field["bit"], field["length"]) = (random.Next(2) == 0 ? "bits" : "bitsle", 1, 0, 8);
                    break;
                case 2:
                    (field["type"], field["scale"], field["offsetValue"]) = (Numbers[random.Next(Numbers.Length)], Scales[random.Next(Scales.Length)], random.Next(-1000, 1000));
                    break;
                default:
                    field["type"] = random.Next(2) == 0 ? "float64le" : "float32be";
                    break;
            }
            fields.Add(field);
        }
        return fields;
    }

    static JsonNode ValueOf(JsonObject field, Random random)
    {
        var type = field["type"]!.GetValue<string>();
        if (type.StartsWith("float32", StringComparison.Ordinal)) return random.NextSingle() * 1e6f;
        if (type.StartsWith("float64", StringComparison.Ordinal)) return (random.NextDouble() - 0.5) * 1e9;
        var bits = 8 * Size(field);
        long raw = type.StartsWith("bcd", StringComparison.Ordinal) ? random.NextInt64((long)Math.Pow(100, bits / 8)) : random.NextInt64(1L << bits);
        if (type.StartsWith("int", StringComparison.Ordinal)) raw -= 1L << (bits - 1);
        return (double)(raw * (field["scale"]?.GetValue<decimal>() ?? 1) + (field["offsetValue"]?.GetValue<int>() ?? 0));
    }

    static int Size(JsonObject field)
    {
        var type = field["type"]!.GetValue<string>();
        return type.StartsWith("bcd", StringComparison.Ordinal) ? field["length"]!.GetValue<int>()
            : type.StartsWith("bits", StringComparison.Ordinal) ? 1
            : int.Parse(string.Concat(type.Where(char.IsDigit)), CultureInfo.InvariantCulture) / 8;
    }
}
