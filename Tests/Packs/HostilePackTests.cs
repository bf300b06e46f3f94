using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Packs;
using ContentTree.Tests.Deltas;

namespace ContentTree.Tests.Packs;

/// <summary>Whatever bytes come in place of a pack: an error or the asked-for bytes, never more, in bounded memory.</summary>
public sealed class HostilePackTests
{
    private const int Objects = 4;

    [Fact]
    public void Every_cut_is_noticed()
    {
        var pack = Sample();
        for (var length = 0; length < pack.Length; length++)
            PackSamples.Read(pack.AsSpan(0, length), Objects).HasEnded.Should().BeFalse();
    }

    [Fact]
    public void Every_flipped_bit_is_refused_or_never_ends()
    {
        var pack = Sample();
        for (var bit = 0; bit < pack.Length * 8; bit++)
        {
            pack[bit / 8] ^= (byte)(1 << bit % 8);
            try
            {
                PackSamples.Read(pack, Objects).HasEnded.Should().BeFalse($"of bit {bit}");
            }
            catch (CorruptPackException)
            {
            }
            pack[bit / 8] ^= (byte)(1 << bit % 8);
        }
    }

    [Fact]
    public void Frames_out_of_order_left_out_or_sent_twice_are_refused()
    {
        using var samples = new PackSamples();
        var frames = samples.Frames(new PackRequest([samples.Add(PackSamples.Content(250_000, 1))]));
        foreach (var order in new int[][] { [0, 2, 1, 3, 4], [0, 2, 3, 4], [0, 1, 1, 2, 3, 4], [0, 1, 2, 3, 4, 4], [0, 4], [1, 2, 3, 4] })
        {
            byte[] pack = [.. order.SelectMany(i => frames[i])];
            var read = () => PackSamples.Read(pack, 1);
            read.Should().Throw<CorruptPackException>(string.Join(' ', order));
        }
    }

    [Theory]
    [InlineData("00", 1, "")]
    [InlineData("0161", 1, "more objects")]
    [InlineData("0000", 1, "more objects")]
    [InlineData("", 1, "before the last object")]
    [InlineData("0561", 1, "before the last object")]
    [InlineData("80", 1, "before the last object")]
    [InlineData("8000", 1, "second spelling")]
    [InlineData("ffffffffffffffffff02", 1, "impossible length")]
    [InlineData("ffffffffffffffffffff01", 1, "impossible length")]
    [InlineData("8180808080808080800161", 1, "impossible length")]
    [InlineData("80808080808080808001", 1, "before the last object")]
    [InlineData("81808080808080808001", 1, "impossible length")]
    [InlineData("81808080808080808000", 1, "second spelling")]
    public void What_the_frames_hold_must_be_what_was_asked_for(string hex, int count, string reason)
    {
        var pack = Make(Convert.FromHexString(hex));
        var read = () => PackSamples.Read(pack, count).HasEnded.Should().BeTrue();
        if (reason.Length == 0)
            read.Should().NotThrow();
        else
            read.Should().Throw<CorruptPackException>().WithMessage($"*{reason}*");
    }

    [Theory]
    [InlineData(50_000, 50_001)]
    [InlineData(50_000, 49_999)]
    [InlineData(50_000, 1)]
    [InlineData(50_000, 65_537)]
    [InlineData(50_000, -1)]
    [InlineData(50_000, 0)]
    public void A_frame_that_holds_another_length_than_it_tells_is_refused(int real, int told)
    {
        using var encoder = new ZstdFlushEncoder(3, PackFormat.WindowLog);
        var stored = Encode(encoder, new byte[real]);
        var pack = PackFormat.Magic.ToArray().Concat(Frame(0, stored, told)).ToArray();
        var read = () => PackSamples.Read(pack, 1 << 20);
        read.Should().Throw<CorruptPackException>();
    }

    [Theory]
    [InlineData(23)]
    [InlineData(27)]
    public void A_window_that_needs_more_memory_is_refused(int windowLog)
    {
        using var encoder = new ZstdFlushEncoder(3, windowLog);
        var pack = PackFormat.Magic.ToArray().Concat(Frame(0, Encode(encoder, new byte[100]), 100)).ToArray();
        var read = () => PackSamples.Read(pack, 200);
        read.Should().Throw<CorruptPackException>();
    }

    [Fact]
    public void A_closed_zstd_frame_is_refused()
    {
        using var encoder = new ZstdEncoder(3, PackFormat.WindowLog);
        var pack = PackFormat.Magic.ToArray().Concat(Frame(0, encoder.EncodeFrame([1, 0x61]), 2)).ToArray();
        var read = () => PackSamples.Read(pack, 1);
        read.Should().Throw<CorruptPackException>();
    }

    // Checksums are made right again, so that what lies behind them is reached.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_mutation_does_more_than_fail(int seed)
    {
        using var samples = new PackSamples();
        var request = Request(samples);
        var frames = samples.Frames(request);
        frames[0] = frames[0][4..];
        var random = new Random(seed);
        for (var rounds = Mutation.Count(100_000) / 3; rounds > 0; rounds--)
        {
            byte[] pack = [.. PackFormat.Magic, .. frames.SelectMany(f => random.Next(2) == 0 ? f : Mutated(f, random))];
            try
            {
                PackSamples.Read(pack, Objects, random.Next(1, 4000)).Objects.Count.Should().BeLessThanOrEqualTo(Objects);
            }
            catch (CorruptPackException)
            {
            }
        }
    }

    private static byte[] Mutated(byte[] frame, Random random)
    {
        var bytes = frame.ToArray();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(PackFormat.ChecksumBytes, bytes.Length);
            bytes[at] = random.Next(3) switch
            {
                0 => (byte)(bytes[at] ^ 1 << random.Next(8)),
                1 => (byte)random.Next(256),
                _ => 0xff,
            };
        }
        if (random.Next(8) == 0)
            bytes = bytes[..random.Next(PackFormat.HeaderBytes, bytes.Length + 1)];
        Seal(bytes);
        return bytes;
    }

    private static PackRequest Request(PackSamples samples) => new([
        samples.Add(PackSamples.Content(100, 1)), PackSamples.Lacking(1), samples.Add(PackSamples.Content(400, 2)), samples.Add(PackSamples.Content(3, 3))]);

    private static byte[] Sample()
    {
        using var samples = new PackSamples();
        return samples.Pack(Request(samples));
    }

    private static byte[] Make(byte[] content)
    {
        using var encoder = new ZstdFlushEncoder(3, PackFormat.WindowLog);
        var first = content.Length == 0 ? [] : Frame(0, Encode(encoder, content), content.Length);
        return [.. PackFormat.Magic, .. first, .. Frame(content.Length == 0 ? 0u : 1u, [], 0)];
    }

    private static byte[] Encode(ZstdFlushEncoder encoder, byte[] content)
    {
        var target = new byte[ZstdFlushEncoder.Bound(content.Length)];
        return target[..encoder.Encode(content, target)];
    }

    private static byte[] Frame(uint number, byte[] stored, int told)
    {
        var frame = new byte[PackFormat.HeaderBytes + stored.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), number);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(12), stored.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(16), told);
        stored.CopyTo(frame, PackFormat.HeaderBytes);
        Seal(frame);
        return frame;
    }

    private static void Seal(byte[] frame) => SHA256.HashData(frame.AsSpan(PackFormat.ChecksumBytes)).AsSpan(0, PackFormat.ChecksumBytes).CopyTo(frame);
}
