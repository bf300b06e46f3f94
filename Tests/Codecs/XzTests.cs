using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Codecs;

public sealed class XzTests
{
    private const long Enough = 80 << 20;

    [Theory]
    [InlineData(6, false, false, 0, "-6 -Ccrc32 -T1")]
    [InlineData(9, false, false, 0, "-9 -Ccrc32 -T1")]
    [InlineData(3, true, false, 0, "-3e -Ccrc32 -T1")]
    [InlineData(7, true, true, 0, "--x86 --lzma2=preset=7e -Ccrc32 -T1")]
    [InlineData(0, false, false, 100_000, "-0 -Ccrc32 -T1 --block-size=100000")]
    [InlineData(1, false, false, 150_000, "-1 -Ccrc32 -T1 --block-size=150000")]
    public void The_encoder_writes_what_the_xz_program_writes(int preset, bool extreme, bool x86, long block, string options)
    {
        using var directory = new TemporaryDirectory();
        var content = Sample(300_000);
        File.WriteAllBytes(directory["plain"], content);
        Shell.Run($"xz -k {options} plain", directory.Path);
        XzParameters.TryCreate(preset, extreme, null, XzCheck.Crc32, x86, block, false, out var parameters).Should().BeTrue();
        var packed = Encode(content, parameters);
        packed.Should().Equal(File.ReadAllBytes(directory["plain.xz"]));
        Decode(packed, content.Length).Should().Equal(content);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Tiny_contents_come_back(int size)
    {
        XzParameters.TryCreate(6, false, null, XzCheck.Sha256, true, 4096, true, out var parameters).Should().BeTrue();
        Decode(Encode(new byte[size], parameters), size).Should().Equal(new byte[size]);
    }

    /// <summary>A library that writes other bytes breaks every descriptor made with this one: it needs a new kind.</summary>
    [Theory]
    [InlineData(6, false, "70a61dc086982c1f")]
    [InlineData(6, true, "0ad64cb19fd67a26")]
    [InlineData(5, false, "7341b559e2070cab")]
    [InlineData(2, false, "5623aeb0e799cd4d")]
    public void The_encoder_is_the_pinned_one(int preset, bool extreme, string hash)
    {
        XzParameters.TryCreate(preset, extreme, 16, XzCheck.Crc32, false, 0, false, out var parameters);
        Convert.ToHexStringLower(SHA256.HashData(Encode(Sample(500_000), parameters)))[..16].Should().Be(hash);
    }

    [Fact]
    public void Parameters_have_one_encoding_and_their_limits()
    {
        var seen = 0;
        var random = new Random(3);
        var bytes = new byte[XzParameters.MaxEncodedLength];
        for (var round = 0; round < 200_000; round++)
        {
            random.NextBytes(bytes);
            bytes[0] &= 0x3f;
            bytes[1] &= 0x1f;
            bytes[2] &= 0x05;
            bytes[random.Next(3, 8)] &= 0x7f;
            var encoded = bytes.AsSpan(0, random.Next(3, 9));
            if (!XzParameters.TryDecode(encoded, out var parameters))
                continue;
            seen++;
            parameters.Encode().Should().Equal(encoded.ToArray());
            parameters.Dictionary.Should().BeInRange(4096, 64 << 20);
        }
        seen.Should().BeGreaterThan(100);
        XzParameters.TryDecode([0x07, 16, 1, 0], out _).Should().BeFalse("preset 7 is preset 6 with another dictionary");
        XzParameters.TryDecode([0x0c, 16, 1, 0], out _).Should().BeFalse("preset 4e is 6e");
        XzParameters.TryDecode([0x26, 16, 1, 0], out _).Should().BeFalse("sizes without blocks");
        XzParameters.TryDecode([0x06, 29, 1, 0], out _).Should().BeFalse("96 MiB of dictionary");
        XzParameters.TryDecode([0x06, 16, 2, 0], out _).Should().BeFalse("no such check");
        XzParameters.TryDecode([0x06, 16, 1, 0x80, 0x00], out _).Should().BeFalse("a longer spelling of 0");
    }

    [Fact]
    public void Memory_is_what_xz_states()
    {
        XzParameters.TryCreate(6, false, 16, XzCheck.Crc32, false, 0, false, out var module).Should().BeTrue();
        (module.EncoderMemory / 1048576.0).Should().BeInRange(8, 20);
        module.DecoderMemory.Should().BeInRange(1 << 20, 2 << 20);
        XzParameters.TryCreate(9, true, null, XzCheck.Crc64, false, 0, false, out var largest).Should().BeTrue();
        (largest.EncoderMemory / 1048576.0).Should().BeInRange(600, 800);
    }

    [Fact]
    public void The_length_and_the_memory_are_bounded_by_the_caller()
    {
        XzParameters.TryCreate(9, false, null, XzCheck.Crc32, false, 0, false, out var parameters);
        var bomb = Encode(new byte[1_000_000], parameters);
        var more = () => Decode(bomb, 999_999, 128 << 20);
        more.Should().Throw<FormatException>().WithMessage("*more than 999999*");
        var fewer = () => Decode(bomb, 1_000_001, 128 << 20);
        fewer.Should().Throw<FormatException>().WithMessage("*fewer than 1000001*");
        var greedy = () => Decode(bomb, 1_000_000, 32 << 20);
        greedy.Should().Throw<FormatException>().WithMessage("*more memory*");
        Decode(bomb, 1_000_000, 128 << 20).Should().HaveCount(1_000_000);
    }

    [Fact]
    public void Truncated_longer_and_flipped_streams_are_refused()
    {
        XzParameters.TryCreate(6, false, 16, XzCheck.Crc32, true, 4096, false, out var parameters);
        var content = Sample(6000);
        var packed = Encode(content, parameters);
        for (var length = 0; length < packed.Length; length++)
            Refused(packed[..length]);
        Refused([.. packed, 0]);
        Refused([.. packed, 0, 0, 0, 0]);
        Refused([.. packed, .. packed]);
        for (var bit = 0; bit < packed.Length * 8; bit++)
        {
            var flipped = (byte[])packed.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Refused(flipped);
        }

        void Refused(byte[] bytes)
        {
            var decode = () => Decode(bytes, content.Length);
            decode.Should().Throw<FormatException>();
        }
    }

    private static byte[] Encode(byte[] content, XzParameters parameters)
    {
        using var stream = new XzEncodeStream(new MemoryStream(content), parameters);
        var packed = new MemoryStream();
        stream.CopyTo(packed);
        return packed.ToArray();
    }

    private static byte[] Decode(byte[] packed, long length, long memory = Enough)
    {
        using var stream = new XzDecodeStream(new MemoryStream(packed), length, length, memory);
        var content = new MemoryStream();
        stream.CopyTo(content, 1000);
        return content.ToArray();
    }

    private static byte[] Sample(int size)
    {
        var content = new byte[size];
        var random = new Random(size);
        for (var i = 0; i < size; i++)
            content[i] = (byte)(random.Next(10) == 0 ? random.Next(256) : i / 100);
        return content;
    }
}
