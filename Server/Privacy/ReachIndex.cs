using System.Data.Common;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Privacy;

/// <summary>
/// Which objects the public branches reach, and which each private one: an index in <c>cache/reach.db</c>, made when the first branch becomes
/// private and made again when it is lost. A head enters it before anybody is given that head, so what a device knows of is found.
/// One process at a time takes heads in. Memory is that of one branch's walk.
/// </summary>
internal sealed class ReachIndex(DataDirectory data, TimeProvider time)
{
    /// <summary>All public branches together.</summary>
    private const string Public = "";

    /// <summary>An index of another version is made anew: all of it can be.</summary>
    private const long Version = 2;

    private const string Reach = "CREATE TABLE IF NOT EXISTS reach (object BLOB NOT NULL, realm TEXT NOT NULL, PRIMARY KEY (object, realm)) WITHOUT ROWID";

    // A row for each head, since numbers need not rise: what a dismissed key has archived is passed over. When its walk failed, or 0.
    private const string Heads = """
        DROP TABLE IF EXISTS heads;
        CREATE TABLE heads (branch TEXT NOT NULL, sequence INTEGER NOT NULL, realm TEXT NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (branch, sequence)) WITHOUT ROWID;
        DELETE FROM reach;
        """;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    // How long a head rests that could not be walked: each question about its branch would walk it.
    private static readonly TimeSpan WalkAgain = TimeSpan.FromMinutes(1);

    private readonly PrivateBranches _branches = new(data);

    // A disk that was full for a moment must not close the index for good.
    private readonly Lazy<Database> _index = new(() => Open(Path.Combine(data.Path, "cache", "reach.db"), data.OpenDatabase().IsShared), LazyThreadSafetyMode.PublicationOnly);
    private long _looked;

    /// <summary>Whether public branches, or one of these private ones, reach an object.</summary>
    public bool Reaches(ObjectName name, IReadOnlySet<BranchName> allowed)
    {
        if (Has(name, allowed))
            return true;
        // Heads that moved and that nobody has asked for yet; looking costs a walk through all branches.
        var last = Interlocked.Read(ref _looked);
        if (last != 0 && time.GetElapsedTime(last) < LookAgain)
            return false;
        Refresh();
        return Has(name, allowed);
    }

    /// <summary>As far as the index knows.</summary>
    public bool Has(ObjectName name, IReadOnlySet<BranchName> allowed)
    {
        using var connection = _index.Value.Connect();
        return connection.Query("SELECT realm FROM reach WHERE object = $object", row => row.GetString(0), ("$object", Key(name)))
            .Exists(realm => realm == Public || (BranchName.TryParse(realm, out var branch) && allowed.Contains(branch)));
    }

    /// <summary>Takes in all heads that are not in the index yet.</summary>
    public void Refresh()
    {
        foreach (var branch in data.Repository.Heads.ListArchived())
            Refresh(branch);
        Interlocked.Exchange(ref _looked, time.GetTimestamp());
    }

    /// <summary>Takes in a branch's heads; quick when there are no new ones. Until it is done others see the index as it was.</summary>
    public void Refresh(BranchName branch)
    {
        using var connection = _index.Value.Connect();
        if (!HasMoved(connection, branch, RealmOf(branch, _branches.Read())) && News(connection, branch).Count == 0)
            return;
        using var turn = _branches.Lock();
        // Not what was read before: another process may have made the branch private meanwhile.
        var privateOnes = _branches.Read();
        using var transaction = connection.BeginTransaction();
        // What a branch had reached as public cannot be told from what others reach: everything is walked again.
        if (HasMoved(connection, branch, RealmOf(branch, privateOnes)))
        {
            connection.Execute("DELETE FROM reach");
            connection.Execute("DELETE FROM heads");
            foreach (var one in data.Repository.Heads.ListArchived())
                TakeIn(connection, one, RealmOf(one, privateOnes));
        }
        else
            TakeIn(connection, branch, RealmOf(branch, privateOnes));
        transaction.Commit();
    }

    private static string RealmOf(BranchName branch, IReadOnlySet<BranchName> privateOnes) => privateOnes.Contains(branch) ? branch.ToString() : Public;

    private static bool HasMoved(DbConnection connection, BranchName branch, string realm) =>
        connection.Query("SELECT 1 FROM heads WHERE branch = $branch AND realm <> $realm LIMIT 1", row => row.GetInt64(0), ("$branch", branch), ("$realm", realm)).Count > 0;

    private IReadOnlyList<long> News(DbConnection connection, BranchName branch)
    {
        var now = time.GetUtcNow();
        var known = connection.Query("SELECT sequence, failed FROM heads WHERE branch = $branch", row => (Sequence: row.Number("sequence"), Failed: row.Number("failed")), ("$branch", branch))
            .Where(h => h.Failed == 0 || (now - DateTimeOffset.FromUnixTimeSeconds(h.Failed)).Duration() < WalkAgain).Select(h => h.Sequence).ToHashSet();
        return [.. data.Repository.Heads.ArchivedSequences(branch).Where(s => !known.Contains(s))];
    }

    private void TakeIn(DbConnection connection, BranchName branch, string realm)
    {
        var branches = new Branches(data, time);
        var closure = new RepositoryClosure(data.Repository);
        foreach (var sequence in News(connection, branch))
        {
            var isWhole = TryWalk(closure, branches, branch, sequence);
            connection.Execute("INSERT OR REPLACE INTO heads (branch, sequence, realm, failed) VALUES ($branch, $sequence, $realm, $failed)",
                ("$branch", branch), ("$sequence", sequence), ("$realm", realm), ("$failed", isWhole ? 0 : time.GetUtcNow().ToUnixTimeSeconds()));
            if (isWhole)
                continue;
            // What was found before the damage counts, but the next walk must not take it for walked to its end.
            Add(connection, closure, realm);
            closure = new RepositoryClosure(data.Repository);
        }
        Add(connection, closure, realm);
    }

    private static void Add(DbConnection connection, RepositoryClosure closure, string realm)
    {
        foreach (var name in closure.Reached)
            connection.Execute("INSERT OR IGNORE INTO reach (object, realm) VALUES ($object, $realm)", ("$object", Key(name)), ("$realm", realm));
    }

    // What garbage collection has taken is reached by nobody; what is damaged, or signed by nobody whom the server knows, may be mended.
    private static bool TryWalk(RepositoryClosure closure, Branches branches, BranchName branch, long sequence)
    {
        try
        {
            if (branches.ReadArchived(branch, sequence) is { } head)
                closure.AddCommit(head.Commit, _ => { });
            return true;
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException or VerificationException or FormatException)
        {
            return false;
        }
    }

    private static Database Open(string path, bool isShared)
    {
        var index = SqliteDatabase.OpenIndex(path, Reach, isShared);
        using var connection = index.Connect();
        using var transaction = connection.BeginTransaction();
        if (connection.Query("PRAGMA user_version", row => row.GetInt64(0)) is not [Version])
        {
            connection.Execute(Heads);
            connection.Execute($"PRAGMA user_version = {Version}");
        }
        transaction.Commit();
        return index;
    }

    // 33 bytes: the kind keeps a file from standing for a tree.
    private static byte[] Key(ObjectName name) => [(byte)name.Kind, .. Convert.FromHexString(name.Id.ToString())];
}
