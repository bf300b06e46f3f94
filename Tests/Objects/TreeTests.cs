using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Objects;

public sealed class TreeTests
{
    public static TheoryData<string> Good => [.. Vectors.Names("tree", "*.id")];

    public static TheoryData<string> Refused => [.. Vectors.Names("tree", "refused-*.hex")];

    [Theory]
    [MemberData(nameof(Good))]
    public void A_vector_decodes_encodes_back_and_has_its_id(string name)
    {
        var bytes = Vectors.Hex($"tree/{name}.hex");
        Tree.Decode(bytes).Encode().Should().Equal(bytes);
        ObjectId.Of(bytes).ToString().Should().Be(Vectors.Text($"tree/{name}.id"));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_breaks_a_rule_is_refused(string name)
    {
        var decode = () => Tree.Decode(Vectors.Hex($"tree/{name}.hex"));
        decode.Should().Throw<FormatException>();
    }

    [Fact]
    public void The_vector_with_every_kind_holds_every_kind()
    {
        var tree = Tree.Decode(Vectors.Hex("tree/every-kind.hex"));
        tree.Entries.Select(e => e.GetType().Name).Should().BeEquivalentTo("Device", "Device", "Directory", "Fifo", "File", "Symlink");
        tree.Entries.OfType<TreeEntry.File>().Single().Metadata.Xattrs.Should().HaveCount(2);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var bytes = Vectors.Hex("tree/every-kind.hex");
        for (var length = 0; length < bytes.Length; length++)
        {
            var decode = () => Tree.Decode(bytes.AsSpan(0, length));
            decode.Should().Throw<FormatException>($"only {length} of {bytes.Length} bytes are there");
        }
    }

    [Fact]
    public void Whatever_decodes_encodes_to_the_same_bytes()
    {
        var seed = Vectors.Hex("tree/every-kind.hex");
        var random = new Random(20260101);
        var decoded = 0;
        for (var round = 0; round < 100_000; round++)
        {
            var bytes = Mutated(seed, random);
            try
            {
                Tree.Decode(bytes).Encode().Should().Equal(bytes);
                decoded++;
            }
            catch (FormatException)
            {
            }
        }
        decoded.Should().BeGreaterThan(1000, "mutations of ids, sizes and names are still trees");
    }

    [Fact]
    public void Entries_out_of_order_cannot_be_made()
    {
        var fifo = (string name) => new TreeEntry.Fifo(EntryName.Create(name), Metadata.Plain(0x1a4));
        var make = () => new Tree(Metadata.Plain(0x1ed), [fifo("b"), fifo("a")]);
        make.Should().Throw<ArgumentException>();
        var twice = () => new Tree(Metadata.Plain(0x1ed), [fifo("a"), fifo("a")]);
        twice.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void An_entry_is_found_by_its_bytes()
    {
        var tree = Tree.Decode(Vectors.Hex("tree/every-kind.hex"));
        foreach (var entry in tree.Entries)
            tree.Find(entry.Name).Should().BeSameAs(entry);
        tree.Find(EntryName.Create("nowhere")).Should().BeNull();
    }

    [Fact]
    public void Changed_metadata_has_another_digest()
    {
        var plain = Metadata.Plain(0x1a4);
        plain.Digest().Should().Be(Metadata.Plain(0x1a4).Digest());
        (plain with { Mode = 0x180 }).Digest().Should().Be(Metadata.Plain(0x180).Digest());
    }

    private static byte[] Mutated(byte[] seed, Random random)
    {
        var bytes = (byte[])seed.Clone();
        for (var change = random.Next(1, 4); change > 0; change--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }
}
