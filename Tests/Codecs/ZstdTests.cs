using System.Buffers.Binary;
using ContentTree.Store.Codecs;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Codecs;

public sealed class ZstdTests
{
    private static readonly byte[] Magic = [0x28, 0xb5, 0x2f, 0xfd];

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 19)]
    [InlineData(128 << 10, 3)]
    [InlineData(1_000_003, 22)]
    public void The_zstd_program_decodes_what_the_encoder_writes(int size, int level)
    {
        using var directory = new TemporaryDirectory();
        var content = Sample(size);
        using var encoder = new ZstdEncoder(level);
        File.WriteAllBytes(directory["whole.zst"], [.. Magic, .. encoder.EncodeFrame(content)]);
        File.WriteAllBytes(directory["streamed.zst"], [.. Magic, .. Streamed(encoder, content)]);
        foreach (var name in new[] { "whole", "streamed" })
        {
            Shell.Run($"zstd -q -d {name}.zst -o {name}", directory.Path);
            File.ReadAllBytes(directory[name]).Should().Equal(content);
        }
    }

    [Fact]
    public void The_decoder_reads_what_the_zstd_program_writes_behind_its_magic_number()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["old"], Sample(300_000));
        File.WriteAllBytes(directory["new"], Changed(Sample(300_000)));
        Shell.Run("zstd -q --no-check --patch-from=old new -o patch.zst", directory.Path);
        var patch = File.ReadAllBytes(directory["patch.zst"]);
        var target = new byte[300_000];
        using var decoder = new ZstdDecoder(24);
        decoder.DecodeFrame(patch.AsSpan(4), target, Sample(300_000));
        target.Should().Equal(Changed(Sample(300_000)));
        var withMagic = () => decoder.DecodeFrame(patch, target, Sample(300_000));
        withMagic.Should().Throw<FormatException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    public void Old_bytes_as_prefix_cost_nothing_and_come_back_every_way(int size)
    {
        byte[] old = Sample(size), content = Changed(old);
        using var encoder = new ZstdEncoder(19);
        var frame = encoder.EncodeFrame(content, old);
        frame.Length.Should().BeLessThan(100 + encoder.EncodeFrame(content).Length / 20);
        Streamed(encoder, content, old).Length.Should().BeLessThan(frame.Length + 100);
        using var decoder = new ZstdDecoder(24);
        var target = new byte[size];
        decoder.DecodeFrame(frame, target, old);
        target.Should().Equal(content);
        decoder.DecodeFrame(new Drips(frame), target, old);
        target.Should().Equal(content);
        Read(new ZstdDecodeStream(new Drips(frame), size, 24, old)).Should().Equal(content);
    }

    [Fact]
    public void A_file_whose_old_bytes_are_far_away_still_finds_them()
    {
        var random = new Random(5);
        var old = new byte[24 << 20];
        random.NextBytes(old);
        byte[] content = [.. old.AsSpan(20 << 20), .. old.AsSpan(0, 20 << 20)];
        using var encoder = new ZstdEncoder(3);
        var frame = encoder.EncodeFrame(content, old);
        frame.Length.Should().BeLessThan(30_000);
        Read(new ZstdDecodeStream(new MemoryStream(frame), content.Length, 26, old)).AsSpan().SequenceEqual(content).Should().BeTrue();
        using var decoder = new ZstdDecoder(25);
        var tooSmall = () => decoder.DecodeFrame(frame, new byte[content.Length], old);
        tooSmall.Should().Throw<FormatException>().WithMessage("*too much memory*");
    }

    [Fact]
    public void The_length_must_be_the_one_expected()
    {
        using var encoder = new ZstdEncoder(3);
        using var decoder = new ZstdDecoder(20);
        var bomb = encoder.EncodeFrame(new byte[1_000_000]);
        foreach (var wrong in new[] { 0, 1, 131072, 999_999, 1_000_001, 2_000_000 })
        {
            var decode = () => decoder.DecodeFrame(bomb, new byte[wrong]);
            decode.Should().Throw<FormatException>();
            var fromStream = () => decoder.DecodeFrame(new Drips(bomb), new byte[wrong]);
            fromStream.Should().Throw<FormatException>();
            var stream = () => Read(new ZstdDecodeStream(new Drips(bomb), wrong, 20));
            stream.Should().Throw<FormatException>().WithMessage(wrong < 1_000_000 ? "*more*" : "*fewer*");
        }
        decoder.DecodeFrame(bomb, new byte[1_000_000]);
    }

    [Fact]
    public void The_window_is_bounded_by_the_caller_not_by_the_frame()
    {
        // 2 GiB of window, declared in one byte, and an empty last block.
        byte[] greedy = [0x00, 21 << 3, 0x01, 0x00, 0x00];
        Read(new ZstdDecodeStream(new MemoryStream(greedy), 0, 31)).Should().BeEmpty();
        var before = Environment.WorkingSet;
        for (var log = ZstdDecoder.MinWindowLog; log < 31; log++)
        {
            var read = () => Read(new ZstdDecodeStream(new MemoryStream(greedy), 0, log));
            read.Should().Throw<FormatException>().WithMessage("*too much memory*");
        }
        (Environment.WorkingSet - before).Should().BeLessThan(64 << 20);
    }

    [Fact]
    public void A_content_that_streams_through_a_small_window_needs_no_more_than_that()
    {
        var content = Sample(3_000_000);
        using var encoder = new ZstdEncoder(19, maxWindowLog: 16);
        var frame = Streamed(encoder, content);
        Read(new ZstdDecodeStream(new MemoryStream(frame), content.Length, 16)).Should().Equal(content);
        var smaller = () => Read(new ZstdDecodeStream(new MemoryStream(frame), content.Length, 15));
        smaller.Should().Throw<FormatException>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Truncations_and_trailing_bytes_are_refused(bool withPrefix)
    {
        var old = withPrefix ? Sample(2000) : [];
        using var encoder = new ZstdEncoder(19);
        using var decoder = new ZstdDecoder(20);
        var frame = encoder.EncodeFrame(Changed(Sample(2000)), old);
        for (var length = 0; length < frame.Length; length++)
            EveryWay(decoder, frame[..length], 2000, old, FluentThrow);
        EveryWay(decoder, [.. frame, 0], 2000, old, FluentThrow);
        EveryWay(decoder, [.. frame, .. frame], 2000, old, FluentThrow);
        EveryWay(decoder, frame, 2000, old, decode => decode.Should().NotThrow("a refused frame leaves nothing behind"));
        if (withPrefix)
            EveryWay(decoder, frame, 2000, Sample(100), FluentThrow);
    }

    [Fact]
    public void Mutated_frames_never_break_the_decoder()
    {
        var old = Sample(3000);
        using var encoder = new ZstdEncoder(19);
        using var decoder = new ZstdDecoder(20);
        var frame = encoder.EncodeFrame([.. Sample(5000).Reverse(), .. old], old);
        var random = new Random(7);
        var refused = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var mutated = (byte[])frame.Clone();
            mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            EveryWay(decoder, mutated, 8000, old, decode =>
            {
                try
                {
                    decode();
                }
                catch (FormatException)
                {
                    refused++;
                }
            });
        }
        refused.Should().BeGreaterThan(1000);
    }

    [Fact]
    public void A_source_that_ends_early_fails_the_encoder()
    {
        using var encoder = new ZstdEncoder(3);
        var encode = () => encoder.Encode(new MemoryStream(new byte[10]), 11, Stream.Null);
        encode.Should().Throw<EndOfStreamException>();
        Streamed(encoder, new byte[10]).Should().NotBeEmpty("a failed frame leaves nothing behind");
    }

    private static void FluentThrow(Action decode) => decode.Should().Throw<FormatException>();

    private static void EveryWay(ZstdDecoder decoder, byte[] frame, int length, byte[] old, Action<Action> judge)
    {
        judge(() => decoder.DecodeFrame(frame, new byte[length], old));
        judge(() => decoder.DecodeFrame(new MemoryStream(frame), new byte[length], old));
        judge(() => Read(new ZstdDecodeStream(new MemoryStream(frame), length, 20, old)));
    }

    private static byte[] Streamed(ZstdEncoder encoder, byte[] content, byte[]? old = null)
    {
        var target = new MemoryStream();
        encoder.Encode(new Drips(content), content.Length, target, old);
        return target.ToArray();
    }

    private static byte[] Read(ZstdDecodeStream stream)
    {
        using (stream)
        {
            var content = new MemoryStream();
            stream.CopyTo(content, 5000);
            return content.ToArray();
        }
    }

    private static byte[] Sample(int size)
    {
        var content = new byte[size];
        var random = new Random(size);
        for (var i = 0; i < size; i++)
            content[i] = (byte)(random.Next(10) == 0 ? random.Next(256) : i / 100);
        return content;
    }

    private static byte[] Changed(byte[] content)
    {
        var changed = (byte[])content.Clone();
        for (var i = 7; i + 4 <= content.Length; i += 30_000)
            BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(i), i);
        return changed;
    }

    // Gives a few bytes at a time, as a network does.
    private sealed class Drips(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1000));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1000)]);
    }
}
