using ContentTree.Store.Codecs;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Codecs;

public sealed class Lz4Tests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(3_000_000)]
    public void The_lz4_program_decodes_what_the_encoder_writes(int size)
    {
        using var directory = new TemporaryDirectory();
        var content = Sample(size);
        using var encoder = new Lz4Encoder();
        File.WriteAllBytes(directory["whole.lz4"], encoder.EncodeFrame(content).ToArray());
        var streamed = new List<byte>(encoder.Begin(size).ToArray());
        foreach (var part in content.Chunk(100_000))
            streamed.AddRange(encoder.Update(part).ToArray());
        streamed.AddRange(encoder.End().ToArray());
        File.WriteAllBytes(directory["streamed.lz4"], [.. streamed]);
        foreach (var name in new[] { "whole", "streamed" })
        {
            Shell.Run($"lz4 -q -d {name}.lz4 {name}", directory.Path);
            File.ReadAllBytes(directory[name]).Should().Equal(content);
        }
    }

    [Fact]
    public void The_decoder_reads_what_the_lz4_program_writes()
    {
        using var directory = new TemporaryDirectory();
        var content = Sample(500_000);
        File.WriteAllBytes(directory["plain"], content);
        Shell.Run("lz4 -q -9 --content-size plain plain.lz4", directory.Path);
        using var decoder = new Lz4Decoder();
        decoder.DecodeFrame(File.ReadAllBytes(directory["plain.lz4"]), content.Length).Should().Equal(content);
    }

    [Fact]
    public void A_frame_never_yields_more_than_the_limit()
    {
        using var encoder = new Lz4Encoder();
        using var decoder = new Lz4Decoder();
        var bomb = encoder.EncodeFrame(new byte[1_000_000]).ToArray();
        var decode = () => decoder.DecodeFrame(bomb, 999_999);
        decode.Should().Throw<FormatException>().WithMessage("*more than 999999*");
        decoder.DecodeFrame(bomb, 1_000_000).Should().HaveCount(1_000_000);
    }

    [Fact]
    public void Truncations_and_trailing_bytes_are_refused()
    {
        using var encoder = new Lz4Encoder();
        using var decoder = new Lz4Decoder();
        var frame = encoder.EncodeFrame(Sample(2000)).ToArray();
        for (var length = 0; length < frame.Length; length++)
        {
            var decode = () => decoder.DecodeFrame(frame.AsSpan(0, length), 10_000);
            decode.Should().Throw<FormatException>();
        }
        var longer = () => decoder.DecodeFrame([.. frame, 0], 10_000);
        longer.Should().Throw<FormatException>();
        decoder.DecodeFrame(frame, 10_000).Should().HaveCount(2000, "a refused frame leaves nothing behind in the decoder");
    }

    [Fact]
    public void Mutated_frames_never_break_the_decoder()
    {
        using var encoder = new Lz4Encoder();
        using var decoder = new Lz4Decoder();
        var frame = encoder.EncodeFrame(Sample(5000)).ToArray();
        var random = new Random(7);
        var refused = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var mutated = (byte[])frame.Clone();
            mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            try
            {
                decoder.DecodeFrame(mutated, 5000).Length.Should().BeLessThanOrEqualTo(5000);
            }
            catch (FormatException)
            {
                refused++;
            }
        }
        refused.Should().BeGreaterThan(1000);
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
