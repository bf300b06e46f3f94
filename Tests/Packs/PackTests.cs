using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Packs;

public sealed class PackTests
{
    private static readonly string Page = TestFiles.Page("format/pack.md");

    [Theory]
    [InlineData(1)]
    [InlineData(777)]
    [InlineData(1 << 20)]
    public void What_was_asked_for_comes_in_its_order(int piece)
    {
        using var samples = new PackSamples();
        byte[][] contents = [PackSamples.Content(1, 1), [], PackSamples.Content(300_000, 2), .. Enumerable.Range(3, 40).Select(i => PackSamples.Content(i * 100, i))];
        var names = contents.Select(c => samples.Add(c)).ToList();
        var tree = new Tree(Metadata.Plain(0x1ed), []).Encode();
        names.Add(samples.Add(tree, ObjectKind.Tree));
        names.Insert(2, PackSamples.Lacking(1));
        names.Add(PackSamples.Lacking(2));

        var pack = samples.Pack(new PackRequest(names));
        var got = PackSamples.Read(pack, names.Count, piece);

        got.HasEnded.Should().BeTrue();
        got.Objects.Keys.Should().Equal(Enumerable.Range(0, names.Count));
        byte[]?[] expected = [contents[0], contents[1], null, .. contents[2..], tree, null];
        got.Objects.Values.Zip(expected).Should().OnlyContain(pair => pair.First == null ? pair.Second == null : pair.First.SequenceEqual(pair.Second!));
        got.Objects.Count.Should().Be(expected.Length);
        pack.Length.Should().BeLessThan(contents.Sum(c => c.Length) * 2 / 3);
    }

    [Theory]
    [InlineData(0, 300_000)]
    [InlineData(1, 299_999)]
    [InlineData(131_072, 168_928)]
    [InlineData(300_000, 0)]
    [InlineData(300_001, -1)]
    public void The_first_object_goes_on_where_it_stopped(long offset, int expected)
    {
        using var samples = new PackSamples();
        var content = PackSamples.Content(300_000, 1);
        var request = new PackRequest([samples.Add(content), samples.Add([7])], offset);
        var got = PackSamples.Read(samples.Pack(request), 2);
        if (expected < 0)
            got.Objects[0].Should().BeNull();
        else
            got.Objects[0].Should().Equal(content[(int)offset..]);
        got.Objects[1].Should().Equal(7);
    }

    [Fact]
    public void A_cut_loses_no_more_than_the_frame_in_which_it_falls()
    {
        using var samples = new PackSamples();
        var noise = new byte[400_000];
        new Random(1).NextBytes(noise);
        var frames = samples.Frames(new PackRequest([samples.Add(noise), samples.Add(PackSamples.Content(200_000, 2))]));
        frames.Should().OnlyContain(f => f.Length <= 66 << 10);

        var target = new PackCounting();
        using var reader = new PackReader(2, target);
        long sent = 0;
        foreach (var frame in frames[..^1])
        {
            var (before, bytes) = (target.Bytes, frame.Length);
            reader.Feed(frame.AsSpan(0, bytes - 1));
            target.Bytes.Should().Be(before);
            reader.Feed(frame.AsSpan(bytes - 1));
            target.Bytes.Should().BeGreaterThan(before);
            sent += target.Bytes - before;
        }
        sent.Should().Be(600_000);
    }

    [Fact]
    public void An_object_that_cannot_be_read_is_missing_and_a_torn_one_ends_the_stream()
    {
        using var samples = new PackSamples();
        var (first, second) = (samples.Add(PackSamples.Content(500_000, 1)), samples.Add(PackSamples.Content(500_000, 2)));
        var path = Path.Combine(samples.Repository.Path, first.RelativePath);
        File.WriteAllBytes(path, "no frame at all, but longer than one"u8.ToArray());
        PackSamples.Read(samples.Pack(new PackRequest([first, second])), 2).Objects[0].Should().BeNull();

        path = Path.Combine(samples.Repository.Path, second.RelativePath);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^100_000]);
        var pack = () => samples.Pack(new PackRequest([second]));
        pack.Should().Throw<CorruptObjectException>();
    }

    [Fact]
    public void Requests_are_canonical_and_limited()
    {
        var request = new PackRequest([PackSamples.Lacking(1), PackSamples.Lacking(2) with { Kind = ObjectKind.Commit }], 5);
        var body = request.Encode();
        var read = PackRequest.Decode(body);
        read.Offset.Should().Be(5);
        read.Objects.Should().Equal(request.Objects);
        for (var length = 0; length < body.Length; length++)
        {
            var cut = () => PackRequest.Decode(body.AsSpan(0, length));
            if (length != 12 + 33)
                cut.Should().Throw<FormatException>($"of {length} bytes");
        }
        var tooMany = () => PackRequest.Decode([.. body[..12], .. new byte[33 * (PackRequest.MaxObjects + 1)]]);
        tooMany.Should().Throw<FormatException>();
        new PackRequest([.. Enumerable.Range(0, PackRequest.MaxObjects).Select(PackSamples.Lacking)]).Encode().Length.Should().Be(PackRequest.MaxBytes);
        foreach (var (at, value) in new[] { (0, 'X'), (11, 0x80), (12, 3) })
        {
            var bad = body.ToArray();
            bad[at] = (byte)value;
            var decode = () => PackRequest.Decode(bad);
            decode.Should().Throw<FormatException>($"of byte {at}");
        }
    }

    [Fact]
    public void The_pages_bytes_are_read_and_written()
    {
        using var samples = new PackSamples();
        var request = new PackRequest([samples.Add("hello\n"u8.ToArray())], 2);
        Vectors.FromHex(TestFiles.Block(Page, "## Request", "hex")).Should().Equal(request.Encode());

        var answer = Vectors.FromHex(TestFiles.Block(Page, "## Answer", "hex"));
        var got = PackSamples.Read(answer, 2);
        got.HasEnded.Should().BeTrue();
        got.Objects[0].Should().Equal("llo\n"u8.ToArray());
        got.Objects[1].Should().BeNull();
    }

    [Theory]
    [InlineData("1 to 4096 objects", PackRequest.MaxObjects)]
    [InlineData("at most 67584", PackFormat.MaxStoredBytes)]
    [InlineData("at most 65536", PackFormat.MaxContentBytes)]
    [InlineData("2^22 bytes", PackFormat.WindowLog)]
    public void The_pages_limits_are_the_codes(string text, int limit)
    {
        Page.Should().Contain(text);
        text.Should().Contain(limit.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private sealed class PackCounting : IPackTarget
    {
        public long Bytes { get; private set; }

        public void Begin(int index, long length)
        {
        }

        public void Write(ReadOnlySpan<byte> content) => Bytes += content.Length;

        public void Complete(int index)
        {
        }

        public void Missing(int index)
        {
        }
    }
}
