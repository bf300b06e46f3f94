using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Repositories;

public sealed class RepositoryTests : IDisposable
{
    private static readonly BranchName Main = BranchName.Parse("main");
    private readonly TemporaryDirectory _directory = new();
    private readonly Repository _repository;

    public RepositoryTests() => _repository = Repository.Create(_directory["repo"]);

    public void Dispose()
    {
        _repository.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void What_was_written_reads_back()
    {
        var name = Put("content");
        _repository.ReadSmall(name, 100).Should().Equal("content"u8.ToArray());
        using var content = new StoredContent(_repository);
        var read = new List<byte>();
        content.Read(name, 7, bytes => read.AddRange(bytes)).Should().Be(7);
        read.Should().Equal("content"u8.ToArray());
    }

    [Fact]
    public void The_same_content_is_stored_once()
    {
        using var writer = _repository.BeginWriting();
        using var encoder = new Lz4Encoder();
        var name = NameOf("same");
        writer.Write(name, "same"u8, encoder).Should().BeTrue();
        writer.Write(name, "same"u8, encoder).Should().BeFalse();
        writer.Complete();
        using var second = _repository.BeginWriting();
        second.Write(name, "same"u8, encoder).Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_another_writer_stored_meanwhile_stays_whole(bool rewrite)
    {
        using var first = _repository.BeginWriting(rewrite);
        using var second = _repository.BeginWriting(rewrite);
        using var encoder = new Lz4Encoder();
        first.Write(NameOf("both"), "both"u8, encoder).Should().BeTrue();
        second.Write(NameOf("both"), "both"u8, encoder).Should().BeTrue();
        first.Complete();
        second.Complete();
        _repository.ReadSmall(NameOf("both"), 10).Should().Equal("both"u8.ToArray());
    }

    [Fact]
    public void Nothing_is_visible_before_it_is_complete()
    {
        using (var writer = _repository.BeginWriting())
        using (var encoder = new Lz4Encoder())
            writer.Write(NameOf("half"), "half"u8, encoder);
        _repository.Contains(NameOf("half")).Should().BeFalse();
        Directory.GetFileSystemEntries(_directory["repo/staging"]).Should().BeEmpty();
    }

    [Fact]
    public void A_failed_write_can_be_repeated()
    {
        using var writer = _repository.BeginWriting();
        var fail = () => writer.Write(NameOf("x"), _ => throw new IOException("disk gone"));
        fail.Should().Throw<IOException>();
        using var encoder = new Lz4Encoder();
        writer.Write(NameOf("x"), "x"u8, encoder).Should().BeTrue();
        writer.Complete();
        _repository.ReadSmall(NameOf("x"), 10).Should().Equal("x"u8.ToArray());
    }

    [Fact]
    public void Every_flipped_or_cut_byte_at_rest_is_found()
    {
        var name = Put("a content that is long enough to be compressed compressed compressed");
        var path = _directory["repo/" + name.RelativePath];
        var stored = File.ReadAllBytes(path);
        for (var at = 0; at < stored.Length; at++)
        {
            var flipped = (byte[])stored.Clone();
            flipped[at] ^= 0x10;
            // The frame's version and flag bits may be spelled differently and still decode to the same content.
            if (Decodes(flipped, stored))
                continue;
            File.WriteAllBytes(path, flipped);
            RepositoryCheck.Run(_repository).Damage.Should().ContainSingle($"byte {at} was flipped").Which.What.Should().Be(name.ToString());
        }
        for (var length = 0; length < stored.Length; length++)
        {
            File.WriteAllBytes(path, stored[..length]);
            RepositoryCheck.Run(_repository).Damage.Should().ContainSingle($"only {length} bytes are left");
        }
        File.WriteAllBytes(path, stored);
        RepositoryCheck.Run(_repository).Damage.Should().BeEmpty();
    }

    [Fact]
    public void An_object_swapped_for_another_valid_one_is_found()
    {
        var (a, b) = (Put("first"), Put("second"));
        File.Copy(_directory["repo/" + a.RelativePath], _directory["repo/" + b.RelativePath], overwrite: true);
        RepositoryCheck.Run(_repository).Damage.Should().ContainSingle().Which.What.Should().Be(b.ToString());
    }

    [Theory]
    [InlineData("mkfifo")]
    [InlineData("mkdir")]
    [InlineData("ln -s /dev/zero")]
    public void An_object_replaced_by_something_else_is_found_and_blocks_nobody(string make)
    {
        var path = _directory["repo/" + Put("gone").RelativePath];
        Shell.Run($"rm {path}; {make} {path}");
        RepositoryCheck.Run(_repository).Damage.Should().ContainSingle();
    }

    [Fact]
    public void A_branch_moves_only_from_where_the_publisher_saw_it()
    {
        _repository.Heads.Advance(Main, null, 1, "one"u8);
        _repository.Heads.Advance(Main, "one"u8.ToArray(), 2, "two"u8);
        var late = () => _repository.Heads.Advance(Main, "one"u8.ToArray(), 3, "three"u8);
        late.Should().Throw<BranchMovedException>();
        var again = () => _repository.Heads.Advance(Main, null, 3, "three"u8);
        again.Should().Throw<BranchMovedException>();
        _repository.Heads.ReadNewest(Main).Should().Equal("two"u8.ToArray());
        _repository.Heads.ArchivedSequences(Main).Should().Equal(1, 2);
        _repository.Heads.ReadArchived(Main, 1).Should().Equal("one"u8.ToArray());
    }

    [Fact]
    public void Racing_publishers_never_lose_a_head()
    {
        var wins = 0;
        Parallel.For(0, 200, _ =>
        {
            while (true)
            {
                var present = _repository.Heads.ReadNewest(Main);
                var sequence = present is null ? 1 : long.Parse(Encoding.ASCII.GetString(present)) + 1;
                try
                {
                    _repository.Heads.Advance(Main, present, sequence, Encoding.ASCII.GetBytes($"{sequence}"));
                    Interlocked.Increment(ref wins);
                    return;
                }
                catch (BranchMovedException)
                {
                }
            }
        });
        wins.Should().Be(200);
        _repository.Heads.ReadNewest(Main).Should().Equal("200"u8.ToArray());
        _repository.Heads.ArchivedSequences(Main).Should().HaveCount(200);
    }

    [Fact]
    public void A_deleted_branch_leaves_its_numbers_used()
    {
        var branch = BranchName.Parse("fleet/test");
        _repository.Heads.Advance(branch, null, 1, "one"u8);
        _repository.Heads.Delete(branch);
        _repository.Heads.List().Should().BeEmpty();
        var reuse = () => _repository.Heads.Advance(branch, null, 1, "again"u8);
        reuse.Should().Throw<BranchMovedException>();
    }

    [Fact]
    public void Garbage_is_what_no_root_reaches_and_is_old_enough()
    {
        var kept = Put("kept");
        var young = Put("young");
        var old = Put("old");
        var tree = PutTree(kept);
        var commit = PutCommit(tree);
        Shell.Run($"touch -d '2 days ago' {string.Join(' ', new[] { kept, old }.Select(n => _directory["repo/" + n.RelativePath]))}");
        var (removed, _, _) = GarbageCollection.Run(_repository, [commit], TimeSpan.FromDays(1), dryRun: true);
        removed.Should().Be(1);
        _repository.Contains(old).Should().BeTrue("a dry run removes nothing");
        GarbageCollection.Run(_repository, [commit], TimeSpan.FromDays(1), dryRun: false);
        (_repository.Contains(kept), _repository.Contains(young), _repository.Contains(old)).Should().Be((true, true, false));
    }

    [Fact]
    public void Freshening_protects_what_a_publisher_was_told_is_here()
    {
        var name = Put("old but wanted");
        Shell.Run($"touch -d '2 days ago' {_directory["repo/" + name.RelativePath]}");
        _repository.Freshen(name).Should().BeTrue();
        GarbageCollection.Run(_repository, [], TimeSpan.FromDays(1), dryRun: false);
        _repository.Contains(name).Should().BeTrue();
        _repository.Freshen(NameOf("absent")).Should().BeFalse();
    }

    [Fact]
    public void Garbage_collection_waits_for_no_publisher_and_disturbs_none()
    {
        var (told, stray, young) = (Put("told"), Put("stray"), Put("young"));
        Shell.Run($"touch -d '2 days ago' {string.Join(' ', new[] { told, stray }.Select(n => _directory["repo/" + n.RelativePath]))}");
        using var writer = _repository.BeginWriting();
        writer.IsKnown(told).Should().BeTrue();

        GarbageCollection.Run(_repository, [], TimeSpan.Zero, dryRun: false);

        (_repository.Contains(told), _repository.Contains(young), _repository.Contains(stray)).Should().Be((true, true, false));
    }

    [Fact]
    public void A_publish_that_begins_during_a_collection_renews_all_that_it_is_told()
    {
        var (told, stray) = (Put("told"), Put("stray"));
        GarbageCollection.Run(_repository, Meanwhile(), TimeSpan.FromSeconds(-60), dryRun: true).Removed.Should().Be(2, "both are garbage");
        var age = File.GetLastWriteTimeUtc(_directory["repo/" + told.RelativePath]);

        IEnumerable<ObjectId> Meanwhile()
        {
            using var writer = _repository.BeginWriting();
            Thread.Sleep(20);
            writer.IsKnown(told).Should().BeTrue();
            yield break;
        }

        age.Should().BeAfter(File.GetLastWriteTimeUtc(_directory["repo/" + stray.RelativePath]));
    }

    [Fact]
    public void What_is_renewed_after_it_was_found_to_be_garbage_stays()
    {
        var told = Put("told");
        using var aside = SetAside.Open(_repository);
        var cutoff = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;
        Thread.Sleep(20);
        _repository.Freshen(told).Should().BeTrue();

        aside.TryRemove(told, cutoff).Should().BeFalse();

        _repository.Contains(told).Should().BeTrue();
        aside.TryRemove(told, long.MaxValue).Should().BeTrue();
        (_repository.Contains(told), Directory.GetFiles(_directory["repo/trash"]).Length).Should().Be((false, 0));
    }

    [Fact]
    public void What_a_killed_collection_had_set_aside_goes_back()
    {
        var name = Put("set aside");
        Directory.CreateDirectory(_directory["repo/trash"]);
        File.Move(_directory["repo/" + name.RelativePath], _directory["repo/trash/" + name]);
        using (_repository.BeginWriting())
            _repository.Contains(name).Should().BeTrue();
        File.Move(_directory["repo/" + name.RelativePath], _directory["repo/trash/" + name]);
        GarbageCollection.Run(_repository, [], TimeSpan.FromDays(1), dryRun: false);
        _repository.Contains(name).Should().BeTrue();
    }

    [Fact]
    public void Commits_go_before_what_they_reach()
    {
        var file = Put("reached");
        var commit = PutCommit(PutTree(file));
        // A collection that is killed after its first pass: the same as one that cannot remove more.
        Shell.Run($"chattr +i {_directory["repo/" + file.RelativePath]}");
        try
        {
            var collect = () => GarbageCollection.Run(_repository, [], TimeSpan.FromSeconds(-60), dryRun: false);
            collect.Should().Throw<ContentTree.Store.PosixException>();
        }
        finally
        {
            Shell.Run($"chattr -i {_directory["repo/" + file.RelativePath]}");
        }
        _repository.Contains(new ObjectName(ObjectKind.Commit, commit)).Should().BeFalse("what is left of it could not be checked out");
    }

    [Fact]
    public void A_rewriting_publish_replaces_a_damaged_object()
    {
        var name = Put("damaged");
        File.WriteAllBytes(_directory["repo/" + name.RelativePath], []);
        using (var writer = _repository.BeginWriting(rewrite: true))
        using (var encoder = new Lz4Encoder())
        {
            writer.Write(name, "damaged"u8, encoder).Should().BeTrue();
            writer.Complete();
        }
        _repository.ReadSmall(name, 100).Should().Equal("damaged"u8.ToArray());
    }

    [Fact]
    public void A_stored_length_is_checked_before_it_is_believed()
    {
        var tree = PutTree(Put("file"));
        var path = _directory["repo/" + new ObjectName(ObjectKind.Tree, tree).RelativePath];
        Shell.Run($"truncate -s 5G {path}");
        var read = () => _repository.ReadTree(tree);
        read.Should().Throw<CorruptObjectException>().WithMessage("*larger than*");
    }

    [Fact]
    public void Publishers_that_come_and_go_do_not_disturb_each_other()
    {
        File.WriteAllText(_directory["repo/staging/stray"], "");
        Parallel.For(0, 200, _ =>
        {
            using var writer = _repository.BeginWriting();
            using var encoder = new Lz4Encoder();
            writer.Write(NameOf(Guid.NewGuid().ToString()), "x"u8, encoder);
        });
        Directory.GetDirectories(_directory["repo/staging"]).Should().BeEmpty();
    }

    [Fact]
    public void A_writer_that_could_not_start_leaves_no_lock()
    {
        Shell.Run($"chattr +i {_directory["repo/staging"]}");
        try
        {
            var begin = () => _repository.BeginWriting();
            begin.Should().Throw<ContentTree.Store.PosixException>();
            GarbageCollection.Run(_repository, [], TimeSpan.Zero, dryRun: false).Removed.Should().Be(0);
        }
        finally
        {
            Shell.Run($"chattr -i {_directory["repo/staging"]}");
        }
    }

    [Fact]
    public void What_a_killed_publish_left_beside_heads_goes_with_the_grace()
    {
        _repository.Heads.Advance(BranchName.Parse("a/b"), null, 1, "one"u8);
        Shell.Run("touch -d '2 days ago' repo/heads/a/.new-old repo/history/a/b/.new-old repo/trust/.new-old; touch repo/heads/a/.new-young", _directory.Path);
        GarbageCollection.Run(_repository, [], TimeSpan.FromDays(1), dryRun: true);
        Shell.Run("find repo -name '.new-*' | wc -l", _directory.Path).Trim().Should().Be("4");
        GarbageCollection.Run(_repository, [], TimeSpan.FromDays(1), dryRun: false);
        Shell.Run("find repo -name '.new-*'", _directory.Path).Trim().Should().Be("repo/heads/a/.new-young");
        _repository.Heads.ReadNewest(BranchName.Parse("a/b")).Should().Equal("one"u8.ToArray());
    }

    [Fact]
    public void A_damaged_root_stops_garbage_collection_before_it_removes_anything()
    {
        var file = Put("precious");
        var tree = PutTree(file);
        var commit = PutCommit(tree);
        File.Delete(_directory["repo/" + new ObjectName(ObjectKind.Tree, tree).RelativePath]);
        var collect = () => GarbageCollection.Run(_repository, [commit], TimeSpan.Zero, dryRun: false);
        collect.Should().Throw<CorruptObjectException>();
        _repository.Contains(file).Should().BeTrue();
    }

    private static bool Decodes(byte[] frame, byte[] original)
    {
        using var decoder = new Lz4Decoder();
        try
        {
            return decoder.DecodeFrame(frame, 1000).AsSpan().SequenceEqual(decoder.DecodeFrame(original, 1000));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static ObjectName NameOf(string content) => new(ObjectKind.File, ObjectId.Of(Encoding.UTF8.GetBytes(content)));

    private ObjectName Put(string content) => Put(NameOf(content), Encoding.UTF8.GetBytes(content));

    private ObjectId PutTree(ObjectName file)
    {
        var tree = new Tree(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("file"), Metadata.Plain(0x1a4), 4, file.Id)]).Encode();
        return Put(new ObjectName(ObjectKind.Tree, ObjectId.Of(tree)), tree).Id;
    }

    private ObjectId PutCommit(ObjectId tree)
    {
        var commit = (ContentTree.Tests.Objects.CommitSamples.Minimal with { Tree = tree }).Encode();
        return Put(new ObjectName(ObjectKind.Commit, ObjectId.Of(commit)), commit).Id;
    }

    private ObjectName Put(ObjectName name, byte[] content)
    {
        using var writer = _repository.BeginWriting();
        using var encoder = new Lz4Encoder();
        writer.Write(name, content, encoder);
        writer.Complete();
        return name;
    }
}
