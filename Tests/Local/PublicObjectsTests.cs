using System.Text;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Local;

/// <summary>What of a store a stranger may have. All of it is asked for by a name that is right.</summary>
public sealed class PublicObjectsTests : IDisposable
{
    private static readonly byte[] Content = Encoding.UTF8.GetBytes("content");

    private readonly TemporaryDirectory _directory = new();
    private LocalStore _store;

    public PublicObjectsTests() => _store = LocalStore.Create(_directory["store"], isPrivileged: true);

    private PublicObjects Objects => new(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("644", true)]
    [InlineData("755", true)]
    [InlineData("604", true)]
    [InlineData("1644", true)]
    [InlineData("640", false)]
    [InlineData("600", false)]
    [InlineData("711", false)]
    [InlineData("4755", false)]
    [InlineData("2755", false)]
    [InlineData("4711", false)]
    public void A_content_is_public_when_everybody_may_read_it_and_it_sets_no_id(string mode, bool isPublic)
    {
        var name = Put(Metadata.Plain(Convert.ToInt32(mode, 8)));
        IsPublic(name).Should().Be(isPublic);
    }

    [Fact]
    public void A_content_with_rights_of_its_own_is_not_public()
    {
        IsPublic(Put(With("user.note", [1]))).Should().BeTrue();
        // cap_net_raw=ep, as setcap writes it.
        IsPublic(Put(With("security.capability", [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "ping")).Should().BeFalse();
        IsPublic(Put(With("trusted.note", [1]), "trusted")).Should().BeFalse();
    }

    [Fact]
    public void A_content_that_stands_here_twice_is_public_when_one_of_them_is()
    {
        var name = Put(Metadata.Plain(0x180));
        IsPublic(name).Should().BeFalse();
        Put(Metadata.Plain(0x1a4));
        IsPublic(name).Should().BeTrue();
    }

    [Theory]
    [InlineData("chmod 666")]
    [InlineData("chown 1000")]
    [InlineData("setfattr -n user.more -v 1")]
    [InlineData("touch")]
    [InlineData("rm")]
    public void An_inode_that_is_not_as_its_name_says_is_not_public(string change)
    {
        var name = Put(Metadata.Plain(0x1a4));
        Shell.Run($"{change} {_directory["store"]}/objects/{name.Id.ToString()[..2]}/*.file");
        IsPublic(name).Should().BeFalse();
    }

    [Fact]
    public void A_secret_that_somebody_opened_to_all_stays_one()
    {
        var name = Put(Metadata.Plain(0x180));
        Shell.Run($"f=$(ls {_directory["store"]}/objects/{name.Id.ToString()[..2]}/*.file); chmod 644 $f; touch -d @1 $f");
        IsPublic(name).Should().BeFalse();
    }

    [Fact]
    public void Where_owners_and_rights_are_only_recorded_they_count_all_the_same()
    {
        _store.Dispose();
        _store = LocalStore.Create(_directory["store"], isPrivileged: false);
        var own = new Metadata(0x1a4, PosixOwner("-u"), PosixOwner("-g"), []);
        IsPublic(Put(own)).Should().BeTrue();
        IsPublic(Put(own with { Mode = 0x9ed }, "setuid")).Should().BeFalse();
        IsPublic(Put(own with { Mode = 0x180 }, "secret")).Should().BeFalse();
        IsPublic(Put(own with { Xattrs = [new Xattr("security.capability"u8.ToArray(), [1])] }, "ping")).Should().BeFalse();
    }

    [Theory]
    [InlineData("755", "644", true)]
    [InlineData("2755", "644", true)]
    [InlineData("700", "644", false)]
    [InlineData("711", "644", false)]
    [InlineData("744", "644", false)]
    [InlineData("755", "600", false)]
    [InlineData("755", "4755", false)]
    public void A_tree_is_public_when_everybody_may_list_it_and_read_its_files(string mode, string fileMode, bool isPublic)
    {
        var file = new TreeEntry.File(EntryName.Create("file"), Metadata.Plain(Convert.ToInt32(fileMode, 8)), Content.Length, ObjectId.Of(Content));
        IsPublic(Put(new Tree(Metadata.Plain(Convert.ToInt32(mode, 8)), [file]))).Should().Be(isPublic);
    }

    [Fact]
    public void A_damaged_or_very_large_tree_is_not_public()
    {
        var target = Enumerable.Repeat((byte)'x', 4000).ToArray();
        var many = Enumerable.Range(100, 80).Select(i => (TreeEntry)new TreeEntry.Symlink(EntryName.Create($"link{i}"), Metadata.Plain(0), target)).ToArray();
        IsPublic(Put(new Tree(Metadata.Plain(0x1ed), many[..50]))).Should().BeTrue();
        IsPublic(Put(new Tree(Metadata.Plain(0x1ed), many))).Should().BeFalse();
        var damaged = Put(new Tree(Metadata.Plain(0x1ed), []));
        File.WriteAllText(Path.Combine(_directory["store"], damaged.RelativePath), "no tree");
        IsPublic(damaged).Should().BeFalse();
    }

    [Fact]
    public void Commits_are_public_and_kinds_are_not_mixed()
    {
        var tree = Put(new Tree(Metadata.Plain(0x1ed), []));
        var commit = (CommitSamples.Minimal with { Tree = tree.Id }).Encode();
        using (var pull = _store.BeginPull())
            pull.Complete(ObjectId.Of(commit), commit);
        IsPublic(new ObjectName(ObjectKind.Commit, ObjectId.Of(commit))).Should().BeTrue();
        IsPublic(new ObjectName(ObjectKind.Commit, tree.Id)).Should().BeFalse();
        IsPublic(tree with { Kind = ObjectKind.File }).Should().BeFalse();
    }

    [Fact]
    public void What_is_no_ordinary_file_is_not_public()
    {
        var name = Put(Metadata.Plain(0x1a4));
        Shell.Run($"cd {_directory["store"]}/objects/{name.Id.ToString()[..2]}; f=$(ls *.file); echo secret > {_directory["secret"]}; rm $f; ln -s {_directory["secret"]} $f");
        IsPublic(name).Should().BeFalse();
        Shell.Run($"cd {_directory["store"]}/objects/{name.Id.ToString()[..2]}; f=$(ls *.file); rm $f; mkfifo $f");
        IsPublic(name).Should().BeFalse();
    }

    private static Metadata With(string attribute, byte[] value) => Metadata.Plain(0x1ed) with { Xattrs = [new Xattr(Encoding.ASCII.GetBytes(attribute), value)] };

    private static uint PosixOwner(string which) => uint.Parse(Shell.Run($"id {which}"));

    private bool IsPublic(ObjectName name)
    {
        using var objects = Objects;
        using var file = objects.TryOpen(name);
        return file is not null;
    }

    private ObjectName Put(Metadata metadata, string text = "content")
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        using var pull = _store.BeginPull();
        using var receiver = pull.Receive(ObjectId.Of(bytes), bytes.Length, metadata);
        receiver.Write(bytes);
        receiver.Complete();
        pull.Flush();
        return new ObjectName(ObjectKind.File, ObjectId.Of(bytes));
    }

    private ObjectName Put(Tree tree)
    {
        var bytes = tree.Encode();
        using var pull = _store.BeginPull();
        pull.AddTree(ObjectId.Of(bytes), bytes);
        pull.Flush();
        return new ObjectName(ObjectKind.Tree, ObjectId.Of(bytes));
    }
}
