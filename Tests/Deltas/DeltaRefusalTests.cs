using System.Buffers;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

/// <summary>One case for each rule of docs/format/delta.md that a header or plan may break.</summary>
public sealed class DeltaRefusalTests
{
    private const string File644 = "a403 000000";
    private const string KeepAll = "01 00 0104 00";

    private readonly Dictionary<ObjectId, Tree> _trees = [];
    private readonly ObjectId _root;

    public DeltaRefusalTests()
    {
        var plain = Metadata.Plain(Convert.ToInt32("644", 8));
        var below = Add(new Tree(plain, [new TreeEntry.File(EntryName.Create("x"), plain, 20, ObjectId.Of("x"u8))]));
        // Entries 0 to 3 of the old root.
        _root = Add(new Tree(plain, [
            new TreeEntry.File(EntryName.Create("a"), plain, 10, ObjectId.Of("a"u8)),
            new TreeEntry.Directory(EntryName.Create("d"), below),
            new TreeEntry.File(EntryName.Create("e"), plain, 0, ObjectId.Of([])),
            new TreeEntry.Symlink(EntryName.Create("l"), Metadata.Plain(0), "a"u8.ToArray()),
        ]));
    }

    public static TheoryData<string, string, string> Plans => new()
    {
        { "root tree neither changed nor not", "02", "neither yes nor no" },
        { "root tree unchanged, which it is not", "00 00 00", "which it is not" },
        { "keep beyond the old entries", "01 00 0105 00", "count of entries is out of range" },
        { "drop beyond the old entries", "01 00 0103 0202 00", "count of entries is out of range" },
        { "an old entry not spoken of", "01 00 0103 00 00 00", "does not say what becomes" },
        { "content for a directory", "01 00 0101 03 0004", "does not fit" },
        { "content behind the old entries", "01 00 0104 03 0004", "not there" },
        { "subtree for a file", "01 00 04", "does not fit" },
        { "unknown change", "01 00 06", "does not fit" },
        { "names out of order", $"01 00 0104 05 0162 01 {File644} 03", "out of order" },
        { "name twice", $"01 00 0101 05 0161 01 {File644} 03", "out of order" },
        { "more entries than the commit says", $"01 00 0104 05 0171 01 {File644} 03 05 0172 01 {File644} 03", "more entries than its commit" },
        { "no file name", $"01 00 0104 05 012e 01 {File644} 03", "not a file name" },
        { "unknown kind inserted", "01 00 0104 05 017a 07", "unknown kind" },
        { "unknown kind of directory", "01 00 0104 05 017a 03 03", "unknown kind" },
        { "paired with what is no directory", "01 00 0104 05 017a 03 01 00", "paired with what is none" },
        { "paired behind the old entries", "01 00 0104 05 017a 03 01 04", "paired directory is out of range" },
        { "metadata of an old directory that is not there", "01 00 0104 05 017a 03 00 00 00", "keeps the metadata" },
        { "old directory that is a file", "01 00 0104 05 017a 03 02 01 00", "stands for what is none" },
        { "place without a path", "01 00 0104 05 017a 03 02 00", "without a path" },
        { "place too deep", "01 00 0104 05 017a 03 02 8110", "depth of a place is out of range" },
        { "place behind the old entries", "01 00 0104 05 017a 03 02 0109", "has not got" },
        { "place below a file", "01 00 0104 05 017a 03 02 020000", "below what is no directory" },
        { "content of unknown kind", "01 00 03 04", "content of unknown kind" },
        { "earlier content when there is none", "01 00 03 01 00", "content of unknown kind" },
        { "earlier content that comes later", $"01 00 03 0004 0103 05 017a 01 {File644} 01 01", "content is out of range" },
        { "old content of a directory", "01 00 03 02 0101", "content of what is no file" },
        { "size 0", "01 00 03 00 13", "has no size" },
        { "size below 0", "01 00 03 00 15", "has no size" },
        { "size that overflows", "01 00 03 00 feffffffffffffffff01", "has no size" },
        { "size of an inserted file above 2^63", $"01 00 0104 05 017a 01 {File644} 00 ffffffffffffffffff01", "more bytes than its commit" },
        { "more bytes than the commit says", "01 00 03 00 a01f", "more bytes than its commit" },
        { "more bytes than the commit says, one content in two files", $"01 00 03 009c09 0103 05 017a 01 {File644} 01 00", "more bytes than its commit" },
        { "long spelling of a number", "01 00 0184 00", "shortest way" },
        { "more packings than contents", "01 00 03 0004 0103 00 02", "count of packed contents is out of range" },
        { "packing of a content that is not there", "01 00 03 0004 0103 00 01 01", "packed content is out of range" },
        { "unknown packing", "01 00 03 0004 0103 00 01 00 020309", "unknown way" },
        { "packing of nothing", "01 00 03 0004 0103 00 01 00 020106 00 0000000000000000", "packs nothing" },
        { "unpacked to more than 2^30", "01 00 03 0004 0103 00 01 00 020106 8180808004 0000000000000000", "unpacked size is out of range" },
        { "too many parts", $"{KeepAll} 00 818004", "count of parts is out of range" },
        { "part without items", $"{KeepAll} 00 0100", "holds nothing" },
        { "content that is not there", $"{KeepAll} 00 01 01 0001", "not there" },
        { "content below 0", "01 00 03 0004 0103 00 00 01 01 0101", "not there" },
        { "content twice", "01 00 03 0004 0103 00 00 01 02 0001 0101", "there twice" },
        { "content missing", "01 00 03 0004 0103 00 00 00", "is not whole" },
        { "content not whole", "01 00 03 0004 0103 00 00 01 01 000505", "is not whole" },
        { "unknown flags", "01 00 03 0004 0103 00 00 01 01 0020", "unknown flags" },
        { "unknown kind of base", "01 00 03 0004 0103 00 00 01 01 0003", "unknown kind of base" },
        { "range of no base", "01 00 03 0004 0103 00 00 01 01 0011", "base that is not there" },
        { "no base, unpacked", "01 00 03 0004 0103 00 00 01 01 0009", "base that is not there" },
        { "base unpacked for a content that is not packed", "01 00 03 0004 0103 00 00 01 01 0008", "unpacked for a content that is not" },
        { "counterpart that is not there", $"01 00 0104 05 017a 01 {File644} 0004 00 00 01 01 0000", "counterpart that it has not got" },
        { "empty counterpart", "01 00 0102 03 0004 0101 00 00 01 01 0000", "counterpart that it has not got" },
        { "base that is a directory", "01 00 03 0004 0103 00 00 01 01 0002 0101", "against what is no file" },
        { "start of a base above 2^42", "01 00 03 0004 0103 00 00 01 01 0010 81808080808001 01", "start of a base is out of range" },
        { "slice longer than the content", "01 00 03 0004 0103 00 00 01 01 0005 0d", "length of a slice is out of range" },
        { "slice that is all", "01 00 03 0004 0103 00 00 01 01 0005 0c", "a slice that is all" },
        { "slice of nothing", "01 00 03 0004 0103 00 00 01 01 0005 00", "empty" },
        { "slices in one part", "01 00 03 0004 0103 00 00 01 02 000506 010506", "cut by something else" },
        { "another content between slices", $"01 00 03 0004 0103 05 017a 01 {File644} 0004 00 00 02 01 000506 01 0201", "cut by something else" },
        { "the rest of a slice that says it is all", "01 00 03 0004 0103 00 00 02 01 000506 01 0001", "twice" },
        { "bytes after the end", $"{KeepAll} 00 00 00", "after the end" },
    };

    [Theory]
    [MemberData(nameof(Plans))]
    public void A_plan_that_breaks_a_rule_is_refused_for_that(string rule, string body, string reason)
    {
        var decode = () => Decode(body);
        decode.Should().Throw<CorruptDeltaException>(rule).WithMessage($"*{reason}*");
    }

    [Theory]
    [InlineData("01 00 03 0004 0103 00 00 01 01 0000")]
    [InlineData("01 00 03 0004 0103 00 00 01 01 0010 0109")]
    [InlineData("01 00 03 0004 0103 00 00 02 01 000506 01 000506")]
    [InlineData("01 00 0101 04 0102 00 00 03 0004 00 00 01 01 0002 020100")]
    [InlineData($"{KeepAll} 00 00")]
    public void A_plan_that_breaks_none_is_read_and_refused_when_cut_anywhere(string body)
    {
        var whole = Plan(body, out var to);
        PlanDecoder.Decode(whole, to, id => _trees[id], _root).Commit.Entries.Should().Be(5);
        for (var length = 0; length < whole.Length; length++)
        {
            var decode = () => PlanDecoder.Decode(whole.AsSpan(0, length), to, id => _trees[id], _root);
            decode.Should().Throw<CorruptDeltaException>($"only {length} bytes are left");
        }
    }

    [Fact]
    public void A_plan_for_another_commit_is_refused()
    {
        var decode = () => PlanDecoder.Decode(Plan($"{KeepAll} 00 00", out _), _root, id => _trees[id], _root);
        decode.Should().Throw<CorruptDeltaException>().WithMessage("*another commit*");
    }

    [Fact]
    public void A_commit_that_is_none_is_refused_and_a_damaged_old_tree_is_not_the_deltas_fault()
    {
        var decode = () => PlanDecoder.Decode("\u0003{{{"u8, ObjectId.Of("{{{"u8), id => _trees[id], _root);
        decode.Should().Throw<CorruptDeltaException>().WithMessage("plan: commit*");
        var read = () => PlanDecoder.Decode(Plan($"{KeepAll} 00 00", out var to), to, id => Tree.Decode([], id), _root);
        read.Should().Throw<CorruptObjectException>();
    }

    [Fact]
    public void From_nothing_there_is_no_old_place()
    {
        var plan = Plan("01 01 ed03000000 05 017a 03 02 0100", out var to);
        var decode = () => PlanDecoder.Decode(plan, to, id => _trees[id], null);
        decode.Should().Throw<CorruptDeltaException>().WithMessage("*starts from none*");
    }

    [Fact]
    public void Old_directories_are_not_compared_without_end()
    {
        var plain = Metadata.Plain(Convert.ToInt32("755", 8));
        var many = Add(new Tree(plain, [.. Enumerable.Range(0, 70_000).Select(i => new TreeEntry.Fifo(EntryName.Create($"{i:d6}"), plain))]));
        var root = Add(new Tree(plain, [new TreeEntry.Directory(EntryName.Create("many"), many)]));
        var body = "01 00 0101 " + string.Concat(Enumerable.Range(0, 300).Select(i => $"05 04 {Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes($"n{i:d3}"))} 03 01 00 ")) +
            "00 " + string.Concat(Enumerable.Repeat("00 02 f0a204 00 ", 300)) + "00 00";
        var plan = Plan(body, out var to, entries: 1000);
        var decode = () => PlanDecoder.Decode(plan, to, id => _trees[id], root);
        decode.Should().Throw<CorruptDeltaException>().WithMessage("*too many old entries*");
    }

    [Fact]
    public void A_header_is_refused_when_cut_anywhere_and_for_each_limit()
    {
        var part = new DeltaPart(PartCodec.Raw, 0, 5, 5, 1);
        var good = new DeltaHeader(null, _root, 4096, part with { Codec = PartCodec.ZstdWithBase }, [part, part]);
        var encoded = good.Encode();
        DeltaHeader.Decode(encoded).Encode().Should().Equal(encoded);
        for (var length = 0; length < encoded.Length; length++)
            Refused(encoded[..length], "*");
        Refused([.. encoded, 0], "*not whole*");
        Refused([(byte)'X', .. encoded[1..]], "*wrong magic*");
        Refused([.. encoded[..9], (byte)(encoded[9] ^ 1), .. encoded[10..]], "*damaged*");
        Refused((good with { MemoryKiB = DeltaHeader.MaxMemoryKiB + 1 }).Encode(), "*memory is out of range*");
        Refused((good with { Plan = part with { CodedLength = 65 << 20 } }).Encode(), "*a plan of*");
        Refused((good with { Parts = [part with { Codec = (PartCodec)6 }] }).Encode(), "*codec is out of range*");
        Refused((good with { Parts = [part with { CodedLength = (1L << 42) + 1 }] }).Encode(), "*coded length is out of range*");
        Refused((good with { Parts = [part with { OutputLength = (1L << 42) + 1 }] }).Encode(), "*output length is out of range*");
        Refused((good with { Parts = [.. Enumerable.Repeat(part, DeltaHeader.MaxParts + 1)] }).Encode(), "*count of parts is out of range*");
        Refused([.. "CTD1"u8, 1, 0, 64, 0, .. encoded[8..]], "*a header of*");
        Refused([.. "CTD1"u8, 15, 0, 0, 0, .. new byte[7]], "*a header of*");
    }

    private static void Refused(byte[] header, string reason)
    {
        var decode = () => DeltaHeader.Decode(header);
        decode.Should().Throw<CorruptDeltaException>().WithMessage(reason);
    }

    private DeltaPlan Decode(string body) => PlanDecoder.Decode(Plan(body, out var to), to, id => _trees[id], _root);

    // A commit of the right size whose tree is another than the old one.
    private static byte[] Plan(string body, out ObjectId to, int entries = 5)
    {
        var commit = (CommitSamples.Minimal with { Entries = entries, Bytes = 1000 }).Encode();
        to = ObjectId.Of(commit);
        var plan = new ArrayBufferWriter<byte>();
        PlanEncoder.WriteCommit(plan, commit);
        plan.Write(Vectors.FromHex(body));
        return plan.WrittenSpan.ToArray();
    }

    private ObjectId Add(Tree tree)
    {
        var id = ObjectId.Of(tree.Encode());
        _trees[id] = tree;
        return id;
    }
}
