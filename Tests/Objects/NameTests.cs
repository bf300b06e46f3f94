using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Objects;

public sealed class NameTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("/abs")]
    [InlineData("a\0b")]
    public void A_name_that_no_directory_can_hold_is_refused(string text) =>
        EntryName.TryCreate(Encoding.UTF8.GetBytes(text), out _).Should().BeFalse();

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        EntryName.TryCreate(new byte[255].Select(_ => (byte)'x').ToArray(), out _).Should().BeTrue();
        EntryName.TryCreate(new byte[256].Select(_ => (byte)'x').ToArray(), out _).Should().BeFalse();
    }

    [Theory]
    [InlineData("...")]
    [InlineData(".hidden")]
    [InlineData("line\nbreak")]
    [InlineData("-rf")]
    [InlineData("back\\slash")]
    public void Odd_names_are_names(string text) => EntryName.Create(text).Bytes.ToArray().Should().Equal(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Bytes_that_are_not_utf8_stay_as_they_are_and_show_readably()
    {
        var name = EntryName.Create([0x66, 0xff, 0x6f]);
        name.Bytes.ToArray().Should().Equal(0x66, 0xff, 0x6f);
        name.ToString().Should().Be("f\\xffo");
    }

    [Theory]
    [InlineData("plain ä name", "plain ä name")]
    [InlineData("line\nbreak", "line\\x0abreak")]
    [InlineData("line\\x0abreak", "line\\x5cx0abreak")]
    [InlineData("line\\x5cx0abreak", "line\\x5cx5cx0abreak")]
    [InlineData("system-systemd\\x2dcryptsetup.slice", "system-systemd\\x2dcryptsetup.slice")]
    [InlineData("\u009b31m", "\\xc2\\x9b31m")]
    [InlineData("del\u007f", "del\\x7f")]
    public void Different_names_show_differently_and_none_steers_a_terminal(string name, string shown) => EntryName.Create(name).ToString().Should().Be(shown);

    [Theory]
    [InlineData("main")]
    [InlineData("fleet/stable-2.0")]
    [InlineData("A_b.c/1")]
    public void A_branch_name_reads_back(string text) => BranchName.Parse(text).ToString().Should().Be(text);

    [Theory]
    [InlineData("")]
    [InlineData("/main")]
    [InlineData("main/")]
    [InlineData("a//b")]
    [InlineData("../etc")]
    [InlineData("a/./b")]
    [InlineData("-x")]
    [InlineData("a b")]
    [InlineData("main.json")]
    [InlineData("m\u00e4in")]
    [InlineData("a\0b")]
    public void What_is_no_branch_name_is_refused(string text) => BranchName.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void An_id_in_upper_case_is_a_second_spelling_and_refused()
    {
        var id = ObjectId.Of("x"u8);
        ObjectId.TryParse(id.ToString(), out var parsed).Should().BeTrue();
        parsed.Should().Be(id);
        ObjectId.TryParse(id.ToString().ToUpperInvariant(), out _).Should().BeFalse();
        ObjectId.TryParse(id.ToString().AsSpan(0, 63), out _).Should().BeFalse();
        ObjectId.TryParse(id + "0", out _).Should().BeFalse();
    }

    [Fact]
    public void Ids_sort_as_their_texts_do()
    {
        var ids = Enumerable.Range(0, 200).Select(i => ObjectId.Of(BitConverter.GetBytes(i))).ToArray();
        ids.Order().Select(i => i.ToString()).Should().Equal(ids.Select(i => i.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_object_name_says_its_kind()
    {
        var name = new ObjectName(ObjectKind.Tree, ObjectId.Of("x"u8));
        ObjectName.TryParse(name.ToString(), out var parsed).Should().BeTrue();
        parsed.Should().Be(name);
        name.RelativePath.Should().Be($"objects/{name.Id.ToString()[..2]}/{name.Id.ToString()[2..]}.tree");
        ObjectName.TryParse(name.Id.ToString(), out _).Should().BeFalse();
        ObjectName.TryParse(name.Id + ".blob", out _).Should().BeFalse();
    }
}
