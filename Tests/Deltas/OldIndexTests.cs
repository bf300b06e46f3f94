using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Deltas;

/// <summary>What a publisher keeps of the old commit follows the change, not the tree.</summary>
public sealed class OldIndexTests
{
    private readonly Dictionary<ObjectId, Tree> _trees = [];

    [Fact]
    public void Of_a_thousand_files_only_the_changed_one_is_kept()
    {
        var names = Enumerable.Range(0, 1000).Select(i => $"file-{i}").ToArray();
        var index = Index(Holding(names, ""), Holding(names, "file-7"));
        index.Files.Should().ContainSingle().Which.Name.Should().Be("file-7");
    }

    [Fact]
    public void A_file_without_a_place_finds_those_of_its_name_but_for_numbers_and_no_others()
    {
        var index = Index(Holding(["a-1", "a-2", "b-1"], ""), Holding(["a-1", "a-2", "a-3", "b-1"], ""));
        index.Files.Select(f => f.Name).Should().BeEquivalentTo("a-1", "a-2");
    }

    [Fact]
    public void Of_a_great_many_alike_names_a_bounded_number_is_kept()
    {
        var names = Enumerable.Range(0, 40_000).Select(i => $"a-{i}").ToArray();
        Index(Holding(names, ""), Holding([.. names, "a-x1"], "")).Files.Should().BeEmpty();
        Index(Holding(names, ""), Holding([.. names, "a-99999"], "")).Files.Count.Should().Be(16_384);
    }

    [Fact]
    public void What_is_gone_and_where_it_went_is_kept()
    {
        var index = Index(Holding(["gone", "stays"], ""), Holding(["stays"], ""));
        index.FindFile(ObjectId.Of("gone"u8)).Should().NotBeNull();
        index.FindFile(ObjectId.Of("stays"u8)).Should().BeNull();
    }

    [Fact]
    public void A_file_with_another_mode_only_is_kept()
    {
        Tree Of(int mode) => new(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("f"), Metadata.Plain(mode), 5, ObjectId.Of("f"u8))]);
        Index(Of(0x1a4), Of(0x1ed)).FindFile(ObjectId.Of("f"u8)).Should().NotBeNull("its content need not travel again");
    }

    [Fact]
    public void A_directory_that_moved_is_found_where_it_was()
    {
        var moved = Add(Holding(["inside"], ""));
        var index = Index(Directory("old", moved), Directory("new", moved));
        index.FindDirectory(moved)!.Value.Indexes.Should().Equal(0);
    }

    private OldIndex Index(Tree old, Tree @new) => new(id => _trees[id], Add(old), Add(@new));

    private ObjectId Add(Tree tree)
    {
        var id = ObjectId.Of(tree.Encode());
        _trees[id] = tree;
        return id;
    }

    private static Tree Directory(string name, ObjectId id) => new(Metadata.Plain(0x1ed), [new TreeEntry.Directory(EntryName.Create(name), id)]);

    // A file's content is its name, or for the changed one something else.
    private static Tree Holding(string[] names, string changed) => new(Metadata.Plain(0x1ed),
    [
        .. names.Select(name => new TreeEntry.File(EntryName.Create(name), Metadata.Plain(0x1a4), 5,
            ObjectId.Of(System.Text.Encoding.ASCII.GetBytes(name == changed ? name + "!" : name)))).OrderBy(f => f.Name),
    ]);
}
