using System.Buffers;
using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>What is written is read as it was, and nothing that comes over the wire does more than be refused.</summary>
[TestFixture]
public class When_packets_are_read
{
    static readonly ProtocolLevel[] Levels = [ProtocolLevel.V311, ProtocolLevel.V5];

    /// <summary>PayloadFormatIndicator, ContentType, ResponseTopic, CorrelationData, two user properties.</summary>
    static readonly byte[] Forwarded =
        [0x01, 1, 0x03, 0, 1, (byte)'j', 0x08, 0, 2, (byte)'r', (byte)'t', 0x09, 0, 1, 7, 0x26, 0, 1, (byte)'a', 0, 1, (byte)'b', 0x26, 0, 1, (byte)'a', 0, 0];

    static readonly Gen<string> Texts = Gen.Elements("", "a", "pegel-1", "ä😀/ß", new string('x', 300), "stadt/devices/pegel-1/up");

    static readonly Gen<byte[]> Payloads = ArbMap.Default.GeneratorFor<byte[]>();

    static readonly Gen<ushort> Ids = Gen.Choose(1, ushort.MaxValue).Select(id => (ushort)id);

    static byte[] Bytes(Action<PacketBuffer> encode)
    {
        var buffer = new PacketBuffer();
        encode(buffer);
        return buffer.Written.ToArray();
    }

    /// <summary>The packet in the bytes, cut at an arbitrary place into two segments.</summary>
    static (byte First, byte[] Body) Frame(byte[] bytes, int cut = 1)
    {
        var received = Segments(bytes, cut);
        Assert.That(PacketFrame.TryTake(ref received, 1 << 20, out var first, out var body), Is.EqualTo(ReasonCode.Success));
        Assert.That(received.IsEmpty);
        return (first, body.ToArray());
    }

    static ReadOnlySequence<byte> Segments(byte[] bytes, int cut)
    {
        var end = new Segment(bytes.AsMemory(cut), cut);
        return new ReadOnlySequence<byte>(new Segment(bytes.AsMemory(0, cut), 0) { Following = end }, 0, end, bytes.Length - cut);
    }

    sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Following { init => Next = value; }
    }

    static Gen<ConnectPacket> Connects() =>
        from level in Gen.Elements(Levels)
        from clean in Gen.Elements(true, false)
        from keepAlive in Gen.Choose(0, ushort.MaxValue)
        from id in Texts
        from user in Texts
        from password in Payloads
        from expiry in Gen.Choose(1, int.MaxValue)
        from has in Gen.Choose(0, 15)
        from qos in Gen.Choose(0, 2)
        select new ConnectPacket
        {
            Level = level,
            CleanStart = clean,
            KeepAlive = (ushort)keepAlive,
            ClientId = id,
            UserName = (has & 1) != 0 ? user : null,
            Password = (has & 3) == 3 ? password : null,
            Will = (has & 4) != 0 ? new WillPacket("a/b", password, qos, (has & 8) != 0, level == ProtocolLevel.V5 ? (uint)has : 0, null, level == ProtocolLevel.V5 ? Forwarded : []) : null,
            SessionExpiry = level == ProtocolLevel.V5 ? (uint)expiry : clean ? 0 : uint.MaxValue,
            ReceiveMaximum = level == ProtocolLevel.V5 ? (ushort)(1 + has) : ushort.MaxValue,
            MaximumPacketSize = level == ProtocolLevel.V5 ? (uint)expiry : 0,
            WantsReasons = level == ProtocolLevel.V311 || (has & 2) != 0,
        };

    [Test]
    public void Should_read_CONNECT_as_it_was_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Connects().ToArbitrary(), packet =>
    {
        var (first, body) = Frame(Bytes(packet.Encode));
        var read = ConnectPacket.Decode(body, out var fault)!;
        return first == 0x10 && fault == ReasonCode.Success && Same(read, packet);
    }));

    static bool Same(ConnectPacket a, ConnectPacket b) =>
        a with { Password = null, Will = null } == b with { Password = null, Will = null } && Same(a.Password, b.Password) && Same(a.Will?.Payload, b.Will?.Payload)
        && Same(a.Will?.Forwarded, b.Will?.Forwarded) && (a.Will is null ? b.Will is null : a.Will with { Payload = [], Forwarded = [] } == b.Will! with { Payload = [], Forwarded = [] });

    static bool Same(byte[]? a, byte[]? b) => a is null ? b is null : b is not null && a.AsSpan().SequenceEqual(b);

    [Test]
    public void Should_read_PUBLISH_as_it_was_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(
        (from level in Gen.Elements(Levels)
         from topic in Texts.Where(text => text.Length > 0)
         from payload in Payloads
         from qos in Gen.Choose(0, 2)
         from id in Ids
         from flags in Gen.Choose(0, 3)
         select (level, topic, payload, qos, id, flags)).ToArbitrary(), one =>
        {
            var bytes = Bytes(buffer => new PublishPacket
            {
                Topic = Encoding.UTF8.GetBytes(one.topic),
                Payload = one.payload,
                Qos = one.qos,
                PacketId = one.id,
                Dup = one.qos > 0 && (one.flags & 1) != 0,
                Retain = (one.flags & 2) != 0,
                Properties = [0x02, 0, 0, 0, 9, .. Forwarded, 0x23, 0, 3],
            }.Encode(buffer, one.level));
            var (first, body) = Frame(bytes, Math.Min(bytes.Length, one.id % 7));
            var read = PublishPacket.Decode(first, body, one.level, PropertyTable.PublishToServer, out var fault);
            return fault == ReasonCode.Success && Encoding.UTF8.GetString(read.Topic) == one.topic && read.Payload.SequenceEqual(one.payload) && read.Qos == one.qos
                && read.PacketId == (one.qos > 0 ? one.id : 0) && read.Dup == (one.qos > 0 && (one.flags & 1) != 0) && read.Retain == ((one.flags & 2) != 0)
                && (one.level == ProtocolLevel.V311
                    ? read.Expiry is null && read.TopicAlias == 0
                    : read.Expiry == 9 && read.TopicAlias == 3 && read.Forwarded().AsSpan().SequenceEqual(Forwarded));
        }));

    [Test]
    public void Should_read_acknowledgements_as_they_were_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(
        (from level in Gen.Elements(Levels)
         from type in Gen.Elements(PacketType.PubAck, PacketType.PubRec, PacketType.PubRel, PacketType.PubComp)
         from id in Ids
         from fails in Gen.Elements(true, false)
         from reason in Gen.Elements(null, "", "darum")
         select (level, type, id, fails, reason)).ToArbitrary(), one =>
        {
            var code = !one.fails || one.level == ProtocolLevel.V311 ? ReasonCode.Success
                : one.type is PacketType.PubAck or PacketType.PubRec ? ReasonCode.QuotaExceeded : ReasonCode.PacketIdNotFound;
            var (first, body) = Frame(Bytes(buffer => new AckPacket(one.id, code).Encode(buffer, one.type, one.level, one.reason)));
            return first >> 4 == (int)one.type && AckPacket.Decode(one.type, body, one.level, out var fault) == new AckPacket(one.id, code) && fault == ReasonCode.Success;
        }));

    [Test]
    public void Should_read_subscriptions_as_they_were_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(
        (from level in Gen.Elements(Levels)
         from id in Ids
         from identifier in Gen.Choose(0, 268_435_455)
         from filters in Gen.NonEmptyListOf(from text in Texts from options in Gen.Choose(0, 11) select new RequestedFilter(text, options % 3, level == ProtocolLevel.V5 && (options & 1) != 0, level == ProtocolLevel.V5 && (options & 2) != 0, level == ProtocolLevel.V5 ? options % 3 : 0))
         select (level, id, identifier, filters)).ToArbitrary(), one =>
        {
            var identifier = one.level == ProtocolLevel.V5 ? (uint)one.identifier : 0;
            var (_, body) = Frame(Bytes(buffer => new SubscribePacket(one.id, identifier, [.. one.filters]).Encode(buffer, one.level)));
            var read = SubscribePacket.Decode(body, one.level, out _)!;
            var (_, other) = Frame(Bytes(buffer => new UnsubscribePacket(one.id, [.. one.filters.Select(filter => filter.Filter)]).Encode(buffer, one.level)));
            var back = UnsubscribePacket.Decode(other, one.level, out _)!;
            return read.PacketId == one.id && read.Identifier == identifier && read.Filters.SequenceEqual(one.filters)
                && back.PacketId == one.id && back.Filters.SequenceEqual(one.filters.Select(filter => filter.Filter));
        }));

    static readonly byte[][] Valid =
    [
        Bytes(new ConnectPacket { Level = ProtocolLevel.V5, CleanStart = true, KeepAlive = 9, ClientId = "a", UserName = "stadt", Password = [1, 2], SessionExpiry = 5, Will = new WillPacket("a/b", [1], 2, true, 3, 4, Forwarded) }.Encode),
        Bytes(new ConnectPacket { Level = ProtocolLevel.V311, CleanStart = false, KeepAlive = 9, ClientId = "a", UserName = "stadt", Password = [1, 2] }.Encode),
        Bytes(buffer => new PublishPacket { Topic = "stadt/devices/a/up"u8, Payload = "{}"u8, Qos = 1, PacketId = 7, Properties = Forwarded }.Encode(buffer, ProtocolLevel.V5)),
        Bytes(buffer => new PublishPacket { Topic = "stadt/devices/a/up"u8, Payload = "{}"u8, Qos = 2, PacketId = 7 }.Encode(buffer, ProtocolLevel.V311)),
        Bytes(buffer => new SubscribePacket(3, 9, [new("a/+/#", 1, true, true, 2), new("$share/g/a", 2, false, false, 0)]).Encode(buffer, ProtocolLevel.V5)),
        Bytes(buffer => new UnsubscribePacket(3, ["a", "b"]).Encode(buffer, ProtocolLevel.V5)),
        Bytes(buffer => new AckPacket(3, ReasonCode.PacketIdNotFound).Encode(buffer, PacketType.PubRel, ProtocolLevel.V5, "darum")),
        Bytes(buffer => new DisconnectPacket(ReasonCode.DisconnectWithWill, 3).Encode(buffer, "darum")),
    ];

    static Gen<byte[]> Mutated() =>
        from packet in Gen.Elements(Valid)
        from count in Gen.Choose(1, 4)
        from places in Gen.ListOf(Gen.Choose(0, 500), count)
        from values in Gen.ListOf(Gen.Elements(0, 1, 0x7F, 0x80, 0xFF, 0x26, 0x23, 0x0B, 42), count)
        from cut in Gen.Choose(0, 3)
        select places.Zip(values).Aggregate(packet, (bytes, change) =>
        {
            var changed = bytes.ToArray();
            changed[change.First % bytes.Length] = (byte)change.Second;
            return cut == 0 ? changed[..Math.Max(1, change.First % bytes.Length)] : changed;
        });

    [Test]
    public void Should_refuse_whatever_is_not_quite_right() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Mutated().ToArbitrary(), DecodesOrRefuses));

    [Test]
    public void Should_refuse_noise() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(Payloads.ToArbitrary(), DecodesOrRefuses));

    /// <summary>Frames and decodes at both levels, as every type; a sound packet and a fault are both fine, an exception is not.</summary>
    static bool DecodesOrRefuses(byte[] bytes)
    {
        var received = new ReadOnlySequence<byte>(bytes);
        var before = received.Length;
        while (PacketFrame.TryTake(ref received, 4096, out _, out _) == ReasonCode.Success)
        {
            if (received.Length >= before) return false;
            before = received.Length;
        }
        var body = bytes.AsSpan(Math.Min(bytes.Length, 2));
        ConnectPacket.Decode(body, out _);
        foreach (var level in Levels)
        {
            PublishPacket.Decode(bytes.Length > 0 ? bytes[0] : (byte)0, body, level, PropertyTable.PublishToServer, out var fault);
            if (fault == ReasonCode.Success) PublishPacket.Decode(bytes[0], body, level, PropertyTable.PublishToServer, out _).Forwarded();
            foreach (var type in (ReadOnlySpan<PacketType>)[PacketType.PubAck, PacketType.PubRec, PacketType.PubRel, PacketType.PubComp]) AckPacket.Decode(type, body, level, out _);
            SubscribePacket.Decode(body, level, out _);
            UnsubscribePacket.Decode(body, level, out _);
            SubAckPacket.Decode(PacketType.SubAck, body, level, out _);
            ConnAckPacket.Decode(body, level, out _);
            DisconnectPacket.Decode(body, level, out _);
        }
        return true;
    }

    [TestCase("00", ReasonCode.MalformedPacket, TestName = "a type that does not exist")]
    [TestCase("2002", ReasonCode.MalformedPacket, TestName = "a type that only servers send")]
    [TestCase("36", ReasonCode.MalformedPacket, TestName = "QoS 3")]
    [TestCase("38", ReasonCode.MalformedPacket, TestName = "DUP with QoS 0")]
    [TestCase("8000", ReasonCode.MalformedPacket, TestName = "SUBSCRIBE without its flag")]
    [TestCase("C08000", ReasonCode.MalformedPacket, TestName = "a length that is longer than need be")]
    [TestCase("30FFFFFFFF", ReasonCode.MalformedPacket, TestName = "a length of five bytes")]
    [TestCase("30FFFFFF7F", ReasonCode.PacketTooLarge, TestName = "256 MB")]
    [TestCase("3080", null, TestName = "half a length")]
    [TestCase("300401", null, TestName = "half a packet")]
    [TestCase("", null, TestName = "nothing")]
    public void Should_see_at_the_first_bytes(string hex, object? expected)
    {
        var received = new ReadOnlySequence<byte>(Convert.FromHexString(hex));
        Assert.That(PacketFrame.TryTake(ref received, 1 << 20, out _, out _), Is.EqualTo(expected));
    }

    [TestCase("000102", ReasonCode.MalformedPacket, TestName = "CONNECT that is cut off")]
    [TestCase("00044D5154540402003C0001", ReasonCode.MalformedPacket, TestName = "CONNECT without its client id")]
    [TestCase("00044D5154540403003C0000", ReasonCode.MalformedPacket, TestName = "CONNECT with the reserved flag")]
    [TestCase("00044D515454040A003C0000", ReasonCode.MalformedPacket, TestName = "CONNECT with a will's QoS but no will")]
    [TestCase("00044D5154540442003C00000000", ReasonCode.MalformedPacket, TestName = "CONNECT with a password alone, 3.1.1")]
    [TestCase("00044D5154540302003C0000", ReasonCode.UnsupportedProtocolVersion, TestName = "CONNECT of another level")]
    [TestCase("00064D51497364700302003C0000", ReasonCode.UnsupportedProtocolVersion, TestName = "CONNECT of MQTT 3.1")]
    [TestCase("00044854545000000000", ReasonCode.ProtocolError, TestName = "CONNECT of something else")]
    [TestCase("00044D5154540502003C0211000000", ReasonCode.MalformedPacket, TestName = "CONNECT whose properties are cut off")]
    [TestCase("00044D5154540502003C0A110000000111000000010000", ReasonCode.ProtocolError, TestName = "CONNECT with a property twice")]
    [TestCase("00044D5154540502003C032100000000", ReasonCode.ProtocolError, TestName = "CONNECT with a receive maximum of 0")]
    [TestCase("00044D5154540502003C032300010000", ReasonCode.ProtocolError, TestName = "CONNECT with a property that is another packet's")]
    [TestCase("00044D5154540502003C027F010000", ReasonCode.MalformedPacket, TestName = "CONNECT with a property that does not exist")]
    [TestCase("00044D5154540402003C0001C0", ReasonCode.MalformedPacket, TestName = "CONNECT whose client id is no UTF-8")]
    [TestCase("00044D5154540402003C000100", ReasonCode.MalformedPacket, TestName = "CONNECT whose client id has U+0000")]
    public void Should_say_what_is_wrong_with(string hex, object expected)
    {
        Assert.That(ConnectPacket.Decode(Convert.FromHexString(hex), out var fault), Is.Null);
        Assert.That(fault, Is.EqualTo(expected));
    }
}
