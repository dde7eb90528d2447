using Allmende.Contracts;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_observations_are_packed
{
    [FsCheck.NUnit.Property(MaxTest = 300)]
    public FsCheck.Property Should_come_out_as_they_went_in() => Prop.ForAll(Batches().ToArbitrary(), batch =>
    {
        var read = new List<Observation>();
        var received = ObservationBatch.Read(ObservationBatch.Write(batch.Received, batch.Observations), read);
        return received == batch.Received && read.SequenceEqual(batch.Observations);
    });

    [FsCheck.NUnit.Property(MaxTest = 1000)]
    public FsCheck.Property Should_refuse_bytes_that_are_no_batch_with_a_format_fault_alone() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            ReadOrRefuse(bytes);
            ReadOrRefuse([1, .. bytes]); // with the version that it looks for
        });

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public FsCheck.Property Should_survive_every_cut_and_every_flipped_byte() =>
        Prop.ForAll(Batches().ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), (batch, seed) =>
        {
            var bytes = ObservationBatch.Write(batch.Received, batch.Observations);
            ReadOrRefuse(bytes[..(seed % bytes.Length)]);
            bytes[seed % bytes.Length] ^= (byte)(1 << (seed % 8));
            ReadOrRefuse(bytes);
        });

    [Test]
    public void Should_take_21_bytes_for_a_number() => Assert.That(
        ObservationBatch.Write(0, Enumerable.Repeat(new Observation("d", 1, 2), 101).ToArray()).Length - ObservationBatch.Write(0, [new Observation("d", 1, 2)]).Length, Is.EqualTo(100 * 21));

    [Test]
    public void Should_not_reserve_what_a_lying_header_claims()
    {
        var bytes = ObservationBatch.Write(0, [new Observation("d", 1, 2)]);
        BitConverter.GetBytes(uint.MaxValue).CopyTo(bytes, 11 + 3); // the number of observations
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => ObservationBatch.Read(bytes, []), Throws.InstanceOf<FormatException>());
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1_000_000));
    }

    [TestCase(uint.MaxValue)]
    [TestCase((uint)int.MaxValue)]
    public void Should_refuse_a_text_that_claims_to_be_longer_than_memory(uint length)
    {
        var bytes = ObservationBatch.Write(0, [new Observation("d", 1, 0, "true")]);
        BitConverter.GetBytes(length).CopyTo(bytes, bytes.Length - 4 - "true".Length);
        Assert.That(() => ObservationBatch.Read(bytes, []), Throws.InstanceOf<FormatException>());
    }

    static void ReadOrRefuse(byte[] bytes)
    {
        var read = new List<Observation> { new("before", 0, 0) };
        try
        {
            ObservationBatch.Read(bytes, read);
        }
        catch (FormatException)
        {
            Assert.That(read, Has.Count.EqualTo(1), "nothing is added of what is refused");
        }
    }

    static Gen<(long Received, Observation[] Observations)> Batches() =>
        from received in ArbMap.Default.GeneratorFor<long>()
        from observations in One().ArrayOf()
        select (received, observations);

    static Gen<Observation> One() =>
        from datastream in Gen.Elements("pegel-1.level", "pegel-1.battery", "ä.ß", "")
        from time in ArbMap.Default.GeneratorFor<long>()
        from value in ArbMap.Default.GeneratorFor<double>()
        from json in Gen.OneOf(Gen.Constant<string?>(null), Gen.Elements<string?>("true", "\"Grüße 🌳\"", "{}", ""))
        from quality in Gen.Choose(0, 15)
        from end in ArbMap.Default.GeneratorFor<long?>()
        from resultTime in ArbMap.Default.GeneratorFor<long?>()
        from extra in Gen.Elements<string?>(null, "{\"parameters\":{}}")
        select new Observation(datastream, time, json is null ? value : 0, json, (Quality)quality, end, resultTime, extra);
}
