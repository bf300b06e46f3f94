using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Trees;

/// <summary>
/// What the holder of a release key, or of the disk, may put into a tree: each case goes through pull, both checks and both checkouts, each
/// source through import. Nothing outside of what is being made is touched. Packs and deltas bring trees through the same door:
/// their own attacks are HostilePackTests and DeltaFuzzTests.
/// </summary>
public sealed class HostileTreeTests(HostileTreeTests.Ground ground) : IClassFixture<HostileTreeTests.Ground>
{
    private readonly TemporaryDirectory _directory = ground.Directory;
    private readonly Repository _repository = ground.Repository;
    private readonly LocalStore _store = ground.Store;

    public static TheoryData<string> Malformed => [.. HostileTrees.Malformed.Keys];

    public static TheoryData<string, string> Sources => new()
    {
        { "ln -s ../../outside dir; ln -s /etc/passwd file", "" },
        { "ln -s . self; ln -s ../src up; ln -s loop loop", "" },
        { "ln ../../outside/passwd linked", "" },
        { "mkfifo pipe", "" },
        { "touch -- \"$(printf 'new\\nline')\" \"$(printf 'bad\\377utf8')\" \"$(printf '\\033[2J')\" 'back\\slash' '-rf' ' ' '~' '$(reboot)'", "" },
        { "touch \"$(head -c 255 /dev/zero | tr '\\0' n)\"", "" },
        { "mknod disk b 8 0; mknod mem c 1 1", "" },
        { "cp /bin/true setuid; chmod 6755 setuid; setcap cap_sys_admin+ep setuid", "" },
        { "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"", "socket" },
        { "mkdir upper; setfattr -n trusted.overlay.opaque -v y upper", "overlay" },
        { "touch file; setfattr -n trusted.overlay.redirect -v /etc file", "overlay" },
        { "touch file; setfattr -n user.big -v \"$(head -c 2100 /dev/zero | tr '\\0' v)\" file", "2048" },
        { "python3 -c \"import os\nfor i in range(2050): os.mkdir('d'); os.chdir('d')\"", "nested deeper" },
    };

    [Fact]
    public void There_are_at_least_sixty_of_them() =>
        (HostileTrees.Malformed.Count + Sources.Count).Should().BeGreaterThan(60);

    [Fact]
    public void The_same_shapes_with_nothing_wrong_are_trees() =>
        HostileTrees.WellFormed.Should().AllSatisfy(bytes => Tree.Decode(bytes).Encode().Should().Equal(bytes));

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Malformed))]
    public void A_tree_that_no_encoder_writes_gets_nowhere(string what)
    {
        var bytes = HostileTrees.Malformed[what];
        Refused(bytes);
        Refused(HostileTrees.Holding("etc", ObjectId.Of(bytes)), child: bytes);
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void A_source_that_means_harm_is_taken_as_it_is_or_refused(string script, string refusal)
    {
        var before = Outside();
        var (source, made) = (_directory[$"work/{Guid.NewGuid():N}"], _directory[$"work/{Guid.NewGuid():N}"]);
        Directory.CreateDirectory(source);
        Shell.Run(script, source);
        using var writer = _repository.BeginWriting();
        var import = () => DirectoryImport.Run(source, writer, new ImportOptions());
        if (refusal.Length > 0)
        {
            import.Should().Throw<UnsupportedSourceException>().WithMessage($"*{refusal}*");
        }
        else
        {
            var tree = import().Tree;
            writer.Complete();
            RepositoryCheckout.Run(_repository, tree, made);
            AwkwardTree.Describe(made).Should().Be(AwkwardTree.Describe(source));
        }
        Outside().Should().Be(before);
    }

    [Fact]
    public void A_small_tree_of_a_million_million_directories_is_not_begun()
    {
        var id = Store(HostileTrees.Empty);
        for (var i = 0; i < 40; i++)
            id = Store(HostileTrees.HoldingOften(id, 2));
        RefusedWhole(id, "*entries in all*");
    }

    [Fact]
    public void A_tree_deeper_than_any_path_is_not_begun_also_where_a_part_of_it_was_seen_before()
    {
        var id = Store(HostileTrees.Empty);
        var half = id;
        for (var i = 0; i <= Tree.MaxDepth; i++)
        {
            id = Store(HostileTrees.Holding("d", id));
            half = i == Tree.MaxDepth / 2 ? id : half;
        }
        RefusedWhole(id, "*nested too deep*");
        var totals = new TreeTotals(_repository.ReadTree);
        totals.Of(half);
        totals.Invoking(t => t.Of(id)).Should().Throw<CorruptObjectException>().WithMessage("*nested too deep*");
    }

    [Fact]
    public void A_tree_of_more_bytes_than_any_disk_is_not_begun()
    {
        var id = Store(HostileTrees.OfSize(1UL << 45));
        foreach (var root in new[] { Store(HostileTrees.HoldingOften(id, 3)), Store(HostileTrees.OfSize(long.MaxValue)) })
        {
            var publish = () => new TreeTotals(_repository.ReadTree).Of(root);
            publish.Should().Throw<CorruptObjectException>().WithMessage("*bytes in all*");
        }
    }

    [Fact]
    public void What_is_within_the_limits_is_counted_where_it_stands()
    {
        var leaf = Store(HostileTrees.OfSize(7));
        var root = Store(HostileTrees.HoldingOften(Store(HostileTrees.HoldingOften(leaf, 3)), 2));
        new TreeTotals(_store.ReadTree).Of(root).Should().Be((2 + 2 * 3 + 2 * 3 * 1, 42, 2));
    }

    private void Refused(byte[] bytes, byte[]? child = null)
    {
        var before = Outside();
        var id = ObjectId.Of(bytes);
        // The disk's holder: right hash, right place, no pull in between.
        Store(bytes);
        if (child is not null)
            Store(child);
        using (var pull = _store.BeginPull())
        {
            var add = () => pull.AddTree(ObjectId.Of(child ?? bytes), child ?? bytes);
            add.Should().Throw<CorruptObjectException>();
            var commit = (CommitSamples.Minimal with { Tree = id }).Encode();
            var complete = () => pull.Complete(ObjectId.Of(commit), commit);
            complete.Should().Throw<CorruptObjectException>();
        }
        _store.Commits().Should().BeEmpty();
        LocalStoreCheck.Run(_store).Damage.Select(d => d.What).Should().Contain($"{ObjectId.Of(child ?? bytes)}.tree");
        RepositoryCheck.Run(_repository).Damage.Select(d => d.What).Should().Contain($"{ObjectId.Of(child ?? bytes)}.tree");
        using var parent = Posix.OpenDirectory(_directory["work/target"]);
        foreach (var mode in new[] { CheckoutMode.Link, CheckoutMode.Copy })
        {
            var checkout = () => TreeCheckout.Run(_store, id, parent, "made"u8, mode);
            checkout.Should().Throw<CorruptObjectException>();
            TreeCheckout.Remove(parent, "made"u8);
        }
        var published = () => RepositoryCheckout.Run(_repository, id, _directory["work/target/published"]);
        published.Should().Throw<CorruptObjectException>();
        TreeCheckout.Remove(parent, "published"u8);
        Directory.GetFileSystemEntries(_directory["work/target"]).Should().BeEmpty();
        Outside().Should().Be(before);
    }

    private void RefusedWhole(ObjectId root, string because)
    {
        using var pull = _store.BeginPull();
        var commit = (CommitSamples.Minimal with { Tree = root }).Encode();
        var complete = () => pull.Complete(ObjectId.Of(commit), commit);
        complete.Should().Throw<CorruptObjectException>().WithMessage(because);
        var publish = () => new TreeTotals(_repository.ReadTree).Of(root);
        publish.Should().Throw<CorruptObjectException>().WithMessage(because);
        _store.Commits().Should().BeEmpty();
    }

    private ObjectId Store(byte[] bytes)
    {
        var id = ObjectId.Of(bytes);
        File.WriteAllBytes(_directory[$"work/store/objects/{id.ToString()[..2]}/{id.ToString()[2..]}.tree"], bytes);
        using var encoder = new Lz4Encoder();
        File.WriteAllBytes(_directory["work/repo/" + new ObjectName(ObjectKind.Tree, id).RelativePath], encoder.EncodeFrame(bytes).ToArray());
        return id;
    }

    private string Outside() => AwkwardTree.Describe(_directory["outside"], times: true) + string.Join('\n', Directory.GetFileSystemEntries(_directory.Path).Order());

    /// <summary>One repository and one store for all cases, which stay in them, and a directory beside that nobody may touch.</summary>
    public sealed class Ground : IDisposable
    {
        public Ground()
        {
            System.IO.Directory.CreateDirectory(Directory["work/target"]);
            Repository = Repository.Create(Directory["work/repo"]);
            Store = LocalStore.Create(Directory["work/store"], isPrivileged: true);
            System.IO.Directory.CreateDirectory(Directory["outside"]);
            Shell.Run("echo secret > outside/passwd; mkdir outside/etc; echo theirs > outside/etc/shadow; chmod 600 outside/etc/shadow", Directory.Path);
        }

        public TemporaryDirectory Directory { get; } = new();

        public Repository Repository { get; }

        public LocalStore Store { get; }

        public void Dispose()
        {
            Store.Dispose();
            Repository.Dispose();
            Directory.Dispose();
        }
    }
}
