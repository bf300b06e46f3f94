using System.Text;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Local;

public sealed class LocalStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Repository _repository;
    private readonly LocalStore _store;

    public LocalStoreTests()
    {
        _repository = Repository.Create(_directory["repo"]);
        _store = LocalStore.Create(_directory["ctree/store"], isPrivileged: true);
    }

    private string Source => _directory["source"];

    public void Dispose()
    {
        _store.Dispose();
        _repository.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_deployment_is_the_published_tree_with_one_time_for_all()
    {
        AwkwardTree.Make(Source);
        var commit = Pull(Import());
        Deploy(commit, "1-deployed");
        AwkwardTree.Describe(_directory["1-deployed"]).Should().Be(AwkwardTree.Describe(Source));
        Shell.Run("find 1-deployed -printf '%T@\\n' | sort -u", _directory.Path).Trim().Should().Be("1.0000000000");
    }

    [Fact]
    public void Two_deployments_share_every_inode_but_the_empty_ones()
    {
        AwkwardTree.Make(Source);
        var commit = Pull(Import());
        Deploy(commit, "1");
        Deploy(commit, "2");
        var own = Shell.Run("find 1 -type f -links 1 -printf '%f %s\\n'", _directory.Path).Trim();
        own.Should().Be("empty 0");
        Shell.Run("find 1 -type f -size +0 -exec sh -c 'for f; do [ \"$f\" -ef \"2/${f#1/}\" ] || echo \"$f\"; done' _ {} +", _directory.Path).Should().BeEmpty();
    }

    [Fact]
    public void A_copied_checkout_shares_nothing()
    {
        AwkwardTree.Make(Source);
        var commit = Pull(Import());
        using var parent = Posix.OpenDirectory(_directory.Path);
        TreeCheckout.Run(_store, commit.Commit.Tree, parent, "copy"u8, CheckoutMode.Copy);
        AwkwardTree.Describe(_directory["copy"]).Should().Be(AwkwardTree.Describe(Source));
        Shell.Run("find copy -type f -links +1", _directory.Path).Should().BeEmpty();
    }

    [Fact]
    public void One_content_with_two_owners_is_two_inodes_fetched_once()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo same > a; echo same > b; chown 7:8 b; chmod 600 b", Source);
        Deploy(Pull(Import()), "1");
        AwkwardTree.Describe(_directory["1"]).Should().Be(AwkwardTree.Describe(Source));
        StoredFiles().Should().HaveCount(2);
    }

    [Fact]
    public void A_commit_is_absent_until_everything_it_reaches_is_here()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo one > one; echo two > two", Source);
        var tree = Import();
        using var pull = _store.BeginPull();
        pull.AddTree(tree, _repository.ReadSmall(new ObjectName(ObjectKind.Tree, tree), 1000));
        var bytes = (CommitSamples.Minimal with { Tree = tree }).Encode();
        var complete = () => pull.Complete(ObjectId.Of(bytes), bytes);
        complete.Should().Throw<ObjectNotFoundException>();
        _store.ContainsCommit(ObjectId.Of(bytes)).Should().BeFalse();
        var get = () => _store.GetComplete(ObjectId.Of(bytes));
        get.Should().Throw<NotFoundException>();
    }

    [Theory]
    [InlineData("short")]
    [InlineData("content that is too long")]
    [InlineData("wrong content")]
    public void A_file_with_wrong_content_leaves_nothing(string received)
    {
        var expected = "right content"u8.ToArray();
        using (var pull = _store.BeginPull())
        {
            var receive = () =>
            {
                using var receiver = pull.Receive(ObjectId.Of(expected), expected.Length, Metadata.Plain(0x1a4));
                receiver.Write(Encoding.UTF8.GetBytes(received));
                receiver.Complete();
            };
            receive.Should().Throw<CorruptObjectException>();
        }
        StoredFiles().Should().BeEmpty();
        Directory.GetFiles(_directory["ctree/store/incoming"]).Should().BeEmpty();
    }

    [Fact]
    public void Another_trees_bytes_are_refused()
    {
        using var pull = _store.BeginPull();
        var tree = new Tree(Metadata.Plain(0x1ed), []).Encode();
        var add = () => pull.AddTree(ObjectId.Of("other"u8), tree);
        add.Should().Throw<CorruptObjectException>();
        var noTree = () => pull.AddTree(ObjectId.Of("file bytes"u8), "file bytes"u8);
        noTree.Should().Throw<CorruptObjectException>("a file's bytes are no tree, whatever their hash");
    }

    [Fact]
    public void What_an_interrupted_pull_left_is_kept_when_whole_and_dropped_when_not()
    {
        var whole = "whole"u8.ToArray();
        var metadata = Metadata.Plain(0x1a4);
        var kept = new StoredFile(ObjectId.Of(whole), metadata.Digest());
        var torn = new StoredFile(ObjectId.Of("torn content"u8), metadata.Digest());
        var incoming = _directory["ctree/store/incoming/"];
        File.WriteAllBytes(incoming + kept, whole);
        // Owner, mode and attributes are set before the time.
        File.SetLastWriteTimeUtc(incoming + kept, DateTimeOffset.FromUnixTimeSeconds(Tree.ModifiedSeconds).UtcDateTime);
        var unset = new StoredFile(ObjectId.Of("without metadata"u8), metadata.Digest());
        File.WriteAllBytes(incoming + unset, "without metadata"u8.ToArray());
        File.WriteAllBytes(incoming + torn, "torn"u8.ToArray());
        File.WriteAllBytes(incoming + "junk", whole);
        File.WriteAllBytes(incoming + "abc.part", whole);
        using (var pull = _store.BeginPull())
            pull.AdoptLeftovers().Should().Be(1);
        _store.Contains(kept).Should().BeTrue();
        _store.Contains(torn).Should().BeFalse();
        _store.Contains(unset).Should().BeFalse();
        Directory.GetFiles(incoming).Select(Path.GetFileName).Should().Equal("abc.part");
    }

    [Fact]
    public void An_inode_whose_metadata_changed_is_made_anew_before_it_is_linked()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo x > x; chmod 644 x", Source);
        var commit = Pull(Import());
        Shell.Run($"chmod 777 {_directory["ctree/store/objects"]}/*/*.file");
        Deploy(commit, "1").Mended.Should().Be(1);
        AwkwardTree.Describe(_directory["1"]).Should().Be(AwkwardTree.Describe(Source));
    }

    [Fact]
    public void An_inode_that_was_written_to_is_not_linked_and_one_that_was_only_touched_is_made_anew()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo good > x", Source);
        var commit = Pull(Import());
        Shell.Run("touch ctree/store/objects/*/*.file", _directory.Path);
        Deploy(commit, "1").Mended.Should().Be(1);
        Shell.Run("echo evil > 1/x", _directory.Path);
        var deploy = () => Deploy(commit, "2");
        deploy.Should().Throw<CorruptObjectException>().WithMessage("*it was written to*");
        Shell.Run("cat ctree/store/objects/*/*.file", _directory.Path).Should().Be("evil\n", "what is damaged stays for repair to find");
    }

    [Fact]
    public void An_inode_that_never_matches_is_made_anew_once_and_shared_all_the_same()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("for n in a b c; do echo x > $n; chmod 644 $n; done", Source);
        var commit = Pull(Import());
        // What the store makes from here on gets attributes of the system's own.
        Shell.Run("setfacl -d -m u:4711:r ctree/store/incoming; chmod 600 ctree/store/objects/*/*.file", _directory.Path);
        Deploy(commit, "1").Mended.Should().Be(1);
        Shell.Run("stat -c %h 1/a; [ 1/a -ef 1/c ]", _directory.Path).Trim().Should().Be("4");
    }

    [Fact]
    public void A_file_that_a_tree_has_twice_is_compared_before_its_first_link()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("for n in a b c; do echo x > $n; chmod 644 $n; done; ln -s a link; setfattr -h -n trusted.t -v 1 link", Source);
        var commit = Pull(Import());
        Shell.Run($"setfattr -n user.planted -v 1 {_directory["ctree/store/objects"]}/*/*.file");
        Deploy(commit, "1").Mended.Should().Be(1);
        Shell.Run("getfattr -h -d -m - 1/a 1/b 1/c", _directory.Path).Should().BeEmpty();
        Shell.Run("stat -c %h 1/a; [ 1/a -ef 1/c ]", _directory.Path).Trim().Should().Be("4");
    }

    [Fact]
    public void A_full_inode_gets_a_second_one()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo x > x", Source);
        var commit = Pull(Import());
        Shell.Run("""
            f=$(echo ctree/store/objects/*/*.file); mkdir links
            perl -e 'my $f=shift; my $i=0; $i++ while link($f, "links/$i"); ' $f
            """, _directory.Path);
        Deploy(commit, "1").ExtraInodes.Should().Be(1);
        Shell.Run("cat 1/x", _directory.Path).Should().Be("x\n");
        Deploy(commit, "2").ExtraInodes.Should().Be(0);
    }

    [Fact]
    public void Checking_finds_every_flipped_file_and_tree()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo one > one; echo two > two", Source);
        Pull(Import());
        LocalStoreCheck.Run(_store).Damage.Should().BeEmpty();
        foreach (var file in Directory.GetFiles(_directory["ctree/store/objects"], "*", SearchOption.AllDirectories))
        {
            var bytes = File.ReadAllBytes(file);
            bytes[^1] ^= 1;
            File.WriteAllBytes(file, bytes);
        }
        LocalStoreCheck.Run(_store).Damage.Should().HaveCount(4, "two files, a tree and a commit");
    }

    [Fact]
    public void Garbage_is_what_no_kept_commit_reaches()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("echo shared > shared; echo old > old", Source);
        var first = Pull(Import());
        Shell.Run("rm old; echo new > new", Source);
        var second = Pull(Import());
        LocalStoreGarbage.Run(_store, [second.Id]);
        _store.Commits().Should().Equal(second.Id);
        StoredFiles().Should().HaveCount(2);
        Deploy(second, "2");
        var gone = () => _store.GetComplete(first.Id);
        gone.Should().Throw<NotFoundException>();
    }

    [Fact]
    public void Nothing_in_a_tree_leads_outside_the_target()
    {
        // A symlink and a directory cannot share a name, so the only way out would be a swapped directory; the checkout
        // holds descriptors, and a name with a slash cannot be decoded. What is left is a target that exists already.
        Directory.CreateDirectory(Source + "/etc");
        Shell.Run("echo evil > etc/passwd", Source);
        var commit = Pull(Import());
        Directory.CreateDirectory(_directory["outside"]);
        Shell.Run("ln -s outside 1", _directory.Path);
        var deploy = () => Deploy(commit, "1");
        deploy.Should().Throw<PosixException>();
        Directory.GetFileSystemEntries(_directory["outside"]).Should().BeEmpty();
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Many_directories_by_several_threads_come_out_as_one_thread_would_make_them()
    {
        MakeManyDirectories();
        var commit = Pull(Import());
        Shell.Run("grep -rL same ctree/store/objects --include='*.file' | sort | head -50 | xargs chmod 400", _directory.Path);
        var checkout = Deploy(commit, "1");
        AwkwardTree.Describe(_directory["1"]).Should().Be(AwkwardTree.Describe(Source));
        Shell.Run("find 1 -printf '%T@\\n' | sort -u", _directory.Path).Trim().Should().Be("1.0000000000");
        (checkout.Files, checkout.Mended).Should().Be((900, 50));
    }

    [Fact]
    public void A_failure_on_one_thread_ends_all()
    {
        MakeManyDirectories();
        var commit = Pull(Import());
        foreach (var stored in StoredFiles().Order().Skip(100))
            File.Delete(stored);
        var deploy = () => Deploy(commit, "1");
        deploy.Should().Throw<ObjectNotFoundException>();
    }

    // Contents of their own, so that no two threads find the same inode changed; one that all share.
    private void MakeManyDirectories()
    {
        Directory.CreateDirectory(Source);
        Shell.Run("for i in $(seq 300); do d=a$((i % 3))/b$((i % 7))/c$i; mkdir -p $d; echo $i >$d/own; echo same >$d/same; : >$d/empty; chmod $((700 + i % 7)) $d; done", Source);
    }

    private ObjectId Import()
    {
        using var writer = _repository.BeginWriting();
        var result = DirectoryImport.Run(Source, writer, new ImportOptions());
        writer.Complete();
        return result.Tree;
    }

    private CompleteCommit Pull(ObjectId root)
    {
        using var pull = _store.BeginPull();
        using var content = new StoredContent(_repository);
        PullTree(pull, content, root);
        var commit = (CommitSamples.Minimal with { Tree = root }).Encode();
        return pull.Complete(ObjectId.Of(commit), commit);
    }

    private void PullTree(StorePull pull, StoredContent content, ObjectId id)
    {
        var tree = pull.AddTree(id, _repository.ReadSmall(new ObjectName(ObjectKind.Tree, id), Tree.MaxEncodedBytes));
        foreach (var entry in tree.Entries)
        {
            if (entry is TreeEntry.Directory directory)
                PullTree(pull, content, directory.Id);
            else if (entry is TreeEntry.File { Size: > 0 } file && !pull.Contains(new StoredFile(file.Id, file.Metadata.Digest())))
            {
                pull.Flush();
                if (_store.FindVariant(file.Id) is { } variant)
                {
                    pull.AddVariant(variant, file.Size, file.Metadata);
                    continue;
                }
                using var receiver = pull.Receive(file.Id, file.Size, file.Metadata);
                content.Read(new ObjectName(ObjectKind.File, file.Id), file.Size, receiver.Write);
                receiver.Complete();
            }
        }
    }

    private TreeCheckout Deploy(CompleteCommit commit, string name)
    {
        using var parent = Posix.OpenDirectory(_directory.Path);
        return TreeCheckout.Run(_store, commit.Commit.Tree, parent, Encoding.UTF8.GetBytes(name), CheckoutMode.Link);
    }

    private string[] StoredFiles() => Directory.GetFiles(_directory["ctree/store/objects"], "*.file", SearchOption.AllDirectories);
}
