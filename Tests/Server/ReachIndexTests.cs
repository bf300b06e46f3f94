using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Server;

/// <summary>The index of what is public: it may be late, and it must not be wrong.</summary>
public sealed class ReachIndexTests : IAsyncLifetime
{
    private static readonly BranchName Stable = BranchName.Parse("stable");
    private static readonly BranchName Board = BranchName.Parse("board");
    private static readonly HashSet<BranchName> Nobody = [];

    private TestServer _server = null!;
    private ReachIndex _index = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _index = new ReachIndex(_server.Data, _server.Time);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_branch_that_became_private_while_others_had_their_turn_is_not_taken_for_public()
    {
        Publish("board", "theirs");
        var turn = new PrivateBranches(_server.Data).Lock();
        var refreshing = Task.Run(() => _index.Refresh(Board));
        await Task.Delay(500);
        refreshing.IsCompleted.Should().BeFalse("another process has its turn");
        File.WriteAllText(_server["data/repo/private.json"], """{"private":["board"]}""");
        turn.Dispose();
        await refreshing;
        IsPublic("theirs").Should().BeFalse();
        _index.Has(NameOf("theirs"), new HashSet<BranchName> { Board }).Should().BeTrue();
    }

    [Fact]
    public void What_is_published_after_a_thief_archived_a_far_number_is_found()
    {
        Publish("stable", "first");
        File.WriteAllText(_server[$"data/repo/history/stable/{1L << 40}.json"], "signed by nobody whom the server knows");
        _index.Refresh(Stable);
        Publish("stable", "second");
        _index.Refresh(Stable);
        IsPublic("second").Should().BeTrue();
    }

    [Fact]
    public void Whoever_asks_while_it_is_made_anew_and_when_that_fails_sees_what_was()
    {
        Publish("stable", "everybody's");
        Publish("board", "theirs");
        _index.Refresh();
        var archived = _server["data/repo/history/stable/1.json"];
        File.Move(archived, archived + ".away");
        File.CreateSymbolicLink(archived, "1.json");
        var set = () => Register.SetPrivate(Board, isPrivate: true);
        set.Should().Throw<IOException>();
        IsPublic("everybody's").Should().BeTrue();

        File.Delete(archived);
        File.Move(archived + ".away", archived);
        set.Should().NotThrow("it is said again");
        (IsPublic("everybody's"), IsPublic("theirs")).Should().Be((true, false));
    }

    [Fact]
    public void A_damaged_commit_is_walked_again_when_it_was_mended_and_its_branch_may_become_private_before()
    {
        var commit = Publish("stable", "everybody's");
        var tree = _server.Data.Repository.ReadCommit(commit).Tree.ToString();
        var file = _server[$"data/repo/objects/{tree[..2]}/{tree[2..]}.tree"];
        var whole = File.ReadAllBytes(file);
        Overwrite(file, [1, 2, 3]);
        _index.Refresh(Stable);
        Overwrite(file, whole);
        _index.Refresh(Stable);
        IsPublic("everybody's").Should().BeFalse("it rests");
        _server.Time.Ahead += TimeSpan.FromMinutes(2);
        _index.Refresh(Stable);
        IsPublic("everybody's").Should().BeTrue();

        Overwrite(file, [1, 2, 3]);
        Register.SetPrivate(Stable, isPrivate: true);
        _index.Has(new ObjectName(ObjectKind.Commit, commit), Nobody).Should().BeFalse();
    }

    [Fact]
    public void An_index_that_cannot_be_opened_is_opened_later_and_one_of_another_version_is_made_anew()
    {
        Publish("stable", "everybody's");
        var path = _server["data/cache/reach.db"];
        Directory.CreateDirectory(path);
        var refresh = () => _index.Refresh(Stable);
        refresh.Should().Throw<Exception>();
        Directory.Delete(path);
        SqliteDatabase.OpenIndex(path, """
            CREATE TABLE heads (branch TEXT PRIMARY KEY, realm TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO heads VALUES ('stable', '', 9);
            """);
        refresh.Should().NotThrow();
        IsPublic("everybody's").Should().BeTrue();
    }

    private BranchRegister Register => new(_server.Data, new EmptyBranches(_server.Data.OpenDatabase()), _server.Time);

    private ObjectId Publish(string branch, string content)
    {
        _server.WriteSource("file", content);
        return _server.Publish(branch).Commit;
    }

    private bool IsPublic(string content) => _index.Has(NameOf(content), Nobody);

    private static ObjectName NameOf(string content) => new(ObjectKind.File, ObjectId.Of(System.Text.Encoding.UTF8.GetBytes(content)));

    private static void Overwrite(string path, byte[] bytes)
    {
        File.Delete(path);
        File.WriteAllBytes(path, bytes);
    }
}
