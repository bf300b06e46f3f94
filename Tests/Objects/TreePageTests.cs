using System.Text.RegularExpressions;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Objects;

/// <summary>docs/format/tree.md shows bytes; they must be the ones the code writes.</summary>
public sealed partial class TreePageTests
{
    [Fact]
    public void The_pages_vector_is_the_encoders()
    {
        var page = File.ReadAllText(ProjectFiles.PathOf("docs/format/tree.md"));
        var file = new TreeEntry.File(EntryName.Create("hello.txt"), Metadata.Plain(Convert.ToInt32("644", 8)), 6, ObjectId.Of("hello\n"u8));
        var tree = new Tree(Metadata.Plain(Convert.ToInt32("755", 8)), [file]).Encode();
        Vectors.FromHex(Block("hex").Match(page).Groups[1].Value).Should().Equal(tree);
        Block("id").Match(page).Groups[1].Value.Trim().Should().Be(ObjectId.Of(tree).ToString());
    }

    [Theory]
    [InlineData("32 MiB", Tree.MaxEncodedBytes / 1024 / 1024)]
    [InlineData("2048 deep", Tree.MaxDepth)]
    [InlineData("2048 bytes together", Metadata.MaxXattrBytes)]
    [InlineData("1 to 4095", TreeEntry.Symlink.MaxTarget)]
    public void The_pages_limits_are_the_codes(string text, int limit)
    {
        File.ReadAllText(ProjectFiles.PathOf("docs/format/tree.md")).Should().Contain(text);
        text.Should().Contain(limit.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static Regex Block(string language) => new($"```{language}\n(.*?)```", RegexOptions.Singleline);
}
