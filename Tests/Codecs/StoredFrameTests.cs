using ContentTree.Store.Codecs;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Codecs;

public sealed class StoredFrameTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(300_000)]
    public void The_lz4_program_and_our_decoder_read_it(int size)
    {
        using var directory = new TemporaryDirectory();
        var content = Sample(size);
        var frame = Whole(Of(content));
        using var decoder = new Lz4Decoder();
        decoder.DecodeFrame(frame, size).Should().Equal(content);
        File.WriteAllBytes(directory["stored.lz4"], frame);
        Shell.Run("lz4 -q -d stored.lz4 plain", directory.Path);
        File.ReadAllBytes(directory["plain"]).Should().Equal(content);
    }

    [Fact]
    public void Every_range_of_it_is_the_same_bytes()
    {
        var stored = Of(Sample(200_000));
        var whole = Whole(stored);
        var random = new Random(7);
        for (var i = 0; i < 2000; i++)
        {
            var from = random.Next(whole.Length);
            var target = new byte[random.Next(1, 70_000)];
            var count = stored.Read(from, target);
            count.Should().Be(Math.Min(target.Length, whole.Length - from));
            target.AsSpan(0, count).SequenceEqual(whole.AsSpan(from, count)).Should().BeTrue();
        }
        stored.Read(whole.Length, new byte[1]).Should().Be(0);
    }

    [Fact]
    public void A_content_that_became_shorter_is_noticed()
    {
        var frame = new StoredFrame(1000, (_, _) => 0);
        frame.Invoking(f => Whole(f)).Should().Throw<EndOfStreamException>();
    }

    private static StoredFrame Of(byte[] content) => new(content.Length, (offset, target) =>
    {
        // Less than asked for, as a read may give.
        var count = Math.Min(Math.Min(target.Length, 10_007), content.Length - (int)offset);
        content.AsSpan((int)offset, count).CopyTo(target);
        return count;
    });

    private static byte[] Whole(StoredFrame frame)
    {
        var bytes = new byte[frame.Length];
        frame.Read(0, bytes).Should().Be(bytes.Length);
        return bytes;
    }

    private static byte[] Sample(int size)
    {
        var content = new byte[size];
        new Random(size).NextBytes(content);
        return content;
    }
}
