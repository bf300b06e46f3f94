using System.Globalization;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Repositories;

/// <summary>Commits that stay, for whatever reason, stay whole.</summary>
public sealed class GarbageCollectionTests : IDisposable
{
    private const int MaxRounds = 50;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly TemporaryDirectory _directory = new();
    private readonly Repository _repository;

    public GarbageCollectionTests() => _repository = Repository.Create(_directory["repo"]);

    public void Dispose()
    {
        _repository.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_commit_that_its_age_spares_keeps_older_trees_and_files(bool dryRun)
    {
        var (commit, reached) = Publish("spared");
        var (old, garbage) = Publish("old");
        // A publish writes its commit last, and relies on objects that may be half a day older.
        Age(hours: 14, Commit(commit));
        Age(hours: 25, [.. reached, Commit(old), .. garbage]);

        var collected = GarbageCollection.Run(_repository, [], Day, dryRun);

        (collected.Removed, collected.Kept).Should().Be((3, 3));
        garbage.Should().OnlyContain(name => _repository.Contains(name) == dryRun);
        reached.Should().OnlyContain(name => _repository.Contains(name));
        collected.Spared.Should().Equal(commit);
        var next = () => GarbageCollection.Run(_repository, [commit], Day, dryRun: false);
        next.Should().NotThrow("a device may report it meanwhile");
    }

    [Fact]
    public void A_composed_commit_that_its_age_spares_keeps_its_parts_whole()
    {
        var (part, reached) = Publish("part");
        var composed = PutComposed(1, part);
        Age(hours: 25, [Commit(part), .. reached]);

        var collected = GarbageCollection.Run(_repository, [], Day, dryRun: false);

        collected.Removed.Should().Be(0);
        collected.Spared.Select(c => c.ToString()).Should().BeEquivalentTo(composed.ToString(), part.ToString());
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("damaged")]
    public void What_is_wrong_below_a_spared_commit_stops_nothing(string fault)
    {
        var (commit, reached) = Publish("spared");
        var (old, garbage) = Publish("old");
        Age(hours: 25, [Commit(old), .. garbage]);
        var tree = _directory["repo/" + reached[0].RelativePath];
        File.WriteAllText(tree, "no tree");
        if (fault == "missing")
            File.Delete(tree);

        GarbageCollection.Run(_repository, [], Day, dryRun: false).Removed.Should().Be(3);

        _repository.Contains(Commit(commit)).Should().BeTrue();
        var rooted = () => GarbageCollection.Run(_repository, [commit], Day, dryRun: false);
        rooted.Should().Throw<CorruptObjectException>("something needs it");
    }

    [Fact]
    public async Task A_part_that_many_name_is_read_once()
    {
        var commit = Publish("part").Commit;
        for (var level = 0; level < 5; level++)
            commit = PutComposed(Composition.MaxInputs, commit);

        var collect = Task.Run(() => GarbageCollection.Run(_repository, [commit], TimeSpan.FromSeconds(-60), dryRun: false));

        (await collect.WaitAsync(TimeSpan.FromSeconds(20))).Removed.Should().Be(0);
    }

    [Fact]
    public async Task A_commit_that_another_puts_back_while_it_is_removed_stays_whole()
    {
        var left = Array.Empty<ObjectId>();
        for (var round = 0; round < MaxRounds && left.Length == 0; round++)
        {
            var (first, reached) = Publish("reached");
            var commits = PutCommits(1000, _repository.ReadCommit(first).Tree);
            using var ending = new CancellationTokenSource();
            var putting = Task.Run(() =>
            {
                while (!ending.IsCancellationRequested)
                    SetAside.Open(_repository).Dispose();
            });

            GarbageCollection.Run(_repository, [], TimeSpan.FromSeconds(-60), dryRun: false);
            await ending.CancelAsync();
            await putting;

            left = [.. commits.Where(c => _repository.Contains(Commit(c)))];
            if (left.Length > 0)
                reached.Should().OnlyContain(name => _repository.Contains(name));
        }
        left.Should().NotBeEmpty("only then was anything tried");
    }

    [Fact]
    public void Nothing_is_put_back_while_a_collection_runs()
    {
        var name = Publish("set aside").Reached[0];
        Directory.CreateDirectory(_directory["repo/trash"]);
        File.Move(_directory["repo/" + name.RelativePath], _directory["repo/trash/" + name]);
        using (RepositoryLock.TakeNow(_repository.Root))
            SetAside.Recover(_repository);
        _repository.Contains(name).Should().BeFalse();
        SetAside.Recover(_repository);
        _repository.Contains(name).Should().BeTrue();
        RepositoryLock.TakeNow(_repository.Root).Dispose();
    }

    [Fact]
    public void What_another_users_collection_set_aside_is_his_to_put_back()
    {
        var name = Publish("set aside").Reached[0];
        Directory.CreateDirectory(_directory["repo/trash"]);
        File.Move(_directory["repo/" + name.RelativePath], _directory["repo/trash/" + name]);
        Shell.Run($"chattr +i {_directory["repo/trash"]}");
        try
        {
            using (_repository.BeginWriting())
                _repository.Contains(name).Should().BeFalse();
        }
        finally
        {
            Shell.Run($"chattr -i {_directory["repo/trash"]}");
        }
        using (_repository.BeginWriting())
            _repository.Contains(name).Should().BeTrue();
    }

    private static ObjectName Commit(ObjectId id) => new(ObjectKind.Commit, id);

    private void Age(int hours, params ObjectName[] names) =>
        names.ToList().ForEach(name => File.SetLastWriteTimeUtc(_directory["repo/" + name.RelativePath], DateTime.UtcNow.AddHours(-hours)));

    // Its tree comes first, then the file.
    private (ObjectId Commit, ObjectName[] Reached) Publish(string content)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(content);
        var file = Put(ObjectKind.File, bytes);
        var tree = Put(ObjectKind.Tree, new Tree(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("file"), Metadata.Plain(0x1a4), bytes.Length, file.Id)]).Encode());
        return (Put(ObjectKind.Commit, (CommitSamples.Minimal with { Tree = tree.Id }).Encode()).Id, [tree, file]);
    }

    private ObjectId[] PutCommits(int count, ObjectId tree)
    {
        using var writer = _repository.BeginWriting();
        using var encoder = new Lz4Encoder();
        var commits = Enumerable.Range(0, count).Select(i => (CommitSamples.Minimal with { Tree = tree, Subject = $"{i}" }).Encode()).ToArray();
        foreach (var commit in commits)
            writer.Write(Commit(ObjectId.Of(commit)), commit, encoder);
        writer.Complete();
        return [.. commits.Select(c => ObjectId.Of(c))];
    }

    private ObjectId PutComposed(int parts, ObjectId part)
    {
        var inputs = Enumerable.Range(0, parts).Select(i => new CompositionInput(EntryPath.Parse(i == 0 ? "" : i.ToString(CultureInfo.InvariantCulture)), BranchName.Parse("part"), 1, part));
        var commit = CommitSamples.Minimal with
        {
            Tree = _repository.ReadCommit(part).Tree,
            Source = new CommitSource(CommitSourceKind.Compose),
            Annotations = Composition.Create(inputs).Annotations,
        };
        return Put(ObjectKind.Commit, commit.Encode()).Id;
    }

    private ObjectName Put(ObjectKind kind, byte[] content)
    {
        var name = new ObjectName(kind, ObjectId.Of(content));
        using var writer = _repository.BeginWriting();
        using var encoder = new Lz4Encoder();
        writer.Write(name, content, encoder);
        writer.Complete();
        return name;
    }
}
